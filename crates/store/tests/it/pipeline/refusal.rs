use store::{
    pipeline::{DeadLetter, Document},
    testing::{Documents, TestDatabase},
};

use super::at;

fn letter(offset: i64, value: Option<Vec<u8>>) -> DeadLetter {
    DeadLetter {
        topic: "prometheusdata".to_owned(),
        partition: 0,
        offset,
        timestamp: at(0).millis(),
        stored_at: at(1),
        key: Some(vec![0xff, 0x00]),
        headers: serde_json::json!([{"name": "ce_type", "text": "x"}]),
        value,
        reason: "it is no message: ".repeat(200),
        row: None,
    }
}

#[tokio::test]
async fn what_the_columns_cannot_hold_is_refused_and_nothing_is_stored() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    let Document::Metrics(mut metrics) = documents.metrics(at(0)) else {
        unreachable!()
    };
    metrics.windows[1].samples = u64::MAX;
    let Document::Run(mut run) = documents.run(at(0)) else {
        unreachable!()
    };
    run.run_id = "r".repeat(65);
    let Document::Metrics(mut long) = documents.metrics(at(0)) else {
        unreachable!()
    };
    long.series.unit = Some("u".repeat(65));
    let bad = [
        Document::Metrics(metrics),
        Document::Run(run),
        Document::Metrics(long),
    ];
    for bad in bad {
        let batch = [documents.metadata(at(0)), bad.clone()];
        let error = database.store().store_batch(&batch, &[]).await.unwrap_err();
        assert!(error.is_refusal(), "{error:?} of {bad:?}");
        assert!(database.contents().await.is_empty());
    }
}

#[tokio::test]
async fn a_document_that_no_packet_can_hold_is_refused() {
    let database = TestDatabase::create().await;
    let limit: u64 = sqlx::query_scalar("SELECT CAST(@@max_allowed_packet AS UNSIGNED)")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let Document::Run(mut run) = Documents::about("cpuUsage", "a").run(at(0)) else {
        unreachable!()
    };
    run.warnings = vec!["x".repeat(limit as usize)];
    let batch = [Document::Run(run)];
    let error = database.store().store_batch(&batch, &[]).await.unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
}

#[tokio::test]
async fn a_dead_letter_is_kept_as_it_came_and_once() {
    let database = TestDatabase::create().await;
    let letters = [letter(1, Some(b"\xc3\x28".to_vec())), letter(2, None)];
    for _ in 0..2 {
        database.store().store_batch(&[], &letters).await.unwrap();
    }
    assert_eq!(database.count("dead_letter").await, 2);
    let (key, value, reason): (Vec<u8>, Vec<u8>, Vec<u8>) = sqlx::query_as(
        "SELECT `key`, value, CAST(reason AS BINARY) FROM dead_letter WHERE `offset` = 1",
    )
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert_eq!((key, value), (vec![0xff, 0x00], b"\xc3\x28".to_vec()));
    assert_eq!(reason.len(), 1024);
}

#[tokio::test]
async fn a_record_larger_than_a_packet_is_cut_and_says_so() {
    let database = TestDatabase::create().await;
    let limit: u64 = sqlx::query_scalar("SELECT CAST(@@max_allowed_packet AS UNSIGNED)")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let large = letter(1, Some(vec![b'x'; limit as usize + 1]));
    let batch = [Documents::about("cpuUsage", "a").metrics(at(0))];
    database
        .store()
        .store_batch(&batch, &[large])
        .await
        .unwrap();
    let (bytes, reason): (i64, Vec<u8>) =
        sqlx::query_as("SELECT LENGTH(value), CAST(reason AS BINARY) FROM dead_letter")
            .fetch_one(database.pool())
            .await
            .unwrap();
    assert!(bytes > limit as i64 / 2);
    let said = format!("value cut from {} to {bytes} bytes; ", limit + 1);
    assert!(String::from_utf8_lossy(&reason).starts_with(&said));
    assert_eq!(database.count("metrics").await, 3);
}
