//! Objectives that bring PromQL of their own.

use std::collections::BTreeMap;

use domain::{
    message::{CountRequest, EvaluationOutcome, Kind},
    sla::{Draft, Trial},
};
use etl::{deadline::Deadline, request::RunRequest, subject::Trigger};
use serde_json::{Value, json};
use store::{sla::Condition, testing::TestDatabase};

use super::{etl, moment_ago, pushed::Fleet, records};

/// A metric that the etl under test may have beside the queries.
const NOTHING: &str = "[[metric]]\nname = \"nothing\"\nquery = 'absent_metric'\n";

#[tokio::test]
async fn the_series_of_a_query_are_called_after_each_objective_that_has_it() {
    let query = format!(
        "max by (instance) ({}) # of CPUs",
        Fleet::push().await.counters()
    );
    let database = TestDatabase::create().await;
    for (sla, objectives) in [
        (
            "web",
            json!([
                {"id": "idle", "query": query, "min": 0},
                {"id": "first", "query": query, "labels": {"instance": "first"}, "max": 0},
                {"id": "refused", "query": "rate(", "max": 0},
            ]),
        ),
        (
            "shop",
            json!([{"id": "idle", "query": query, "step": "30s", "min": 0}]),
        ),
    ] {
        let draft = Draft::parse(&json!({"name": sla, "objectives": objectives})).unwrap();
        let store = database.store();
        let made = store.put_sla(sla, &draft.objectives, &Condition::Absent, moment_ago());
        made.await.unwrap();
    }
    let (etl, topic) = etl(NOTHING, &[("DATABASE_URL", database.url())]).await;
    let request = RunRequest::everything(moment_ago());
    let run = etl.run(&request, Trigger::Invoke, Deadline::default());
    let document = run.await.unwrap();
    let outcomes: BTreeMap<String, EvaluationOutcome> = document
        .evaluated
        .iter()
        .map(|found| {
            (
                format!("{}/{}", found.sla, found.objective),
                found.outcome.clone(),
            )
        })
        .collect();
    assert_eq!(outcomes["web/idle"], EvaluationOutcome::Rows(3));
    assert_eq!(outcomes["web/first"], EvaluationOutcome::Rows(1));
    assert_eq!(outcomes["shop/idle"], EvaluationOutcome::Rows(3));
    assert!(matches!(
        outcomes["web/refused"],
        EvaluationOutcome::Reason(_)
    ));
    let failed: Vec<&str> = document
        .failures
        .iter()
        .filter_map(|failure| failure.metric.as_deref())
        .collect();
    assert_eq!(failed, ["nothing", "web/refused"]);
    let published = records(&topic, document.messages as usize + 1);
    let mut described = BTreeMap::<String, usize>::new();
    for record in published.into_values().flatten() {
        if record.headers["ce_type"] == Kind::Metadata.ce_type() {
            let document: Value = serde_json::from_str(&record.value).unwrap();
            let metric = document["metric"].as_str().unwrap().to_owned();
            *described.entry(metric).or_default() += 1;
        }
    }
    let expected = [("shop/idle", 3), ("web/first", 3), ("web/idle", 3)];
    assert_eq!(
        described,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
}

#[tokio::test]
async fn a_query_is_tried_and_its_series_are_counted() {
    let query = Fleet::push().await.counters();
    let (etl, _) = etl(NOTHING, &[]).await;
    let document = json!({"objectives": [{"id": "idle", "query": query, "max": 0}]});
    let trial = Trial::parse(document.as_object().unwrap(), &[]).unwrap();
    let tried = etl
        .try_out(&trial, moment_ago(), Deadline::default())
        .await
        .unwrap();
    let [idle] = &tried.objectives[..] else {
        panic!("{tried:?}")
    };
    assert_eq!(
        (idle.series, idle.objective.metric.as_str()),
        (6, "try/idle")
    );
    let asked = |query: &str| CountRequest {
        query: Some(query.to_owned()),
        ..CountRequest::default()
    };
    let commented = format!("{query} # all");
    let counted = etl
        .count(&[asked(&commented), asked("rate("), asked("absent")])
        .await;
    let series: Vec<Option<u64>> = counted
        .unwrap()
        .counts
        .iter()
        .map(|count| count.selectors[0].series)
        .collect();
    assert_eq!(series, [Some(6), None, Some(0)]);
}
