use domain::message::{MetadataArrays, MetadataDocument, PredictionArrays, PredictionDocument};
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use super::at;

#[tokio::test]
async fn numbers_are_stored_to_the_last_bit() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    let Document::Metrics(mut metrics) = documents.metrics(at(0)) else {
        unreachable!()
    };
    let awkward = [1e308, 5e-324, -0.1, 1.0 / 3.0, 0.1 + 0.2];
    metrics.windows.truncate(1);
    metrics.windows[0].min = Some(awkward[0]);
    metrics.windows[0].max = Some(awkward[1]);
    metrics.windows[0].average = Some(awkward[2]);
    metrics.windows[0].std = Some(awkward[3]);
    metrics.windows[0].coverage = awkward[4];
    database
        .store()
        .store_batch(&[Document::Metrics(metrics)], &[])
        .await
        .unwrap();
    let read: (f64, f64, f64, f64, f64) =
        sqlx::query_as("SELECT `min`, `max`, average, std, coverage FROM metrics")
            .fetch_one(database.pool())
            .await
            .unwrap();
    let bits = [read.0, read.1, read.2, read.3, read.4].map(f64::to_bits);
    assert_eq!(bits, awkward.map(f64::to_bits));
}

#[tokio::test]
async fn a_document_is_read_back_from_its_two_parts() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    let batch = [documents.metadata(at(0)), documents.prediction(at(0))];
    database.store().store_batch(&batch, &[]).await.unwrap();
    let read = async |statement: &'static str| -> Vec<u8> {
        sqlx::query_scalar(statement)
            .fetch_one(database.pool())
            .await
            .unwrap()
    };
    let short = read("SELECT CAST(document AS BINARY) FROM metadata").await;
    let long =
        read("SELECT CAST(document AS BINARY) FROM long_arrays WHERE kind = 'metadata'").await;
    let mut metadata: MetadataDocument = serde_json::from_slice(&short).unwrap();
    assert_eq!(metadata.clone().take_arrays(), None);
    metadata.put_arrays(serde_json::from_slice::<MetadataArrays>(&long).unwrap());
    assert_eq!(Document::Metadata(Box::new(metadata)), batch[0]);

    let short = read("SELECT CAST(document AS BINARY) FROM prediction").await;
    let long =
        read("SELECT CAST(document AS BINARY) FROM long_arrays WHERE kind = 'prediction'").await;
    let mut prediction: PredictionDocument = serde_json::from_slice(&short).unwrap();
    assert_eq!(prediction.clone().take_arrays(), None);
    prediction.put_arrays(serde_json::from_slice::<PredictionArrays>(&long).unwrap());
    assert_eq!(Document::Prediction(Box::new(prediction)), batch[1]);
}

#[tokio::test]
async fn a_series_was_first_seen_at_its_oldest_sample_and_last_at_its_newest() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    for as_of in [at(5), at(60), at(0)] {
        let batch = [documents.metadata(as_of), documents.metrics(as_of)];
        database.store().store_batch(&batch, &[]).await.unwrap();
    }
    let (first, last): (chrono::NaiveDateTime, chrono::NaiveDateTime) =
        sqlx::query_as("SELECT first_seen, last_seen FROM series")
            .fetch_one(database.pool())
            .await
            .unwrap();
    assert_eq!(first.to_string(), "2026-11-22 21:00:00");
    assert_eq!(last.to_string(), "2026-11-23 08:59:58.500");
}

#[tokio::test]
async fn a_series_is_found_by_each_of_its_labels() {
    let database = TestDatabase::create().await;
    for instance in ["a", "b"] {
        let document = Documents::about("cpuUsage", instance).metrics(at(0));
        database
            .store()
            .store_batch(&[document], &[])
            .await
            .unwrap();
    }
    let documents = Documents::about("cpuUsage", "b");
    for (label, series) in documents
        .series()
        .labels
        .label_ids()
        .into_iter()
        .zip([1, 2])
    {
        let found: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM series_label WHERE label = ?")
            .bind(label)
            .fetch_one(database.pool())
            .await
            .unwrap();
        assert_eq!(found, series);
    }
}

#[tokio::test]
async fn an_objective_without_series_has_a_row_and_no_history() {
    let database = TestDatabase::create().await;
    let document = Documents::about("cpuTemp", "a").no_series(at(0));
    database
        .store()
        .store_batch(&[document], &[])
        .await
        .unwrap();
    assert_eq!(database.count("violation").await, 1);
    for table in ["series", "episode", "gap", "judged"] {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
}
