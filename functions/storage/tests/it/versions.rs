//! Messages of version 1 and 2, which come mixed while one instance of etl writes the one and another the other.

use domain::message::Kind;
use store::testing::{Documents, TestDatabase};

use crate::delivery::{Parcel, TOPIC, at, base64, deliver};

/// A record of every kind about a series, packed where `is_packed` says so of its position.
fn every_kind(minutes: u64, is_packed: impl Fn(usize) -> bool) -> Vec<Parcel> {
    let documents = Documents::about("cpuUsage", TOPIC).under(TOPIC);
    let each = Kind::ALL.into_iter().enumerate().map(|(position, kind)| {
        let document = documents.of(kind, at(minutes));
        if is_packed(position) {
            Parcel::packed(&document)
        } else {
            Parcel::of(&document)
        }
    });
    each.collect()
}

#[tokio::test]
async fn packed_messages_make_the_rows_that_json_makes() {
    let json = TestDatabase::create().await;
    let packed = TestDatabase::create().await;
    let mixed = TestDatabase::create().await;
    for minutes in 0..3 {
        deliver(&json, &every_kind(minutes, |_| false)).await;
        deliver(&packed, &every_kind(minutes, |_| true)).await;
        let odd = |position| position % 2 == 1;
        let batch = [every_kind(minutes, odd), every_kind(minutes, |_| true)].concat();
        deliver(&mixed, &batch).await;
        deliver(&mixed, &every_kind(minutes, |position| !odd(position))).await;
    }
    let expected = json.contents().await;
    assert_eq!(expected["metadata"].len(), 3);
    assert_eq!(expected["long_arrays"].len(), 6);
    assert!(!expected.contains_key("dead_letter"));
    assert_eq!(packed.contents().await, expected);
    assert_eq!(mixed.contents().await, expected);
}

#[tokio::test]
async fn what_is_no_packed_message_is_set_aside_with_the_reason() {
    let documents = Documents::about("cpuUsage", TOPIC).under(TOPIC);
    let good = || Parcel::packed(&documents.of(Kind::Prediction, at(0)));
    let other_subject = Documents::about("another", TOPIC).of(Kind::Prediction, at(0));
    let database = TestDatabase::create().await;
    let bad = [
        good().with_value(b"{}"),
        good().with_value(&[1, 200]),
        good().with_header("ce_type", "slacast.prediction.v3".as_bytes().into()),
        good().with_header("ce_type", "slacast.prediction.v1".as_bytes().into()),
        Parcel {
            value: Parcel::packed(&other_subject).value,
            ..good()
        },
        Parcel {
            value: base64(b""),
            ..good()
        },
    ];
    let answer = deliver(&database, &[&bad[..], &[good()]].concat()).await;
    assert_eq!(answer.dead_lettered, bad.len(), "{answer:?}");
    let reasons: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT CAST(reason AS BINARY) FROM dead_letter ORDER BY `offset`")
            .fetch_all(database.pool())
            .await
            .unwrap();
    let reasons: Vec<_> = reasons
        .iter()
        .map(|reason| String::from_utf8_lossy(reason))
        .collect();
    for (reason, expected) in reasons.iter().zip([
        "the value is no slacast.prediction.v2 document: the version of a packed document is not known",
        "the value is no slacast.prediction.v2 document: a packed document is damaged",
        "newer",
        "the value is not UTF-8",
        "the document is inconsistent: the key is not its series",
        "the record has no value",
    ]) {
        assert!(reason.starts_with(expected), "{reason}");
    }
    assert_eq!(database.count("prediction").await, 1);
}
