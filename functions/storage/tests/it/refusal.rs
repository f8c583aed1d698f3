//! What becomes of a batch that the database does not take as a whole.

use std::time::Instant;

use lambda_runtime::Diagnostic;
use store::testing::TestDatabase;

use crate::delivery::{Parcel, at, event, every_kind, raw, storage};

/// The summaries of so many series, each of a name of its own.
fn summaries(name: &str, series: usize, minute: u64) -> Vec<Parcel> {
    (0..series)
        .map(|number| every_kind(&format!("{name}{number}"), at(minute)).remove(0))
        .collect()
}

/// A database that takes no summaries of 08:45, for a reason that the function does not know.
async fn refusing(statement: &'static str) -> TestDatabase {
    let database = TestDatabase::create().await;
    sqlx::raw_sql(statement)
        .execute(database.pool())
        .await
        .unwrap();
    database
}

const CHECK: &str =
    "ALTER TABLE metrics ADD CONSTRAINT recent CHECK (as_of <> '2025-01-15 08:45:00')";

/// How many records of a batch were stored and set aside; `None` if the batch failed as one that the database refuses.
async fn delivered(database: &TestDatabase, batch: &[Parcel]) -> Option<(usize, usize)> {
    let storage = storage(database.store().clone());
    match storage.handle(&raw(&event(batch, 0))).await {
        Ok(answer) => Some((answer.stored, answer.dead_lettered)),
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("the database refuses"), "{said}");
            assert_eq!(Diagnostic::from(error).error_type, "DatabaseRefused");
            None
        }
    }
}

#[tokio::test]
async fn a_batch_of_which_too_much_is_refused_fails_as_a_whole() {
    let database = refusing(CHECK).await;
    for (refused, taken, outcome) in [
        // Few keys may be at fault, whatever else the batch has.
        (1, 0, Some((0, 1))),
        (2, 0, Some((0, 2))),
        (2, 1, Some((1, 2))),
        // Three are not, if they are more than half.
        (3, 0, None),
        (3, 2, None),
        (3, 3, Some((3, 3))),
        // Nor are more than 50.
        (50, 60, Some((60, 50))),
        (51, 60, None),
    ] {
        database.clear().await;
        let mut batch = summaries("bad", refused, 0);
        batch.extend(summaries("good", taken, 1));
        let found = delivered(&database, &batch).await;
        assert_eq!(found, outcome, "{refused} refused, {taken} taken");
        let (rows, letters) = outcome.unwrap_or_default();
        assert_eq!(database.count("metrics").await, 3 * rows as u64);
        assert_eq!(database.count("dead_letter").await, letters as u64);
    }
}

#[tokio::test]
async fn records_of_one_key_are_set_aside_however_many_they_are() {
    let database = refusing(CHECK).await;
    let bad = every_kind("bad", at(0)).remove(0);
    let mut batch = vec![bad; 40];
    batch.extend(summaries("good", 1, 1));
    assert_eq!(delivered(&database, &batch).await, Some((1, 40)));
}

#[tokio::test]
async fn an_error_of_a_number_that_nobody_knows_holds_up_no_partition() {
    let database = refusing(
        "CREATE TRIGGER unknown BEFORE INSERT ON metrics FOR EACH ROW \
         IF NEW.as_of = '2025-01-15 08:45:00' THEN \
         SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 5555, MESSAGE_TEXT = 'of a newer server'; END IF",
    )
    .await;
    let mut batch = summaries("bad", 1, 0);
    batch.extend(summaries("good", 4, 1));
    assert_eq!(delivered(&database, &batch).await, Some((4, 1)));
    let reason: Vec<u8> = sqlx::query_scalar("SELECT CAST(reason AS BINARY) FROM dead_letter")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let reason = String::from_utf8(reason).unwrap();
    assert!(reason.contains("of a newer server"), "{reason}");
}

#[tokio::test]
async fn a_batch_whose_refused_records_are_not_found_in_time_fails_as_a_whole() {
    let database = refusing(CHECK).await;
    let mut batch = summaries("bad", 1, 0);
    batch.extend(summaries("good", 3, 1));
    let storage = storage(database.store().clone());
    let event = raw(&event(&batch, 0));
    // There is no time to look which of them it is.
    let error = storage.handle_until(&event, Some(Instant::now())).await;
    let diagnostic = Diagnostic::from(error.unwrap_err());
    assert_eq!(diagnostic.error_type, "DatabaseRefused");
    for table in ["metrics", "dead_letter"] {
        assert_eq!(database.count(table).await, 0, "{table}");
    }
    let answer = storage.handle(&event).await.unwrap();
    assert_eq!((answer.stored, answer.dead_lettered), (3, 1));
}
