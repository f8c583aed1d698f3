//! The pages: what they say, in which order, and what forms change.

use std::time::Duration;

use domain::{
    Labels, Timestamp,
    events::{Minute, SliceCounts},
    sla::{AnyObjective, ExclusionDraft},
};
use http_api::Reply;
use lambda_http::Body;
use serde_json::json;
use store::{
    Store,
    sla::Condition,
    testing::{CountedEvents, Documents, TestDatabase, recorded},
};

use crate::service::{Service, Told, objectives, outlook};

pub(crate) fn text(reply: &Reply) -> &str {
    match reply.body() {
        Body::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn page(service: &Service, uri: &str, status: u16) -> String {
    let reply = service.browse("GET", uri, "").await;
    assert_eq!(reply.status().as_u16(), status, "{uri}: {}", text(&reply));
    text(&reply).to_owned()
}

/// SLAs whose objective stands as the values say, as of now.
async fn with(slas: &[(&str, &[f64], f64)]) -> (TestDatabase, Service) {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for (name, values, probability) in slas {
        let document = json!({"name": name, "objectives": [
            {"id": "cpu", "metric": "cpuUsage", "max": 80, "for": "1m", "target": 0.99, "budget_window": "1d"},
        ]});
        let status = service.status("POST", "/sla", None, document).await;
        assert_eq!(status, 201);
        if values.is_empty() {
            continue;
        }
        let objective = &objectives(&database, name).await[0];
        let now = service.now();
        let told = Told {
            sla: name,
            version: 1,
            objective,
            as_of: &now,
        };
        let document = told.of("demo", values, outlook(*probability));
        database
            .store()
            .store_batch(&recorded([document]), &[])
            .await
            .unwrap();
    }
    (database, service)
}

/// Where each of these texts stands in another, in order.
fn places(within: &str, texts: &[&str]) -> Vec<usize> {
    let place = |text: &&str| {
        within
            .find(*text)
            .unwrap_or_else(|| panic!("{text} is not in {within}"))
    };
    texts.iter().map(place).collect()
}

const HIGH: &[f64] = &[90.0; 60];
const LOW: &[f64] = &[50.0; 60];

#[tokio::test]
async fn the_worst_stands_first() {
    let slas: [(&str, &[f64], f64); 5] = [
        ("calm", LOW, 0.1),
        ("silent", &[], 0.0),
        ("likely", LOW, 0.6),
        ("broken", HIGH, 0.9),
        ("soon", &[50.0, 50.0, 90.0], 0.5),
    ];
    let (_database, service) = with(&slas).await;
    let list = page(&service, "/ui", 200).await;
    let link = |name: &str| format!("/ui/sla/{name}\"");
    let order = ["broken", "soon", "silent", "likely", "calm"].map(link);
    let found = places(&list, &order.each_ref().map(String::as_str));
    assert!(found.is_sorted(), "{found:?}");
    assert!(list.contains("out of its range now"), "{list}");
    assert!(list.contains("<title>1 firing, 1 pending – slacast</title>"));
    let by_name = page(&service, "/ui?sort=name", 200).await;
    let order = ["broken", "calm", "likely", "silent", "soon"].map(link);
    let found = places(&by_name, &order.each_ref().map(String::as_str));
    assert!(found.is_sorted(), "{found:?}");
}

#[tokio::test]
async fn a_list_is_asked_for_by_state_and_text() {
    let (_database, service) = with(&[("calm", LOW, 0.1), ("broken", HIGH, 0.9)]).await;
    for (query, calm, broken) in [
        ("state=firing", false, true),
        ("state=ok", true, false),
        ("q=BROK", false, true),
        ("q=instance%3Ddemo", true, true),
        ("q=nothing", false, false),
        ("q=&state=&as_of=&sort=", true, true),
        ("state=pending", false, false),
        ("state=stale", false, false),
    ] {
        let list = page(&service, &format!("/ui?{query}"), 200).await;
        assert_eq!(
            list.contains("/ui/sla/calm?") || list.contains("/ui/sla/calm\""),
            calm,
            "{query}"
        );
        assert_eq!(list.contains("/ui/sla/broken\""), broken, "{query}");
    }
    for query in [
        "state=bad",
        "sort=state",
        "as_of=tomorrow",
        "from=-3h",
        "skip=-1",
    ] {
        let refused = page(&service, &format!("/ui?{query}"), 400).await;
        assert!(refused.starts_with("<!DOCTYPE html>"), "{refused}");
    }
}

#[tokio::test]
async fn an_empty_list_says_how_to_fill_it() {
    let (_database, service) = with(&[]).await;
    let list = page(&service, "/ui", 200).await;
    assert!(list.contains("curl -X POST"), "{list}");
}

#[tokio::test]
async fn links_keep_the_moment_that_was_asked_about() {
    let (_database, service) = with(&[("calm", LOW, 0.1)]).await;
    let list = page(&service, "/ui?as_of=2026-11-23T08:45:00Z", 200).await;
    assert!(
        list.contains("/ui/sla/calm?as_of=2026-11-23T08%3A45%3A00Z"),
        "{list}"
    );
    assert!(list.contains("As it was known at"));
}

#[tokio::test]
async fn the_tag_is_of_the_data_alone() {
    let (_database, service) = with(&[("calm", LOW, 0.1)]).await;
    let tag = async |uri: &str| {
        let reply = service.browse("GET", uri, "").await;
        reply.headers()["etag"].to_str().unwrap().to_owned()
    };
    let first = tag("/ui").await;
    let again = service.browse_known("/ui", &first).await;
    assert_eq!(again.status(), 304);
    let status = service
        .status(
            "POST",
            "/sla",
            None,
            json!({"name": "new", "objectives": [{"metric": "m", "max": 1}]}),
        )
        .await;
    assert_eq!(status, 201);
    assert_ne!(tag("/ui").await, first);
}

#[tokio::test]
async fn every_page_has_a_tag_that_stays_while_its_data_does() {
    let (_database, service) = with(&[("new", &[], 0.0)]).await;
    for uri in [
        "/ui/try",
        "/ui/sla",
        "/ui/sla/new",
        "/ui/sla/new/cpu",
        "/ui/sla/new/cpu?from=-1h",
    ] {
        let first = service.browse("GET", uri, "").await;
        assert_eq!(first.status(), 200, "{uri}: {}", text(&first));
        let headers = first.headers();
        assert_eq!(headers["cache-control"], "private, no-cache", "{uri}");
        let tag = headers["etag"].to_str().unwrap();
        // Five minutes may begin between the two; they do not begin again at once.
        let mut again = service.browse_known(uri, tag).await;
        if again.status() == 200 {
            let tag = again.headers()["etag"].to_str().unwrap().to_owned();
            again = service.browse_known(uri, &tag).await;
        }
        assert_eq!(again.status(), 304, "{uri}");
    }
}

#[tokio::test]
async fn an_objective_says_what_broke_and_what_is_left() {
    let (_database, service) = with(&[("web", HIGH, 0.9)]).await;
    let shown = page(&service, "/ui/sla/web/cpu", 200).await;
    for words in [
        "cpuUsage on demo",
        "out of its range now",
        "90\u{202f}% likely",
        "not scored yet",
        "Error budget of 1d",
        "would fire at",
        "slacast_objective_burn_rate{sla=&quot;web&quot;,objective=&quot;cpu&quot;}",
        "/sla/web?format=openslo",
        "Take back",
    ] {
        // Nothing is excluded yet.
        assert_eq!(
            shown.contains(words),
            words != "Take back",
            "{words}: {shown}"
        );
    }
    for (uri, status) in [
        ("/ui/sla/web", 200),
        ("/ui/sla/web/cpu?from=-1h&to=now", 200),
        ("/ui/sla/web/cpu?from=-1h&to=-2h", 400),
        ("/ui/sla/web/cpu?from=nonsense", 400),
        ("/ui/sla/web/cpu?series=none", 404),
        ("/ui/sla/web/mem", 404),
        ("/ui/sla/nobody", 404),
        ("/ui/sla/nobody/cpu", 404),
        ("/ui/sla/web/exclusions", 303),
        ("/ui/nowhere", 404),
        ("/ui/sla/web/cpu?as_of=2020-01-01T00:00:00Z", 200),
    ] {
        let reply = service.browse("GET", uri, "").await;
        assert_eq!(reply.status().as_u16(), status, "{uri}: {}", text(&reply));
    }
}

#[tokio::test]
async fn time_is_excluded_by_a_form_and_taken_back() {
    let (_database, service) = with(&[("web", HIGH, 0.9)]).await;
    let reply = service
        .browse(
            "POST",
            "/ui/sla/web/exclusions",
            "from=-1h&to=now&reason=%3Cb%3Eupgrade&objective=cpu",
        )
        .await;
    assert_eq!(reply.status(), 303, "{}", text(&reply));
    assert_eq!(reply.headers()["location"], "/ui/sla/web/cpu");
    let shown = page(&service, "/ui/sla/web/cpu", 200).await;
    assert!(shown.contains("&lt;b&gt;upgrade"), "{shown}");
    assert!(!shown.contains("<b>upgrade"));
    let listed = service.get("/sla/web/exclusions").await;
    let id = &listed["exclusions"][0]["id"];
    let back = format!("/ui/sla/web/exclusions/{id}/take-back");
    assert_eq!(service.browse("POST", &back, "").await.status(), 303);
    let listed = service.get("/sla/web/exclusions").await;
    assert!(!listed["exclusions"][0]["deleted_at"].is_null());
    for (uri, body, status) in [
        ("/ui/sla/web/exclusions", "from=-1h&to=now", 400),
        ("/ui/sla/web/exclusions", "from=x&to=now&reason=r", 400),
        ("/ui/sla/web/exclusions", "from=now&to=-1h&reason=r", 400),
        (
            "/ui/sla/web/exclusions",
            "from=-1h&to=now&reason=r&more=1",
            400,
        ),
        ("/ui/sla/nobody/exclusions", "from=-1h&to=now&reason=r", 404),
        ("/ui/sla/web/exclusions/999/take-back", "", 404),
    ] {
        let reply = service.browse("POST", uri, body).await;
        assert_eq!(
            reply.status().as_u16(),
            status,
            "{uri} {body}: {}",
            text(&reply)
        );
    }
}

#[tokio::test]
async fn an_sla_is_created_by_a_form() {
    let (_database, service) = with(&[]).await;
    let form = page(&service, "/ui/sla", 200).await;
    assert!(form.contains("<textarea"));
    let encode = |document: &str| {
        let encoded: String = document
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        format!("document={encoded}&do=create")
    };
    let document = r#"{"name":"web","objectives":[{"metric":"cpuUsage","max":80}]}"#;
    let made = service.browse("POST", "/ui/sla", &encode(document)).await;
    assert_eq!(made.status(), 303, "{}", text(&made));
    assert_eq!(made.headers()["location"], "/ui/sla/web");
    for (document, status, says) in [
        (document, 409, "in force already"),
        ("{", 400, "is not JSON"),
        (
            r#"{"name":"web2","objectives":[{"metric":"m","max":"<script>"}]}"#,
            400,
            "/objectives/0/max",
        ),
        ("", 400, "is not JSON"),
    ] {
        let refused = service.browse("POST", "/ui/sla", &encode(document)).await;
        assert_eq!(refused.status().as_u16(), status, "{document}");
        let shown = text(&refused);
        assert!(shown.contains(says), "{shown}");
        assert!(!shown.contains("<script>"), "{shown}");
    }
}

#[tokio::test]
async fn time_that_recurs_is_excluded_by_a_form() {
    let (_database, service) = with(&[("web", LOW, 0.1)]).await;
    let shown = page(&service, "/ui/sla/web", 200).await;
    for field in ["rrule", "starts", "duration", "time_zone"] {
        assert!(shown.contains(&format!(r#"name="{field}""#)), "{shown}");
    }
    let rule =
        "rrule=FREQ%3DWEEKLY%3BBYDAY%3DSU&starts=2026-11-01T02:00:00&duration=2h&reason=backup";
    let form = format!("{rule}&time_zone=Europe/Rome");
    let made = service
        .browse("POST", "/ui/sla/web/exclusions", &form)
        .await;
    assert_eq!(made.status(), 303, "{}", text(&made));
    let listed = service.get("/sla/web/exclusions").await;
    let own = &listed["exclusions"][0];
    assert_eq!(own["rrule"], "FREQ=WEEKLY;BYDAY=SU");
    assert_eq!(own["time_zone"], "Europe/Rome");
    assert_eq!(own["reason"], "backup");
    let refused = service.browse("POST", "/ui/sla/web/exclusions", rule).await;
    assert_eq!(refused.status(), 400);
    assert!(text(&refused).contains("/time_zone"), "{}", text(&refused));
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What stands in the first textarea of a page.
fn typed(shown: &str) -> String {
    let (_, rest) = shown.split_once("<textarea").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let text = rest.split_once("</textarea>").unwrap().0;
    text.replace("&quot;", "\"").replace("&lt;", "<")
}

#[tokio::test]
async fn an_sla_is_replaced_by_a_form_that_knows_its_version() {
    let (_database, service) = with(&[("web", LOW, 0.1)]).await;
    let document = typed(&page(&service, "/ui/sla/web", 200).await);
    let send = async |version: &str, document: &str| {
        let form = format!(
            "do=replace&version={version}&document={}",
            encoded(document)
        );
        let reply = service.browse("POST", "/ui/sla/web", &form).await;
        (reply.status().as_u16(), text(&reply).to_owned())
    };
    let changed = document.replace("80", "85");
    assert_ne!(changed, document);
    assert_eq!(send("1", &changed).await.0, 303);
    assert_eq!(service.get("/sla/web").await["objectives"][0]["max"], 85.0);
    let (status, outdated) = send("1", &document).await;
    assert_eq!(status, 412, "{outdated}");
    assert!(
        outdated.contains("somebody changed it since you looked"),
        "{outdated}"
    );
    assert!(
        outdated.contains(r#"name="version" value="2""#),
        "{outdated}"
    );
    assert_eq!(typed(&outdated), document);
    assert_eq!(service.get("/sla/web").await["version"], 2);
    for (version, document, says) in [
        ("2", "{", "is not JSON"),
        (
            "2",
            r#"{"objectives": [{"metric": "m", "max": "x"}]}"#,
            "/objectives/0/max",
        ),
        (
            "2",
            r#"{"name": "other", "objectives": [{"metric": "m", "max": 1}]}"#,
            "/name",
        ),
        ("x", &document, "/version"),
    ] {
        let (status, refused) = send(version, document).await;
        assert_eq!(status, 400, "{refused}");
        assert!(refused.contains(says), "{says}: {refused}");
    }
    // What the form starts with is what is in force.
    let document = typed(&page(&service, "/ui/sla/web", 200).await);
    assert_eq!(send("2", &document).await.0, 303);
}

#[tokio::test]
async fn an_sla_is_retired_once_somebody_is_sure() {
    let (_database, service) = with(&[("web", LOW, 0.1)]).await;
    let send = async |form: &str| service.browse("POST", "/ui/sla/web", form).await;
    let asked = send("do=retire&version=1").await;
    assert_eq!(asked.status(), 200);
    assert!(text(&asked).contains("Retire web?"), "{}", text(&asked));
    assert_eq!(service.get("/sla/web").await["version"], 1);
    let outdated = send("do=retire&version=7&sure=yes").await;
    assert_eq!(outdated.status(), 412);
    assert!(
        text(&outdated).contains("version 1 is in force"),
        "{}",
        text(&outdated)
    );
    let done = send("do=retire&version=1&sure=yes").await;
    assert_eq!(done.status(), 303, "{}", text(&done));
    assert_eq!(done.headers()["location"], "/ui");
    assert_eq!(service.status("GET", "/sla/web", None, "").await, 404);
    assert_eq!(send("do=retire&version=1&sure=yes").await.status(), 404);
    assert_eq!(send("do=nothing&version=1").await.status(), 400);
}

#[tokio::test]
async fn trying_says_what_is_wrong_and_that_etl_is_away() {
    let (_database, service) = with(&[]).await;
    let form = page(&service, "/ui/try", 200).await;
    assert!(form.contains("Nothing is saved"));
    page(&service, "/ui/try?metric=cpuUsage&max=x", 400).await;
    page(&service, "/ui/try?metric=cpuUsage&max=80&labels=a", 400).await;
    let away = page(&service, "/ui/try?metric=cpuUsage&max=80", 503).await;
    assert!(
        away.contains("Something that this page needs is away"),
        "{away}"
    );
}

#[tokio::test]
async fn hostile_texts_stay_texts() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let hostile = r#""><script>alert(1)</script><img src=x onerror=alert(2)>"#;
    let document = json!({"name": "web", "objectives": [
        {"id": "a", "metric": hostile, "labels": {hostile: hostile}, "max": 80, "target": 0.9},
        {"id": "b", "events": {"bad": "e{x=\"<script>\"}", "total": "t"}, "target": 0.9},
    ]});
    let status = service.status("POST", "/sla", None, &document).await;
    assert_eq!(status, 201);
    let objective = &objectives(&database, "web").await[0];
    let now = service.now();
    let told = Told {
        sla: "web",
        version: 1,
        objective,
        as_of: &now,
    };
    let document = told.of(hostile, HIGH, outlook(0.5));
    database
        .store()
        .store_batch(&recorded([document]), &[])
        .await
        .unwrap();
    let encoded: String = hostile.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for uri in [
        "/ui".to_owned(),
        format!("/ui?q={encoded}"),
        "/ui/sla/web".to_owned(),
        "/ui/sla/web/a".to_owned(),
        "/ui/sla/web/b".to_owned(),
        format!("/ui/sla/web/{encoded}"),
        format!("/ui/sla/{encoded}"),
        format!("/ui?state={encoded}"),
        format!("/ui?{encoded}=1"),
        format!("/ui/try?metric={encoded}&max={encoded}"),
        format!("/ui/login?next={encoded}"),
    ] {
        let reply = service.browse("GET", &uri, "").await;
        let shown = text(&reply);
        assert!(!shown.contains("<script>"), "{uri}: {shown}");
        assert!(!shown.contains("<img"), "{uri}: {shown}");
        assert!(!shown.contains("javascript:"), "{uri}");
    }
}

/// So many SLAs of ranges and events, each with an exclusion, a violation and an evaluation as of now.
async fn many(count: u64) -> TestDatabase {
    let database = TestDatabase::create().await;
    let store = database.store();
    let now = Timestamp::from(chrono::Utc::now()).floor_to_second();
    let made = now - Duration::from_secs(3_600);
    for number in 0..count {
        let name = format!("service-{number:03}");
        let about = Documents::about("cpuUsage", &format!("host{number}")).under(&name);
        let mut range = about.objective();
        range.target = Some(0.99);
        let mut events = CountedEvents::by(&[]);
        events.sla = name.parse().unwrap();
        events.objective.target = Some(0.99);
        let objectives = [
            AnyObjective::Range(range.clone()),
            AnyObjective::Events(events.objective.clone()),
        ];
        let put = store.put_sla(&name, &objectives, &Condition::Any, made);
        put.await.unwrap();
        let excluded = ExclusionDraft {
            from: now - Duration::from_secs(900),
            to: now - Duration::from_secs(600),
            rule: None,
            reason: "upgrade".to_owned(),
            objective: None,
        };
        store
            .create_exclusion(&name, &excluded, made)
            .await
            .unwrap();
        let as_of = now - Duration::from_secs(30);
        let samples: Vec<(u64, f64)> = (0..40).map(|step| (15 * step, 90.0)).collect();
        let count = |minute: Minute| SliceCounts {
            end: minute.end(),
            sums: [1.0, 100.0],
            measured: true,
            reach: Some(minute.start()),
        };
        let documents = [
            about.violations_of(&range, &samples, as_of),
            events.document(&Labels::default(), as_of, count),
        ];
        let stored = store.store_batch(&recorded(documents), &[]).await;
        stored.unwrap();
    }
    database
}

#[tokio::test]
async fn a_list_of_many_slas_asks_the_database_no_more_often_than_one_of_few() {
    let (few, many) = (many(3).await, many(30).await);
    let now = Timestamp::from(chrono::Utc::now()).floor_to_second();
    for uri in [
        "/ui".to_owned(),
        format!("/ui?as_of={}", now - Duration::from_secs(5)),
        "/ui?as_of=2020-01-01T00:00:00Z".to_owned(),
    ] {
        let mut asked = Vec::new();
        for (database, count) in [(&few, 3), (&many, 30)] {
            let work = async |store: Store| page(&Service::new(store), &uri, 200).await;
            let (list, statements) = database.statements(work).await;
            assert_eq!(list.matches("scope=\"rowgroup\"").count(), count, "{uri}");
            asked.push(statements);
        }
        eprintln!("{uri}: {} statements", asked[0].len());
        assert_eq!(asked[0].len(), asked[1].len(), "{uri}: {asked:#?}");
    }
}

#[tokio::test]
async fn what_is_to_come_of_events_is_asked_for_their_own_page_alone() {
    let database = many(1).await;
    let service = Service::new(database.store().clone());
    let list = page(&service, "/ui", 200).await;
    assert!(list.contains("its own page says"), "{list}");
    let id = CountedEvents::by(&[]).objective.id;
    for uri in [
        "/ui/sla/service-000".to_owned(),
        format!("/ui/sla/service-000/{id}"),
    ] {
        let own = page(&service, &uri, 200).await;
        for reason in ["its own page says", "others are worse"] {
            assert!(!own.contains(reason), "{uri}: {own}");
        }
        if uri.ends_with(&*id) {
            assert!(own.contains("% likely"), "{own}");
        }
    }
}

#[tokio::test]
async fn a_list_of_200_slas_is_light() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for number in 0..201 {
        let name = format!("service-{number:03}");
        let document = json!({"name": name, "objectives": [
            {"id": "cpu", "metric": "cpuUsage", "labels": {"instance": format!("host{number}")}, "max": 80, "for": "1m", "target": 0.99},
        ]});
        let uri = "/sla?evaluate=false";
        assert_eq!(service.status("POST", uri, None, document).await, 201);
        let objective = &objectives(&database, &name).await[0];
        let now = service.now();
        let told = Told {
            sla: &name,
            version: 1,
            objective,
            as_of: &now,
        };
        let values: Vec<f64> = (0..240_u32)
            .map(|position| f64::from((position * 37 + number * 91) % 89))
            .collect();
        let document = told.of(
            &format!("host{number}"),
            &values,
            outlook(f64::from(number) / 250.0),
        );
        database
            .store()
            .store_batch(&recorded([document]), &[])
            .await
            .unwrap();
    }
    for uri in ["/ui", "/ui/sla/service-007/cpu"] {
        let mut took = Vec::new();
        for _ in 0..21 {
            let started = std::time::Instant::now();
            service.browse_compressed(uri).await;
            took.push(started.elapsed());
        }
        took.sort();
        eprintln!(
            "{uri} of 201 SLAs: {:?} in the middle of {}",
            took[10],
            took.len()
        );
    }
    let reply = service.browse_compressed("/ui").await;
    let Body::Binary(short) = reply.body() else {
        panic!("{reply:?}");
    };
    eprintln!("200 SLAs: {} bytes compressed", short.len());
    assert!(short.len() <= 30_000, "{}", short.len());
    let list = page(&service, "/ui", 200).await;
    assert_eq!(list.matches("scope=\"rowgroup\"").count(), 200);
    assert!(list.contains("rel=\"next\""));
    let rest = page(&service, "/ui?skip=200", 200).await;
    assert_eq!(rest.matches("scope=\"rowgroup\"").count(), 1);
}
