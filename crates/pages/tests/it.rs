//! Whatever the documents say, a page stays whole.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "documents/mod.rs"]
mod documents;

use documents::{budgets, check, prediction, shown, time};
use domain::Span;
use pages::{
    Alerts, Asked, Frame, HistoryPoint, List, ObjectivePage, Row, Series, SeriesPage, ShownSla,
    SlaPage, Sort, State, Tried, Trust, TrustBin, arranged,
};
use serde_json::{from_value, json};

/// Breaks out of whatever is not escaped: text, an attribute, a script, a URL.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{x}}\u{202e}";

fn frame() -> Frame<'static> {
    Frame {
        now: Some(time("2026-11-23T08:45:06Z")),
        ..Frame::bare("/v1")
    }
}

fn list_of(slas: Vec<ShownSla>) -> List {
    List {
        counts: State::ALL.map(|state| (state, 1)).to_vec(),
        total: slas.len(),
        fitting: slas.len(),
        slas,
        asked: Asked::default(),
    }
}

fn row(text: &str, min: f64, max: f64) -> Row {
    let sla = shown(
        check(text, "firing", min, max),
        prediction(text, 0.3),
        budgets(text, -0.4),
    );
    sla.rows.into_iter().next().unwrap()
}

fn objective_page(text: &str, value: f64) -> ObjectivePage {
    let entry = row(text, 0.0, value);
    let violations = json!([{"objective": text, "metric": text, "labels": {text: text}, "version": 1,
        "start": "2026-11-23T08:00:00Z", "end": "2026-11-23T08:05:00Z", "seconds": 300.0, "worst": null,
        "side": "above", "ongoing": false}]);
    let exclusions = json!([{"id": 1, "from": "2026-11-23T07:00:00Z", "to": "2026-11-23T07:30:00Z",
        "reason": text, "objective": text, "created_at": "2026-11-23T07:00:00Z", "deleted_at": null}]);
    let path = json!([
        {"time": "2026-11-23T08:46:00Z", "mean": value, "median": value, "lower": -value, "upper": value, "lower_80": null, "upper_80": null},
        {"time": "2026-11-23T08:55:00Z", "mean": 1.0, "median": 1.0, "lower": 0.0, "upper": 2.0, "lower_80": 0.5, "upper_80": 1.5},
    ]);
    let forecast = json!({"as_of": "2026-11-23T08:45:00Z", "unit": text, "min": 0.0, "max": 1.0, "average": 0.5,
        "intervals": {"min": {"lower": 0, "upper": 1}, "max": {"lower": 0, "upper": 1}, "average": {"lower": 0, "upper": 1}},
        "path": path, "model": {"name": text, "why": text, "period_seconds": null, "weights": {}}, "reason": null});
    ObjectivePage {
        sla: text.to_owned(),
        version: 2,
        series: vec![entry.check.clone(), entry.check.clone()],
        row: entry,
        span: Span {
            start: time("2026-11-23T05:45:00Z"),
            end: time("2026-11-23T08:45:00Z"),
        },
        asked: None,
        forecast: Some(from_value(forecast).unwrap()),
        violations: from_value(violations).unwrap(),
        more_violations: true,
        exclusions: from_value(exclusions).unwrap(),
        silent: vec![Span {
            start: time("2026-11-23T06:00:00Z"),
            end: time("2026-11-23T06:30:00Z"),
        }],
        versions: vec![(time("2026-11-23T06:40:00Z"), 2)],
        history: (0..900)
            .map(|minute| HistoryPoint {
                start: time("2026-11-23T05:45:00Z") + std::time::Duration::from_secs(12 * minute),
                min: -value,
                max: value,
                average: minute as f64,
                samples: 4,
            })
            .collect(),
        left: (0..36)
            .map(|step| HistoryPoint {
                start: time("2026-11-23T05:45:00Z") + std::time::Duration::from_secs(300 * step),
                min: -0.4,
                max: -0.4,
                average: -0.4,
                samples: 1,
            })
            .collect(),
    }
}

fn alerts_page(text: &str) -> Alerts {
    let alerts = json!([{"fingerprint": text, "labels": {"alertname": text, "sla": text, "objective": text, text: text},
        "annotations": {"summary": text, "runbook": format!("javascript:{text}")}, "state": "firing", "frozen": true,
        "since": "2026-11-23T08:00:00Z", "resolved_at": null, "reason": text}]);
    let deliveries = json!([{"id": 1, "receiver": text, "fingerprint": text, "type": text, "state": "failed", "attempts": 3,
        "next_attempt": "2026-11-23T08:50:00Z", "last_error": text}]);
    Alerts {
        alerts: from_value(alerts).unwrap(),
        deliveries: from_value(deliveries).unwrap(),
        state: Some("firing"),
        next: Some(text.to_owned()),
        kept: None,
        tested: Some((1, 1)),
    }
}

fn series_page(text: &str) -> SeriesPage {
    let series = json!({"metric": text, "labels": {text: text}, "id": text, "unit": text,
        "first_seen": "2026-11-23T05:45:00Z", "last_seen": "2026-11-23T08:45:00Z"});
    SeriesPage {
        series: from_value(series).unwrap(),
        summaries: Vec::new(),
        forecast: None,
        span: Span {
            start: time("2026-11-23T05:45:00Z"),
            end: time("2026-11-23T08:45:00Z"),
        },
        asked: Some("-3h".to_owned()),
        history: Vec::new(),
        traits: vec![("Kind", text.to_owned())],
    }
}

fn tried(text: &str, value: f64) -> Tried {
    let failure = json!({"stage": text, "metric": text, "reason": text});
    let recommended = json!({"objective": text, "labels": {text: text}, "min": null, "max": value});
    Tried {
        as_of: time("2026-11-23T08:45:00Z"),
        check_json: check(text, "firing", 0.0, value),
        predict_json: prediction(text, 0.3),
        recommended: vec![from_value(recommended).unwrap()],
        failures: vec![from_value(failure).unwrap()],
    }
}

/// Every page about `text` and `value`.
fn every_page(text: &str, value: f64) -> Vec<(&'static str, String)> {
    let frame = frame();
    let sla = || {
        shown(
            check(text, "firing", 0.0, value),
            prediction(text, 0.3),
            budgets(text, -0.4),
        )
    };
    let runs = json!([{"run_id": text, "as_of": "2026-11-23T08:45:00Z", "started_at": "2026-11-23T08:45:05Z",
        "trigger": "schedule", "series": 1, "samples": 2, "bytes": 4, "messages": 3,
        "failures": [{"stage": text, "metric": text, "reason": text, "detail": text}], "warnings": [text], "stages": [{"stage": "total", "milliseconds": 81.0}]}]);
    let runs: Vec<domain::message::RunDocument> = from_value(runs).unwrap();
    let refusal = pages::Refusal {
        status: 400,
        title: "Bad Request".to_owned(),
        detail: text.to_owned(),
        faults: vec![(text.to_owned(), text.to_owned())],
    };
    let new = pages::NewSla {
        document: Some(text.to_owned()),
        faults: vec![(text.to_owned(), text.to_owned())],
        preview: Some(tried(text, value)),
    };
    let trial = pages::TrialPage {
        fields: vec![("metric", text.to_owned()), ("max", text.to_owned())],
        faults: vec![(text.to_owned(), text.to_owned())],
        metrics: vec![text.to_owned()],
        history: objective_page(text, value).history,
        tried: Some(tried(text, value)),
    };
    let page = SlaPage {
        sla: sla(),
        violations: objective_page(text, value).violations,
        exclusions: objective_page(text, value).exclusions,
        document: text.to_owned(),
        in_force: Some((2, text.to_owned())),
    };
    let edited = pages::EditedSla {
        name: text.to_owned(),
        version: 2,
        document: text.to_owned(),
        faults: vec![(text.to_owned(), text.to_owned())],
        newest: None,
    };
    let outdated = pages::EditedSla {
        newest: Some((3, text.to_owned())),
        ..edited.clone()
    };
    let asked = List {
        asked: Asked {
            text: Some(text.to_owned()),
            ..Asked::default()
        },
        ..list_of(vec![sla()])
    };
    vec![
        ("list", pages::list(&frame, &asked)),
        ("sla", pages::sla(&frame, &page)),
        ("edited", pages::edited(&frame, &edited)),
        ("outdated", pages::edited(&frame, &outdated)),
        ("retiring", pages::retiring(&frame, text, 2, Some(3))),
        (
            "objective",
            pages::objective(&frame, &objective_page(text, value)),
        ),
        (
            "series",
            pages::series_list(&frame, &[series_page(text).series], Some(text), Some(text)),
        ),
        ("one series", pages::one_series(&frame, &series_page(text))),
        ("alerts", pages::alerts(&frame, &alerts_page(text))),
        ("runs", pages::runs(&frame, &runs, Some(text))),
        ("new", pages::new_sla(&frame, &new)),
        ("try", pages::trial(&frame, &trial)),
        ("login", pages::login(&frame, Some(text), true)),
        ("refusal", pages::refusal(&frame, &refusal)),
    ]
}

#[test]
fn no_text_becomes_markup() {
    for (name, page) in every_page(HOSTILE, 80.0) {
        assert!(!page.contains("<script>"), "{name}: {page}");
        assert!(!page.contains("<img"), "{name}");
        assert!(!page.contains("\"'>"), "{name}: an attribute ends early");
        assert!(!page.contains("href=\"javascript"), "{name}");
        assert!(
            !page.contains(" style="),
            "{name}: the policy forbids inline styles"
        );
    }
}

#[test]
fn any_value_is_shown() {
    let long = "x".repeat(60_000);
    for value in [0.0, -0.0, 1e-320, 80.0, 1e308, f64::MAX, f64::MIN_POSITIVE] {
        for (name, page) in every_page("cpu", value) {
            assert!(!page.contains("NaN"), "{name} {value}");
            assert!(page.ends_with("</html>"), "{name}");
        }
    }
    for (name, page) in every_page(&long, 80.0) {
        assert!(page.ends_with("</html>"), "{name}");
    }
    for (name, page) in every_page("", 80.0) {
        assert!(page.ends_with("</html>"), "{name}");
    }
}

#[test]
fn charts_are_light_however_much_broke() {
    let mut page = objective_page("cpu", 80.0);
    let first = page.violations[0].clone();
    page.violations = (0..200)
        .map(|number| {
            let mut own = first.clone();
            own.episode.start = page.span.start + std::time::Duration::from_secs(54 * number);
            own.episode.end = own.episode.start + std::time::Duration::from_secs(20);
            own
        })
        .collect();
    for (number, point) in page.history.iter_mut().enumerate() {
        point.min = -(number as f64 * 7.3 % 50.0);
        point.max = number as f64 * 11.7 % 90.0;
    }
    page.row.trust = Some(Trust(vec![TrustBin {
        lower: 0.3,
        upper: 0.4,
        said: 0.35,
        happened: 0.3,
        forecasts: 100,
        independent: 10,
    }]));
    let shown = pages::objective(&frame(), &page);
    let mut sizes: Vec<usize> = pictures(&shown).iter().map(|svg| svg.len()).collect();
    sizes.sort_unstable();
    let heaviest = *sizes.last().unwrap();
    eprintln!("{} charts, at most {heaviest} bytes", sizes.len());
    assert!(heaviest > 8_000 && heaviest <= 15_000, "{sizes:?}");
}

/// The outermost svg elements of a page.
fn pictures(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (place, _) in page.match_indices('<') {
        let rest = &page[place..];
        if rest.starts_with("<svg") {
            start = if depth == 0 { place } else { start };
            depth += 1;
        } else if rest.starts_with("</svg>") {
            depth -= 1;
            if depth == 0 {
                found.push(&page[start..place + "</svg>".len()]);
            }
        }
    }
    found
}

#[test]
fn what_is_about_to_break_is_said_first() {
    let sentence = |states: &[&str], asked: Option<State>| {
        let slas: Vec<_> = states
            .iter()
            .map(|state| {
                let check = check(state, state, 0.0, 80.0);
                shown(check, prediction(state, 0.01), budgets(state, 0.5))
            })
            .collect();
        let count = |state: State| {
            let all = slas.iter().flat_map(|sla| &sla.rows);
            all.filter(|row| row.check.state == state).count()
        };
        let counts = State::ALL.map(|state| (state, count(state))).to_vec();
        let list = List {
            counts,
            ..list_of(arranged(slas, Sort::Worst, asked, None))
        };
        let page = pages::list(&frame(), &list);
        let (_, rest) = page.split_once("<p class=\"lead\">").unwrap();
        let markup = rest.split_once("</p>").unwrap().0;
        let words = markup
            .split('<')
            .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
        words.collect::<String>()
    };
    let space = '\u{202f}';
    for (states, asked, said) in [
        (&["ok"][..], None, "Nothing is out of its range. "),
        (
            &["ok", "firing"],
            None,
            "firing on firing=firing is out of its range now. ",
        ),
        (
            &["ok", "pending"],
            None,
            &*format!("pending on pending=pending left its range less than 1{space}m ago. "),
        ),
        (
            &["pending", "firing", "firing", "firing"],
            None,
            &*format!(
                "firing on firing=firing, firing on firing=firing and 1 other are out of their ranges now. pending on pending=pending left its range less than 1{space}m ago. "
            ),
        ),
        (
            &["ok", "firing"],
            Some(State::Ok),
            "1 objective is firing, and not on this page. ",
        ),
    ] {
        assert_eq!(sentence(states, asked), said, "{states:?}");
    }
}

#[test]
fn the_watchdog_is_no_alarm() {
    let alert = |name: &str, summary: &str| {
        json!({"fingerprint": name, "labels": {"alertname": name, "sla": "web"},
        "annotations": {"summary": summary}, "state": "firing", "frozen": false, "since": "2026-11-23T08:00:00Z",
        "resolved_at": null, "reason": null})
    };
    let watchdog = alert("SlacastWatchdog", "slacast evaluates");
    let broken = alert("SlacastViolation", "`cpu` is above 80");
    for (alerts, title, said) in [
        (
            json!([watchdog]),
            "Alerts",
            "No alert fires but the watchdog, as it should.",
        ),
        (
            json!([watchdog, broken]),
            "1 firing",
            "1 alert fires: <b><code>cpu</code> is above 80</b>.",
        ),
        (
            json!([broken, broken]),
            "2 firing",
            "2 alerts fire. The newest: <b><code>cpu</code> is above 80</b>.",
        ),
        (json!([]), "Alerts", "No alert fires."),
    ] {
        let page = Alerts {
            alerts: from_value(alerts).unwrap(),
            deliveries: Vec::new(),
            tested: None,
            next: None,
            state: None,
            ..alerts_page("web")
        };
        let shown = pages::alerts(&frame(), &page);
        assert!(
            shown.contains(&format!("<title>{title} – slacast</title>")),
            "{shown}"
        );
        assert!(
            shown.contains(&format!("<p class=\"lead\">{said}</p>")),
            "{shown}"
        );
    }
}

#[test]
fn a_run_says_why_something_failed_and_what_prometheus_warned_of() {
    let run = json!([{"run_id": "01J", "as_of": "2026-11-23T08:45:00Z", "started_at": "2026-11-23T08:45:05Z",
        "trigger": "schedule", "series": 1, "samples": 2, "bytes": 4, "messages": 3, "stages": [],
        "failures": [{"stage": "fetch", "metric": "cpu", "reason": "busy", "detail": "429 of the server twice"}],
        "warnings": ["partial response", "2", "3", "4", "5", "6"]}]);
    let runs: Vec<domain::message::RunDocument> = from_value(run).unwrap();
    let page = pages::runs(&frame(), &runs, None);
    for said in [
        "<small>busy: 429 of the server twice</small>",
        "<small>warning: partial response</small>",
        "<small>and 1 more warning</small>",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn links_begin_with_what_was_called() {
    for (name, page) in every_page("cpu", 80.0) {
        let own = page.matches("href=\"/").count();
        assert_eq!(page.matches("href=\"/v1/").count(), own, "{name}");
        let actions = page.matches("action=\"").count();
        assert_eq!(page.matches("action=\"/v1/ui").count(), actions, "{name}");
    }
}

#[test]
fn no_link_leads_to_a_route_that_would_ask_for_a_token() {
    let signed_in = Frame {
        is_signed_in: true,
        ..frame()
    };
    let leads_to_routes = |page: &str| page.contains("/openapi.json\"");
    assert!(leads_to_routes(&pages::runs(&frame(), &[], None)));
    assert!(!leads_to_routes(&pages::runs(&signed_in, &[], None)));
    assert!(!leads_to_routes(&pages::login(&frame(), None, false)));
}

#[test]
fn ages_are_left_out_where_the_tag_is_made() {
    let list = || {
        list_of(vec![shown(
            check("cpu", "firing", 0.0, 80.0),
            prediction("cpu", 0.3),
            budgets("cpu", 0.5),
        )])
    };
    let at = |now| {
        let moment = pages::Moment {
            as_of: time("2026-11-23T08:45:00Z"),
            stale: false,
        };
        let frame = Frame {
            now,
            moment: Some(moment),
            ..Frame::bare("")
        };
        pages::list(&frame, &list())
    };
    assert_ne!(
        at(Some(time("2026-11-23T08:45:06Z"))),
        at(Some(time("2026-11-23T08:45:07Z")))
    );
    assert!(at(Some(time("2026-11-23T08:45:06Z"))).contains("6\u{202f}s ago"));
    assert!(!at(None).contains("ago"));
}

#[test]
fn the_worst_stands_first() {
    let sla = |name: &str, state: &str, probability: f64, left: f64| {
        let mut sla = shown(
            check("cpu", state, 0.0, 80.0),
            prediction("cpu", probability),
            budgets("cpu", left),
        );
        sla.name = name.to_owned();
        sla
    };
    let slas = vec![
        sla("ok", "ok", 0.9, 0.5),
        sla("ok-used-up", "ok", 0.1, 0.0),
        sla("silent", "no_data", 0.0, 0.5),
        sla("b-less-likely", "pending", 0.2, 0.5),
        sla("c-likely", "pending", 0.3, 0.5),
        sla("a-less-left", "pending", 0.2, 0.1),
        sla("firing", "firing", 0.1, 0.9),
        sla("over", "ended", 0.9, 0.9),
    ];
    let names = |sort| {
        let arranged = arranged(slas.clone(), sort, None, None);
        arranged.into_iter().map(|sla| sla.name).collect::<Vec<_>>()
    };
    assert_eq!(
        names(Sort::Worst),
        [
            "firing",
            "c-likely",
            "a-less-left",
            "b-less-likely",
            "silent",
            "ok-used-up",
            "ok",
            "over"
        ]
    );
    assert_eq!(names(Sort::Left)[0], "ok-used-up");
    assert_eq!(names(Sort::Name)[0], "a-less-left");
}

#[test]
fn what_is_stale_is_asked_for_by_that_word_and_has_no_data_too() {
    for word in State::WORDS {
        assert_eq!(State::of_word(word).map(State::word), Some(*word));
    }
    assert_eq!(State::ALL.map(State::word), State::WORDS);
    let sla = |state: &str, reason: &str| {
        let mut check = check("cpu", state, 0.0, 80.0);
        check.sla = reason.to_owned();
        check.objectives[0].reason = Some(reason.to_owned());
        shown(check, prediction("cpu", 0.1), budgets("cpu", 0.5))
    };
    let slas = vec![
        sla("no_data", "stale"),
        sla("no_data", "no_series"),
        sla("ok", "none"),
    ];
    let names = |state| {
        let arranged = arranged(slas.clone(), Sort::Name, Some(state), None);
        arranged.into_iter().map(|sla| sla.name).collect::<Vec<_>>()
    };
    assert_eq!(names(State::Stale), ["stale"]);
    assert_eq!(names(State::NoData), ["no_series", "stale"]);
}

#[test]
fn a_probability_is_trusted_by_the_tenth_that_holds_it() {
    let bin = |lower: f64, happened| TrustBin {
        lower,
        upper: lower + 0.1,
        said: lower + 0.05,
        happened,
        forecasts: 100,
        independent: 10,
    };
    let trust = Trust(vec![bin(0.1, 0.2), bin(0.9, 0.8)]);
    for (probability, happened) in [
        (0.1, Some(0.2)),
        (0.15, Some(0.2)),
        (0.25, None),
        (1.0, Some(0.8)),
    ] {
        let found = trust.bin(probability).map(|bin| bin.happened);
        assert_eq!(found, happened, "{probability}");
    }
}

#[test]
fn ten_thousand_series_are_a_page_after_the_other() {
    let rows: Vec<Series> = (0..1000)
        .map(|number| {
            let mut series = series_page("cpu").series;
            series.id = format!("{number:032x}");
            series
        })
        .collect();
    let page = pages::series_list(&frame(), &rows, None, Some("next"));
    assert_eq!(page.matches("scope=\"row\"").count(), 1000);
    assert!(page.contains("cursor=next"));
}
