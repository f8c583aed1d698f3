use domain::{
    Labels,
    message::{MetadataDocument, PredictionDocument},
};
use store::{
    StoreError,
    pipeline::Document,
    read::Selection,
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
    let (metadata, prediction) = served(&database, true).await;
    assert_eq!(Document::Metadata(Box::new(metadata)), batch[0]);
    assert_eq!(Document::Prediction(Box::new(prediction)), batch[1]);
    let (metadata, prediction) = served(&database, false).await;
    assert_eq!((metadata.arrays(), prediction.arrays()), (None, None));
}

#[tokio::test]
async fn a_document_that_was_stored_as_json_is_served_as_one_that_is_packed() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    let batch = [documents.metadata(at(0)), documents.prediction(at(0))];
    database.store().store_batch(&batch, &[]).await.unwrap();
    let packed = (
        served(&database, true).await,
        served(&database, false).await,
    );
    for document in &batch {
        database.store_as_json(document).await;
    }
    let json = (
        served(&database, true).await,
        served(&database, false).await,
    );
    assert_eq!(json, packed);
    database.store().store_batch(&batch, &[]).await.unwrap();
    let again = (
        served(&database, true).await,
        served(&database, false).await,
    );
    assert_eq!(again, packed);
}

#[tokio::test]
async fn a_damaged_document_is_an_error_and_not_another_document() {
    let database = TestDatabase::create().await;
    let documents = Documents::about("cpuUsage", "a");
    let batch = [documents.prediction(at(0))];
    database.store().store_batch(&batch, &[]).await.unwrap();
    sqlx::query("UPDATE prediction SET packed = LEFT(packed, 90)")
        .execute(database.pool())
        .await
        .unwrap();
    let page = database
        .store()
        .documents::<PredictionDocument>(&everything(), false, None)
        .await;
    assert!(matches!(page, Err(StoreError::Unexpected(_))), "{page:?}");
}

fn everything() -> Selection {
    Selection {
        metric: None,
        labels: Labels::default(),
        from: None,
        to: None,
        pinned: at(0),
        limit: 10,
    }
}

/// The documents of the only series.
async fn served(database: &TestDatabase, full: bool) -> (MetadataDocument, PredictionDocument) {
    let store = database.store();
    let selection = everything();
    let mut metadata = store.documents(&selection, full, None).await.unwrap().rows;
    let mut predictions = store.documents(&selection, full, None).await.unwrap().rows;
    assert_eq!((metadata.len(), predictions.len()), (1, 1));
    (metadata.remove(0).document, predictions.remove(0).document)
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
