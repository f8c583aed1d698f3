//! Series that fell silent while others of their objective stand: a rolling deploy is no outage.

use std::time::Duration;

use domain::{
    Sample,
    evaluation::{Outlook, STALENESS, clean, evaluate},
    message::{SeriesReference, ViolationsDocument},
    sla::Objective,
};
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use crate::{
    budget::{AS_OF, made},
    check::store,
    service::{Service, time},
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// `objective` at `as_of` on an instance with a sample a minute from one age to another, the last ones with these values, all
/// others with 50.
fn judged(
    objective: &Objective,
    as_of: &str,
    instance: &str,
    (from, to): (u64, u64),
    last: &[f64],
) -> Document {
    let as_of = time(as_of);
    let ages = (to..=from).step_by(60);
    let values = last.iter().rev().copied();
    let values = values.chain(std::iter::repeat(50.0));
    let samples = ages.zip(values).map(|(age, value)| Sample {
        time: as_of - Duration::from_secs(age),
        value,
    });
    let judgement = evaluate(objective, &clean(samples.collect()), STALENESS, as_of);
    let judgement = judgement.judgement().unwrap();
    let about = Documents::about(&objective.metric, instance);
    Document::Violations(Box::new(ViolationsDocument::judged(
        &"web".parse().unwrap(),
        1,
        objective,
        SeriesReference::new(about.series(), None),
        judgement,
        Outlook::unavailable("too_short"),
    )))
}

fn at_most_80(fields: &Value) -> Value {
    let mut objective = json!({"id": "cpu", "metric": "cpuUsage", "labels": {"job": "node"}, "max": 80,
        "target": 0.99, "budget_window": "1d"});
    for (name, value) in fields.as_object().unwrap() {
        objective[name] = value.clone();
    }
    json!([objective])
}

/// `old` pods ended two hours ago, when three others began.
async fn rolled_out(old: usize, fields: &Value) -> (TestDatabase, Service) {
    let (database, service, objectives) = made(at_most_80(fields)).await;
    let gone = (0..old).map(|pod| (format!("old-{pod}"), (13 * HOUR, 2 * HOUR)));
    let there = (0..3).map(|pod| (format!("new-{pod}"), (2 * HOUR, 0)));
    let pods = gone.chain(there);
    let documents: Vec<_> = pods
        .map(|(pod, ages)| judged(&objectives[0], AS_OF, &pod, ages, &[]))
        .collect();
    store(&database, &documents).await;
    (database, service)
}

async fn check(service: &Service) -> Value {
    service.get(&format!("/check_json?as_of={AS_OF}")).await
}

#[tokio::test]
async fn a_rolling_deploy_is_ok_and_lists_what_ended() {
    // 130 series are more than are read to be counted.
    for old in [30, 130] {
        let (_database, service) = rolled_out(old, &json!({})).await;
        let document = check(&service).await;
        assert_eq!(document["state"], "ok", "{old}");
        let entries = document["objectives"].as_array().unwrap();
        for entry in entries {
            let counts = ["series", "firing", "no_data", "ended"].map(|name| entry[name].clone());
            assert_eq!(counts, [old + 3, 0, 0, old].map(|count| json!(count)));
        }
        let (there, gone) = entries.split_at(3);
        for entry in there {
            assert_eq!(
                (&entry["state"], &entry["silent_since"]),
                (&json!("ok"), &Value::Null)
            );
            assert_eq!(entry["windows"]["12h"]["coverage"], 1.0);
        }
        assert_eq!(gone.len(), old.min(97));
        for entry in gone {
            assert_eq!(
                (&entry["state"], &entry["reason"]),
                (&json!("ended"), &Value::Null)
            );
            assert_eq!(entry["silent_since"], "2026-11-23T06:50:00Z");
            let coverage = |window: &str| entry["windows"][window]["coverage"].clone();
            assert_eq!(["3h", "12h"].map(coverage), [1.0, 1.0].map(Value::from));
        }
        let predicted = service.get(&format!("/predict_json?as_of={AS_OF}")).await;
        let last = predicted["objectives"].as_array().unwrap().last().unwrap();
        let told = ["state", "ended", "reason", "probability"].map(|name| last[name].clone());
        assert_eq!(
            told,
            [json!("ended"), json!(old), json!("ended"), Value::Null]
        );
    }
}

#[tokio::test]
async fn ended_series_count_in_budgets_for_the_time_they_were_there() {
    for missing in ["excluded", "good", "bad"] {
        let (_database, service) = rolled_out(30, &json!({"missing": missing})).await;
        let document = service.get(&format!("/sla/web/budget?as_of={AS_OF}")).await;
        let entries = document["objectives"].as_array().unwrap().iter();
        let of = |pod: &str| {
            let mut entries = entries.clone();
            let of_pod = |entry: &&Value| entry["labels"]["instance"] == pod;
            entries.find(of_pod).unwrap().clone()
        };
        let (gone, there) = (of("old-0"), of("new-0"));
        // The day up to 1 h 55 min ago, and of that what was judged.
        let (day, end, judged) = (86_400.0, 6_900.0, 43_500.0);
        // In the first minute of what is judged no sample stands: the one at its start is not of it.
        let first = 60.0;
        let number = |field: &str| gone[field].as_f64().unwrap();
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
        let (spendable, bad) = match missing {
            "excluded" => (day - end - first, 0.0),
            "good" => (day - end, 0.0),
            _ => (day - end, first),
        };
        assert!(
            close(number("budget_seconds"), 0.01 * spendable),
            "{missing}: {gone}"
        );
        assert_eq!(gone["bad_seconds"], bad, "{missing}");
        assert_eq!(gone["unjudged_seconds"], day - judged);
        let coverage = (judged - end) / (day - end);
        assert!(
            (number("coverage") - coverage).abs() < first / (day - end) + 1e-6,
            "{missing}: {gone}"
        );
        assert_eq!(there["coverage"], 1.0);
        assert_eq!(there["unjudged_seconds"], day - judged);
    }
}

/// The state of the series `a`, and since when it is silent, in an evaluation of it and `b`.
async fn state(fields: &Value, a: (u64, &[f64]), b: u64) -> (Value, Value, Value) {
    let (database, service, objectives) = made(at_most_80(fields)).await;
    let documents = [
        judged(&objectives[0], AS_OF, "a", (13 * HOUR, a.0), a.1),
        judged(&objectives[0], AS_OF, "b", (13 * HOUR, b), &[]),
    ];
    store(&database, &documents).await;
    let document = check(&service).await;
    let entries = document["objectives"].as_array().unwrap().iter();
    let mut entries = entries.filter(|entry| entry["labels"]["instance"] == "a");
    let entry = entries.next().unwrap();
    let (state, since) = (&entry["state"], &entry["silent_since"]);
    (document["state"].clone(), state.clone(), since.clone())
}

#[tokio::test]
async fn a_violation_that_falls_silent_is_kept_for_the_hold() {
    let high: &[f64] = &[90.0; 3];
    let since = json!("2026-11-23T08:30:00Z");
    // Silent for 15 minutes.
    let a = (20 * MINUTE, high);
    for (fields, b, top, expected) in [
        (json!({}), 0, "ok", "ended"),
        (json!({"hold": "15m1s"}), 0, "firing", "firing"),
        (json!({"hold": "12h"}), 0, "firing", "firing"),
        (json!({"series_end": "no_data"}), 0, "no_data", "no_data"),
        // Nobody stands.
        (json!({}), 10 * MINUTE, "no_data", "no_data"),
    ] {
        let found = state(&fields, a, b).await;
        assert_eq!(
            found,
            (json!(top), json!(expected), since.clone()),
            "{fields}"
        );
    }
    let patient = json!({"for": "1h", "hold": "1h"});
    let found = state(&patient, a, 0).await;
    assert_eq!(found, (json!("pending"), json!("pending"), since));
    let fixed = json!({"series_end": "no_data"});
    let (top, found, _) = state(&fixed, (20 * MINUTE, &[]), 0).await;
    assert_eq!((top, found), (json!("no_data"), json!("no_data")));
}
