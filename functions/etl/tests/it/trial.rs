use domain::{Span, Window, evaluation::ObjectiveState, sla::Trial};
use etl::{deadline::Deadline, trial::TrialError};
use serde_json::json;
use tokio::sync::mpsc;

use super::{etl, moment_ago, pushed::Fleet, records};
use crate::Record;

fn trial() -> Trial {
    let document = json!({"objectives": [
        {"id": "wide", "metric": "availableMem", "min": 1},
        {"id": "narrow", "metric": "availableMem", "min": 1, "max": 2},
        {"id": "nobody", "metric": "availableMem", "labels": {"instance": "nobody"}, "max": 2},
        {"id": "unknown", "metric": "cpuTemp", "max": 2},
    ]});
    Trial::parse(document.as_object().unwrap(), &[]).unwrap()
}

#[tokio::test]
async fn a_dry_run_judges_and_recommends_and_publishes_nothing() {
    let (etl, topic) = etl(&Fleet::push().await.metrics(), &[]).await;
    let as_of = moment_ago();
    let document = etl
        .try_out(&trial(), as_of, Deadline::default())
        .await
        .unwrap();
    assert_eq!((document.as_of, document.failures.len()), (as_of, 0));
    let [wide, narrow, nobody, unknown] = &document.objectives[..] else {
        panic!("{document:?}")
    };
    for without in [nobody, unknown] {
        assert_eq!((without.series, without.entries.len()), (0, 1));
        let violations = &without.entries[0].violations;
        assert_eq!(violations.reason.as_deref(), Some("no_series"));
    }
    assert!(wide.series > 0 && wide.firing == 0);
    assert_eq!(wide.entries.len() as u64, wide.series);
    assert_eq!(narrow.firing, narrow.series);
    let reading = Span {
        start: as_of - Window::TwelveHours.length() - domain::evaluation::STALENESS,
        end: as_of,
    };
    let metric = etl.metrics[0].clone();
    let (found, mut arriving) = mpsc::channel(1_000);
    etl.prometheus
        .fetch(&metric, reading, &found)
        .await
        .unwrap();
    drop(found);
    let mut observed = Vec::new();
    while let Some(series) = arriving.recv().await {
        observed.push((series.labels.to_string(), series.samples));
    }
    for entry in &narrow.entries {
        assert_eq!(entry.violations.state, ObjectiveState::Firing);
        let labels = entry.violations.series.as_ref().unwrap().labels.to_string();
        let (_, samples) = observed.iter().find(|(name, _)| *name == labels).unwrap();
        let values = samples.iter().map(|sample| sample.value);
        let extremes = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| {
            (min.min(value), max.max(value))
        });
        let recommended = (entry.recommended.min, entry.recommended.max);
        assert_eq!(recommended, (Some(extremes.0), Some(extremes.1)));
    }
    // Had anything been published, a run's records would not be the only ones.
    let request = etl::request::RunRequest::everything(as_of);
    let run = etl
        .run(&request, etl::subject::Trigger::Invoke, Deadline::default())
        .await
        .unwrap();
    let told: Vec<Record> = records(&topic, run.messages as usize + 1)
        .into_values()
        .flatten()
        .collect();
    assert!(
        told.iter()
            .all(|record| !record.headers["ce_id"].contains("/try/"))
    );
}

#[tokio::test]
async fn without_prometheus_nothing_can_be_tried() {
    let (etl, _) = etl(
        &Fleet::push().await.metrics(),
        &[("PROMETHEUS_URL", "http://127.0.0.1:1")],
    )
    .await;
    let outcome = etl
        .try_out(&trial(), moment_ago(), Deadline::default())
        .await;
    assert!(
        matches!(outcome, Err(TrialError::PrometheusAway(_))),
        "{outcome:?}"
    );
}
