//! Events are counted exactly, from the samples of a real Prometheus.
#![allow(clippy::float_cmp, reason = "whole numbers are counted exactly")]

use std::{collections::BTreeMap, time::Duration};

use config::Bounds;
use domain::{
    Labels, Timestamp,
    events::{Counting, Minute},
    message::{AMBIGUOUS, BOUND, Encoding, EvaluationOutcome, Kind, RunDocument, SlicesDocument},
    sla::{Draft, Trial},
};
use etl::{deadline::Deadline, request::RunRequest, run::Etl, subject::Trigger};
use prometheus::testing::{PushedSample, PushedSeries};
use serde_json::{Value, json};
use store::{sla::Condition, testing::TestDatabase};
use uuid::Uuid;

use super::{environment, etl, moment_ago, pushed::push_all, records, servers::stand_in};

const STEP: i64 = 15_000;
const SAMPLES: i64 = 200;

/// What one counter shows at its samples: it grows unevenly and begins anew now and then.
fn counter(last: i64, seed: i64, resets_every: i64) -> Vec<PushedSample> {
    let mut value = 0.0;
    (0..SAMPLES)
        .map(|place| {
            let grown = ((place * (seed + 3)) % 7 + (place * place + seed) % 5) as f64;
            value = if place % resets_every == resets_every - 1 {
                grown
            } else {
                value + grown
            };
            PushedSample {
                value,
                // Exporters are not scraped on the dot.
                milliseconds: last - (SAMPLES - 1 - place) * STEP + (place * 37 + seed * 11) % 900,
            }
        })
        .collect()
}

/// Requests of two services by code, under a name that no other test has.
struct Requests {
    name: String,
    /// By service and code.
    counters: BTreeMap<(&'static str, &'static str), Vec<PushedSample>>,
}

impl Requests {
    async fn push(as_of: Timestamp) -> Self {
        let name = format!("requests_{}_total", Uuid::new_v4().simple());
        let mut counters = BTreeMap::new();
        for (place, key) in [
            ("api", "200"),
            ("api", "500"),
            ("web", "200"),
            ("web", "503"),
        ]
        .into_iter()
        .enumerate()
        {
            let samples = counter(as_of.millis() - 2_000, place as i64, 40 + 7 * place as i64);
            counters.insert(key, samples);
        }
        let series = counters.iter().map(|((service, code), samples)| {
            let labels = [
                ("__name__", name.as_str()),
                ("code", code),
                ("instance", service),
                ("job", "requests"),
                ("service", service),
            ];
            PushedSeries::new(&labels, samples.clone())
        });
        push_all(series.collect()).await;
        Self { name, counters }
    }

    fn events(&self) -> Value {
        let Self { name, .. } = self;
        json!({
            "bad": format!("sum(rate({name}{{code=~\"5..\"}}[{{{{.window}}}}]))"),
            "total": format!("sum(rate({name}[5m]))"),
        })
    }

    /// What the counters of a service and of codes that begin so grew by in the minute up to `end`, resets and all.
    fn grown(&self, service: Option<&str>, code: &str, end: Timestamp) -> f64 {
        let meant = self.counters.iter().filter(|((of, is), _)| {
            service.is_none_or(|service| service == *of) && is.starts_with(code)
        });
        let grown = meant.flat_map(|(_, samples)| {
            samples.windows(2).map(|pair| {
                let is_inside = pair[1].milliseconds <= end.millis()
                    && pair[1].milliseconds > end.millis() - 60_000;
                let grown = pair[1].value - pair[0].value;
                let grown = if grown < 0.0 { pair[1].value } else { grown };
                if is_inside { grown } else { 0.0 }
            })
        });
        grown.sum()
    }
}

async fn database(objectives: Value) -> TestDatabase {
    let database = TestDatabase::create().await;
    let draft = Draft::parse(&json!({"name": "shop", "objectives": objectives})).unwrap();
    let store = database.store();
    let made = store.put_sla("shop", &draft.objectives, &Condition::Absent, moment_ago());
    made.await.unwrap();
    database
}

/// An etl without metrics that counts no more than it may, and its topic.
async fn bounded(database: &TestDatabase, bounds: Bounds) -> (Etl, String) {
    let (etl, topic) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let etl = Etl {
        keeps_history: true,
        encoding: Encoding::Json,
        bounds,
        ..etl
    };
    (etl, topic)
}

async fn run(etl: &Etl, as_of: Timestamp) -> RunDocument {
    let request = RunRequest::everything(as_of);
    let run = etl.run(&request, Trigger::Invoke, Deadline::default());
    run.await.unwrap()
}

fn slices(topic: &str, document: &RunDocument) -> BTreeMap<(String, Labels), SlicesDocument> {
    let records = records(topic, document.messages as usize + 1);
    let published = records.into_values().flatten();
    let slices = published.filter(|record| record.headers["ce_type"] == Kind::Slices.ce_type());
    slices
        .map(|record| {
            let found: SlicesDocument = serde_json::from_str(&record.value).unwrap();
            assert_eq!(record.key, found.group_id().to_string());
            ((found.objective.id.to_string(), found.group.clone()), found)
        })
        .collect()
}

/// A metric that the etl under test may have beside the objectives of events.
const NOTHING: &str = "[[metric]]\nname = \"nothing\"\nquery = 'absent_metric'\n";

#[tokio::test]
async fn every_slice_holds_what_the_counters_grew_by() {
    let as_of = moment_ago();
    let requests = Requests::push(as_of).await;
    let database = database(json!([
        {"id": "all", "events": requests.events(), "target": 0.9},
        {"id": "each", "events": requests.events(), "by": ["service"], "target": 0.9},
        {"id": "none", "events": {"bad": "absent_a_total", "total": "absent_b_total"}},
    ]))
    .await;
    let (etl, topic) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let document = run(&etl, as_of).await;
    let rows: BTreeMap<_, _> = document
        .evaluated
        .iter()
        .map(|found| (found.objective.to_string(), found.outcome.clone()))
        .collect();
    assert_eq!(rows["all"], EvaluationOutcome::Rows(1));
    assert_eq!(rows["each"], EvaluationOutcome::Rows(3));
    assert_eq!(rows["none"], EvaluationOutcome::Rows(1));
    let found = slices(&topic, &document);
    assert_eq!(found.len(), 5);
    let service = |name: &str| Labels::from_iter([("service", name)]);
    for (objective, group, name) in [
        ("all", Labels::default(), None),
        ("each", Labels::default(), None),
        ("each", service("api"), Some("api")),
        ("each", service("web"), Some("web")),
    ] {
        let document = &found[&(objective.to_owned(), group)];
        assert_eq!(document.slices.len(), 15);
        for slice in &document.slices {
            let bad = requests.grown(name, "5", slice.end);
            let total = requests.grown(name, "", slice.end);
            assert_eq!(
                slice.sums,
                [bad, total],
                "{objective} {name:?} {}",
                slice.end
            );
            assert!(slice.measured);
        }
    }
    let none = &found[&("none".to_owned(), Labels::default())];
    assert!(
        none.slices
            .iter()
            .all(|slice| slice.sums == [0.0; 2] && !slice.measured)
    );
}

#[tokio::test]
async fn a_minute_of_a_composite_is_what_its_parts_make_of_it() {
    let as_of = moment_ago();
    let requests = Requests::push(as_of).await;
    let name = &requests.name;
    let of = |service: &str| {
        json!({"bad": format!("{name}{{service=\"{service}\", code=~\"5..\"}}"),
            "total": format!("{name}{{service=\"{service}\"}}")})
    };
    let parts = |of: &[(&str, u32)]| -> Value {
        let parts = of.iter();
        parts
            .map(|(objective, weight)| json!({"objective": objective, "weight": weight}))
            .collect()
    };
    let composite = |combine: &str, of: &[(&str, u32)]| json!({"composite": {"combine": combine, "parts": parts(of)}});
    let objectives = json!([
        {"id": "api", "events": of("api"), "target": 0.9},
        {"id": "web", "events": of("web"), "by": ["code"], "target": 0.9},
        {"id": "dark", "events": {"bad": "absent_a_total", "total": "absent_b_total"}},
        {"id": "mean", "events": composite("weighted", &[("api", 3), ("web", 1)]), "target": 0.9},
        {"id": "worst", "events": composite("worst", &[("api", 1), ("web", 1)]), "target": 0.9},
        {"id": "blind", "events": composite("worst", &[("api", 1), ("dark", 1)]), "target": 0.9},
    ]);
    let database = database(objectives.clone()).await;
    let (etl, topic) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let document = run(&etl, as_of).await;
    let found = slices(&topic, &document);
    let share = |service: &str, end: Timestamp| {
        let total = requests.grown(Some(service), "", end);
        requests.grown(Some(service), "5", end) / total
    };
    let mut all_are_good = true;
    for (objective, shares) in [
        (
            "mean",
            &(|api: f64, web: f64| (3.0 * api + web) / 4.0) as &dyn Fn(f64, f64) -> f64,
        ),
        ("worst", &|api: f64, web: f64| api.max(web)),
    ] {
        let document = &found[&(objective.to_owned(), Labels::default())];
        assert_eq!(document.slices.len(), 15);
        for slice in &document.slices {
            let expected = shares(share("api", slice.end), share("web", slice.end));
            let [bad, total] = slice.sums;
            assert_eq!(
                (total, slice.measured),
                (1.0, true),
                "{objective} {}",
                slice.end
            );
            assert!(
                (bad - expected).abs() < 1e-12,
                "{objective} {bad} {expected}"
            );
            all_are_good &= bad == 0.0;
        }
    }
    assert!(!all_are_good);
    let blind = &found[&("blind".to_owned(), Labels::default())];
    let mut blind = blind.slices.iter();
    assert!(blind.all(|slice| slice.sums == [0.0; 2] && !slice.measured));

    // Tried out, it is the same.
    let document = json!({"over": "1h", "objectives": objectives});
    let trial = Trial::parse(document.as_object().unwrap(), &[]).unwrap();
    let tried = etl.try_out(&trial, as_of, Deadline::default()).await;
    let tried = tried.unwrap();
    let mean = tried
        .events
        .iter()
        .find(|tried| &*tried.objective == "mean");
    let mean = &mean.unwrap().groups[0].budget;
    // 200 samples, 15 s apart: the first and the last of these minutes may be a part of one.
    let total = mean["total"].as_f64().unwrap();
    assert!((49.0..=51.0).contains(&total), "{mean}");
    assert_eq!(mean["composite"], "weighted");
}

/// How a counter is scraped, and what it does meanwhile.
struct Scraped {
    name: &'static str,
    /// Milliseconds between two scrapes.
    step: i64,
    /// How much a scrape may be late, milliseconds.
    jitter: i64,
    /// Events are seen by one in so many scrapes.
    rare: i64,
    /// After so many scrapes it begins anew; 0: never.
    resets: i64,
    /// From when to when it is not scraped, minutes before the end.
    silent: (i64, i64),
    /// How many minutes before the end its first sample is.
    begins: i64,
}

const STEADY: Scraped = Scraped {
    name: "steady",
    step: 15_000,
    jitter: 0,
    rare: 1,
    resets: 0,
    silent: (0, 0),
    begins: 50,
};

impl Scraped {
    /// All cases.
    fn all() -> [Self; 9] {
        [
            STEADY,
            Self {
                name: "each minute",
                step: 60_000,
                ..STEADY
            },
            Self {
                name: "late by up to 7 s",
                jitter: 7_000,
                ..STEADY
            },
            Self {
                name: "one reset in 10 min",
                resets: 40,
                ..STEADY
            },
            Self {
                name: "a reset each 30 s",
                resets: 2,
                ..STEADY
            },
            Self {
                name: "silent for 6 min",
                silent: (9, 3),
                ..STEADY
            },
            Self {
                name: "silent at the start",
                silent: (17, 12),
                ..STEADY
            },
            Self {
                name: "events each 5 min",
                rare: 20,
                ..STEADY
            },
            Self {
                name: "new for 10 min",
                begins: 10,
                ..STEADY
            },
        ]
    }

    /// Its samples up to `end`, each with what happened since the one before it.
    fn samples(&self, end: i64) -> Vec<(PushedSample, f64)> {
        let mut samples = Vec::new();
        let (mut value, mut grown) = (0.0, 0.0);
        let scrapes = self.begins * 60_000 / self.step;
        for place in 0..scrapes {
            let late = (place * 2_477) % (self.jitter + 1);
            let milliseconds = end - 1_500 - (scrapes - 1 - place) * self.step - late;
            let happened = if place % self.rare == 0 {
                (10 + place % 7) as f64
            } else {
                0.0
            };
            // What happens between the last scrape and the reset is lost to whoever scrapes.
            if self.resets > 0 && place % self.resets == self.resets - 1 {
                value = 0.0;
            }
            value += happened;
            grown += happened;
            let minutes_left = (end - milliseconds) / 60_000;
            let (from, to) = self.silent;
            if minutes_left < from && minutes_left >= to {
                continue;
            }
            samples.push((
                PushedSample {
                    value,
                    milliseconds,
                },
                grown,
            ));
            grown = 0.0;
        }
        samples
    }
}

/// Prints a table of what is counted beside what PromQL's `increase` says of the same quarter of an hour.
#[tokio::test]
#[allow(clippy::print_stdout, reason = "for whoever runs the test by hand")]
async fn what_happened_is_counted_where_increase_is_wrong() {
    let as_of = moment_ago();
    let asked = Counting::run_slices(as_of);
    let end = Minute::ended_by(asked.end).end();
    let start = Minute::ended_by(asked.start).end();
    let name = format!("requests_{}_total", Uuid::new_v4().simple());
    let cases = Scraped::all().map(|case| {
        let samples = case.samples(end.millis());
        (case, samples)
    });
    let mut series = Vec::new();
    for (case, samples) in &cases {
        let labels = |kind| {
            [
                ("__name__", name.as_str()),
                ("case", case.name),
                ("instance", case.name),
                ("job", "requests"),
                ("kind", kind),
            ]
        };
        let own: Vec<PushedSample> = samples.iter().map(|(sample, _)| *sample).collect();
        // Another counter of the same target that was there before, and counts nothing.
        let mut before: Vec<PushedSample> = STEADY
            .samples(own.first().map_or(0, |first| first.milliseconds))
            .into_iter()
            .map(|(sample, _)| PushedSample {
                value: 0.0,
                ..sample
            })
            .collect();
        before.extend(own.iter().map(|sample| PushedSample {
            value: 0.0,
            ..*sample
        }));
        series.push(PushedSeries::new(&labels("other"), before));
        series.push(PushedSeries::new(&labels("own"), own));
    }
    push_all(series).await;
    let events = json!({"bad": format!("{name}{{kind=\"own\"}}"), "total": name});
    let database = database(json!([
        {"id": "cases", "events": events, "by": ["case"], "target": 0.9},
    ]))
    .await;
    let (etl, topic) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let document = run(&etl, as_of).await;
    let found = slices(&topic, &document);
    println!(
        "{:24} {:>9} {:>9} {:>11} {:>10}",
        "case", "happened", "counted", "increase()", "its error"
    );
    for (case, samples) in &cases {
        let inside = |sample: &PushedSample| {
            sample.milliseconds > start.millis() && sample.milliseconds <= end.millis()
        };
        let happened: f64 = samples
            .iter()
            .filter(|(sample, _)| inside(sample))
            .map(|(_, grown)| grown)
            .sum();
        let group = Labels::from_iter([("case", case.name)]);
        let slices = &found[&("cases".to_owned(), group)].slices;
        let counted: f64 = slices.iter().map(|slice| slice.sums[0]).sum();
        let said = increase(&name, case.name, end).await;
        let error = 100.0 * (said / happened - 1.0);
        println!(
            "{:24} {happened:>9} {counted:>9} {said:>11.3} {error:>+9.2}%",
            case.name
        );
        assert_eq!(counted, happened, "{}", case.name);
    }
}

/// What PromQL's `increase` says of a case in the quarter of an hour up to `end`.
async fn increase(name: &str, case: &str, end: Timestamp) -> f64 {
    let url = environment(&[])
        .required("PROMETHEUS_URL")
        .unwrap()
        .to_owned();
    let query = format!("sum(increase({name}{{kind=\"own\",case=\"{case}\"}}[15m]))");
    let answer: Value = http_client::builder()
        .build()
        .unwrap()
        .get(format!("{}/api/v1/query", url.trim_end_matches('/')))
        .query(&[("query", query.as_str()), ("time", &end.to_string())])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let said = answer["data"]["result"][0]["value"][1].as_str().unwrap();
    said.parse().unwrap()
}

#[tokio::test]
async fn counters_that_go_back_again_and_again_are_a_warning() {
    let as_of = moment_ago();
    let name = format!("requests_{}_total", Uuid::new_v4().simple());
    let labels = [
        ("__name__", name.as_str()),
        ("instance", "a"),
        ("job", "requests"),
    ];
    // A gauge: it goes back at every other scrape.
    let samples = (0..100).map(|place| PushedSample {
        value: if place % 2 == 0 { 10.0 } else { 5.0 },
        milliseconds: as_of.millis() - 2_000 - (99 - place) * STEP,
    });
    push_all(vec![PushedSeries::new(&labels, samples.collect())]).await;
    let events = json!({"bad": format!("{name}{{code=\"500\"}}"), "total": name});
    let database = database(json!([{"id": "gauge", "events": events, "target": 0.9}])).await;
    let (etl, _) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let document = run(&etl, as_of).await;
    let warning = "shop/gauge: its counters went back at 50 of 99 samples, each of which counts as a reset: are they counters?";
    assert!(
        document.warnings.contains(&warning.to_owned()),
        "{:?}",
        document.warnings
    );
}

#[tokio::test]
async fn an_objective_with_too_many_counters_is_not_evaluated_at_all() {
    let as_of = moment_ago();
    let requests = Requests::push(as_of).await;
    let few = json!({"bad": format!("{}{{code=\"500\"}}", requests.name),
                     "total": format!("{}{{service=\"api\"}}", requests.name)});
    let database = database(json!([
        {"id": "few", "events": few},
        {"id": "many", "events": requests.events()},
    ]))
    .await;
    let bounds = Bounds {
        counters: 3,
        ..Bounds::default()
    };
    let (etl, topic) = bounded(&database, bounds).await;
    let document = run(&etl, as_of).await;
    let [few, many] = &document.evaluated[..] else {
        panic!("{:?}", document.evaluated)
    };
    assert_eq!(few.outcome, EvaluationOutcome::Rows(1));
    let EvaluationOutcome::Reason(reason) = &many.outcome else {
        panic!("{many:?}")
    };
    assert!(reason.contains("more than 3 counters"), "{reason}");
    let failure = document
        .failures
        .iter()
        .find(|failure| failure.reason == BOUND)
        .unwrap();
    assert_eq!(failure.metric.as_deref(), Some("shop/many"));
    assert_eq!(slices(&topic, &document).len(), 1);
}

#[tokio::test]
async fn where_groups_are_too_many_the_sum_over_all_stays_and_the_run_says_so() {
    let as_of = moment_ago();
    let requests = Requests::push(as_of).await;
    let database = database(json!([
        {"id": "each", "events": requests.events(), "by": ["service"]},
        {"id": "all", "events": requests.events()},
        {"id": "once-more", "events": requests.events(), "min_bad": 2},
    ]))
    .await;
    let bounds = Bounds {
        groups: 1,
        ..Bounds::default()
    };
    let (etl, topic) = bounded(&database, bounds).await;
    let document = run(&etl, as_of).await;
    let rows: Vec<_> = document.evaluated.iter().map(|one| &one.outcome).collect();
    let (two, one) = (EvaluationOutcome::Rows(2), EvaluationOutcome::Rows(1));
    assert_eq!(rows, [&two, &one, &one]);
    let of_bounds = document.failures.iter();
    let of_bounds = of_bounds.filter(|failure| failure.reason == BOUND);
    let metrics: Vec<_> = of_bounds.map(|failure| failure.metric.as_deref()).collect();
    assert_eq!(metrics, [Some("shop/each")]);
    assert_eq!(slices(&topic, &document).len(), 4);
}

#[tokio::test]
async fn what_is_tried_out_is_what_would_have_been_counted() {
    let as_of = moment_ago();
    let requests = Requests::push(as_of).await;
    let (etl, _) = etl(NOTHING, &[]).await;
    let document = json!({"over": "1h", "objectives": [
        {"id": "each", "events": requests.events(), "by": ["service"], "target": 0.999},
        {"id": "none", "events": {"bad": "absent_a_total", "total": "absent_b_total"}},
    ]});
    let trial = Trial::parse(document.as_object().unwrap(), &[]).unwrap();
    let tried = etl.try_out(&trial, as_of, Deadline::default()).await;
    let tried = tried.unwrap();
    assert_eq!(tried.failures, []);
    let [each, none] = &tried.events[..] else {
        panic!("{tried:?}")
    };
    assert_eq!((each.series, each.groups.len()), (2, 3));
    assert_eq!(each.to - Duration::from_secs(3_600), each.from);
    for group in &each.groups {
        let service = group.labels.0.get("service").map(String::as_str);
        let grown = |code: &str| -> f64 {
            let minutes = 1..=60_u32;
            let ends = minutes.map(|minute| each.from + minute * Duration::from_secs(60));
            ends.map(|end| requests.grown(service, code, end)).sum()
        };
        let (bad, total) = (grown("5"), grown(""));
        assert!(bad > 0.0, "{group:?}");
        assert_eq!(group.budget["total"].as_f64(), Some(total), "{service:?}");
        assert_eq!(group.budget["bad"].as_f64(), Some(bad), "{service:?}");
        assert_eq!(group.kept_target, Some((total - bad) / total));
        // Far more than one in a thousand is bad all the time: it fires until the end.
        let page = &group.alerts[0];
        assert_eq!((page.factor, page.count), (14.4, 1));
        assert_eq!(page.firings[0].to, None);
    }
    let nothing = &none.groups[0];
    assert_eq!((none.series, nothing.kept_target), (1, None));
}

/// Bounds on all objectives together: what was made last is left out.
#[tokio::test]
async fn of_too_many_counters_those_of_the_newest_sla_are_not_counted() {
    let as_of = moment_ago();
    let requests = Requests::push(as_of).await;
    let of = |service: &str| {
        let all = format!("{}{{service=\"{service}\"}}", requests.name);
        json!([{"id": "o", "by": ["code"], "events": {"bad": format!("{}{{code=\"none\"}}", requests.name), "total": all}}])
    };
    let database = database(of("web")).await;
    // By name it would be the first.
    let draft = Draft::parse(&json!({"name": "a-later-one", "objectives": of("api")})).unwrap();
    let store = database.store();
    let later = moment_ago() + Duration::from_secs(1);
    store
        .put_sla("a-later-one", &draft.objectives, &Condition::Absent, later)
        .await
        .unwrap();
    let (etl, _) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let mut etl = Etl {
        bounds: Bounds {
            counters: 3,
            ..Bounds::default()
        },
        ..etl
    };
    let outcomes = |document: &RunDocument| -> BTreeMap<String, EvaluationOutcome> {
        let evaluated = document.evaluated.iter();
        let outcomes = evaluated.map(|one| (one.sla.to_string(), one.outcome.clone()));
        outcomes.collect()
    };
    let found = outcomes(&run(&etl, as_of).await);
    assert_eq!(found["shop"], EvaluationOutcome::Rows(3));
    let EvaluationOutcome::Reason(reason) = &found["a-later-one"] else {
        panic!("{found:?}")
    };
    assert!(reason.contains("more than 3 counters"), "{reason}");

    // Of groups there are two of each SLA: of the later one, one has slices of its own.
    etl.bounds = Bounds {
        groups: 3,
        ..Bounds::default()
    };
    let found = outcomes(&run(&etl, as_of).await);
    let rows = [("a-later-one", 2), ("shop", 3)];
    for (sla, rows) in rows {
        assert_eq!(found[sla], EvaluationOutcome::Rows(rows), "{sla}");
    }
}

#[tokio::test]
async fn counters_that_cannot_be_read_are_a_reason() {
    let database =
        database(json!([{"id": "o", "events": {"bad": "a_total", "total": "b_total"}}])).await;
    let instead = [
        ("PROMETHEUS_URL", "http://127.0.0.1:1"),
        ("DATABASE_URL", database.url()),
    ];
    let (etl, topic) = etl(NOTHING, &instead).await;
    let request = RunRequest::everything(moment_ago());
    let deadline = Deadline::of(Duration::from_secs(60));
    let ended = etl.run(&request, Trigger::Invoke, deadline).await;
    assert!(ended.is_err());
    let records = records(&topic, 1);
    let (_, record) = records.first_key_value().unwrap();
    let document: RunDocument = serde_json::from_str(&record[0].value).unwrap();
    assert!(
        matches!(document.evaluated[0].outcome, EvaluationOutcome::Reason(_)),
        "{document:?}"
    );
}

#[tokio::test]
async fn counters_of_an_answer_that_lacks_what_some_stores_have_are_not_counted() {
    let events = json!({"bad": "sum(rate(a_total[5m]))", "total": "sum(rate(b_total[5m]))"});
    let database = database(json!([{"id": "o", "events": events}])).await;
    let as_of = moment_ago();
    let second = as_of.millis() / 1_000 - 60;
    let series = format!(r#"{{"metric":{{"job":"x"}},"values":[[{second},"1"]]}}"#);
    for is_partial in [false, true] {
        let server = stand_in(is_partial, &series).await;
        let url = server.uri();
        let instead = [
            ("PROMETHEUS_URL", url.as_str()),
            ("DATABASE_URL", database.url()),
        ];
        let (etl, _) = etl(NOTHING, &instead).await;
        let document = run(&etl, as_of).await;
        match &document.evaluated[0].outcome {
            EvaluationOutcome::Reason(reason) => {
                assert!(is_partial, "{document:?}");
                assert!(
                    reason.contains("the answer lacks what some stores have"),
                    "{reason}"
                );
            }
            EvaluationOutcome::Rows(_) => assert!(!is_partial, "{document:?}"),
        }
        let is_warned = document
            .warnings
            .iter()
            .any(|warning| warning.contains("partial"));
        assert_eq!(is_warned, is_partial, "{document:?}");
    }
}

#[tokio::test]
async fn counters_that_nothing_tells_apart_are_not_counted() {
    let events = json!({"bad": "sum(rate(a_total[5m]))", "total": "sum(rate(b_total[5m]))"});
    let database = database(json!([{"id": "o", "events": events}])).await;
    let as_of = moment_ago();
    let second = as_of.millis() / 1_000 - 60;
    let series = format!(r#"{{"metric":{{"job":"x"}},"values":[[{second},"1"]]}}"#);
    let server = stand_in(false, &format!("{series},{series}")).await;
    let url = server.uri();
    let instead = [
        ("PROMETHEUS_URL", url.as_str()),
        ("DATABASE_URL", database.url()),
    ];
    let (etl, _) = etl(NOTHING, &instead).await;
    let document = run(&etl, as_of).await;
    let outcome = &document.evaluated[0].outcome;
    assert!(
        matches!(outcome, EvaluationOutcome::Reason(reason) if reason.contains("job=\"x\"")),
        "{document:?}"
    );
    let reasons = document.failures.iter().map(|failure| &*failure.reason);
    assert!(reasons.into_iter().all(|reason| reason == AMBIGUOUS));
}
