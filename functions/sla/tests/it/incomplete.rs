//! What `/check_json`, `/predict_json` and the budget answer while a part of an evaluation is missing.

use std::time::Duration;

use domain::{Timestamp, message::EvaluationRow};
use serde_json::{Value, json};
use store::{
    pipeline::{DeadLetter, Document},
    testing::recorded,
};

use crate::{
    check::{store, told, web},
    service::outlook,
};

/// So many seconds ago.
fn ago(seconds: u64) -> String {
    let now = Timestamp::from(chrono::Utc::now());
    (now - Duration::from_secs(seconds))
        .floor_to_second()
        .to_string()
}

#[tokio::test]
async fn a_partition_that_is_held_up_takes_no_series_out_of_an_answer() {
    for (age, stale) in [(60, false), (120, true)] {
        let (database, service, objectives) = web().await;
        let (whole, part) = (ago(age), ago(30));
        let rows = |as_of: &str, value| -> Vec<Document> {
            let rows = ["a", "b"].map(|instance| {
                told(&objectives[0], as_of).of(instance, &[value; 9], outlook(0.4))
            });
            rows.into()
        };
        let memory = |as_of: &str| told(&objectives[1], as_of).of("a", &[50.0; 9], outlook(0.1));
        let mut first = rows(&whole, 90.0);
        first.push(memory(&whole));
        store(&database, &first).await;
        let mut second = recorded(rows(&part, 50.0));
        second.remove(0);
        database.store().store_batch(&second, &[]).await.unwrap();
        store(&database, &[memory(&part)]).await;

        let check = service.get("/check_json").await;
        let predict = service.get("/predict_json").await;
        for document in [&check, &predict] {
            assert_eq!(document["complete"], false);
            assert_eq!(document["as_of"], json!(part));
            let entries = document["objectives"].as_array().unwrap();
            let of: Vec<&Value> = entries.iter().map(|entry| &entry["as_of"]).collect();
            assert_eq!(of, [&json!(whole), &json!(whole), &json!(part)]);
            let cpu = &entries[0];
            assert_eq!(
                (&cpu["series"], &cpu["objective"]),
                (&json!(2), &json!("cpu"))
            );
            let (firing, no_data) = if stale { (0, 2) } else { (2, 0) };
            assert_eq!(
                (&cpu["firing"], &cpu["no_data"]),
                (&json!(firing), &json!(no_data))
            );
            assert_eq!(cpu["state"], if stale { "no_data" } else { "firing" });
        }
        assert_eq!(check["state"], if stale { "no_data" } else { "firing" });
        let reason = if stale { json!("stale") } else { Value::Null };
        assert_eq!(check["objectives"][0]["reason"], reason);
        assert_eq!(predict["objectives"][0]["reason"], reason);
        let budget = service.get("/sla/web/budget").await;
        assert_eq!(budget["as_of"], json!(part));
        let entries = budget["objectives"].as_array().unwrap();
        let of: Vec<&Value> = entries.iter().map(|entry| &entry["as_of"]).collect();
        assert_eq!(of, [&json!(whole), &json!(whole), &json!(part)]);
    }
}

#[tokio::test]
async fn an_evaluation_in_the_future_is_not_used() {
    let (database, service, objectives) = web().await;
    let (now, tomorrow) = (ago(20), ago(0).parse::<Timestamp>().unwrap());
    let tomorrow = (tomorrow + Duration::from_secs(86_400)).to_string();
    for as_of in [&now, &tomorrow] {
        store(
            &database,
            &[told(&objectives[0], as_of).of("a", &[50.0; 9], outlook(0.1))],
        )
        .await;
    }
    assert_eq!(service.get("/check_json").await["as_of"], json!(now));
    assert_eq!(service.get("/sla/web/budget").await["as_of"], json!(now));
}

#[tokio::test]
async fn a_series_whose_message_was_set_aside_has_no_data_and_says_why() {
    let (database, service, objectives) = web().await;
    let as_of = ago(20);
    let rows = ["a", "b"]
        .map(|instance| told(&objectives[0], &as_of).of(instance, &[50.0; 9], outlook(0.1)));
    let mut batch = recorded(rows);
    let refused = batch.remove(0);
    let letter = DeadLetter {
        topic: "prometheusdata".to_owned(),
        partition: 0,
        offset: 1,
        timestamp: -1,
        stored_at: as_of.parse().unwrap(),
        key: None,
        headers: json!([]),
        value: None,
        reason: "the value is malformed".to_owned(),
        row: Some(EvaluationRow {
            kind: domain::message::Kind::Violations,
            sla: "web".parse().unwrap(),
            version: 1,
            objective: "cpu".parse().unwrap(),
            series: refused.series().unwrap().series,
            as_of: as_of.parse().unwrap(),
        }),
    };
    database
        .store()
        .store_batch(&batch, &[letter])
        .await
        .unwrap();
    let document = service.get("/check_json").await;
    assert_eq!(document["state"], "no_data");
    let entry = &document["objectives"][0];
    assert_eq!(
        (&entry["state"], &entry["reason"], &entry["windows"]),
        (&json!("no_data"), &json!("refused"), &Value::Null)
    );
    assert_eq!(
        (&entry["series"], &entry["no_data"]),
        (&json!(2), &json!(1))
    );
    let prediction = service.get("/predict_json").await;
    let entries = prediction["objectives"].as_array().unwrap().iter();
    let reasons: Vec<&Value> = entries
        .filter(|entry| entry["objective"] == "cpu" && entry["state"] == "no_data")
        .map(|entry| &entry["reason"])
        .collect();
    assert_eq!(reasons, [&json!("refused")]);
}
