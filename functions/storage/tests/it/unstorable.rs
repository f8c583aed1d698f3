//! Records that are no messages of ours.

use domain::message::ScoreDocument;
use serde_json::{Value, json};
use store::{
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

use crate::delivery::{Parcel, TOPIC, at, base64, deliver, every_kind};

/// One of each, with a part of the reason it is set aside for.
pub(crate) fn all() -> Vec<(Parcel, &'static str)> {
    let documents = Documents::about("cpuUsage", TOPIC).under(TOPIC);
    let metrics = Parcel::of(&documents.metrics(at(0)));
    let prediction = Parcel::of(&documents.prediction(at(0)));
    let with_key = |key: Value| Parcel {
        key,
        ..metrics.clone()
    };
    let score = |change: &dyn Fn(&mut ScoreDocument)| {
        let Document::Score(mut told) = documents.score(at(0), at(10)) else {
            unreachable!()
        };
        change(&mut told);
        Parcel::of(&Document::Score(told))
    };
    vec![
        (
            score(&|told| told.forecast_as_of = at(1)),
            "horizon is not over",
        ),
        (
            score(&|told| told.objectives[0].probability = 1.5),
            "not 0 to 1",
        ),
        (
            score(&|told| told.objectives.push(told.objectives[0].clone())),
            "appears twice",
        ),
        (
            score(&|told| told.scores.known_mut().unwrap().observed = 11),
            "do not add up",
        ),
        (
            metrics.clone().with_value(b"\x00garbage"),
            "no slacast.metrics.v1 document",
        ),
        (metrics.clone().with_value(b""), "no value"),
        (
            Parcel {
                value: Value::Null,
                ..metrics.clone()
            },
            "no value",
        ),
        (
            metrics.clone().with_value(b"{\"metric\":\"\xc3\x28\"}"),
            "not UTF-8",
        ),
        (
            metrics.clone().with_value(b"[1,2,3]"),
            "no slacast.metrics.v1 document",
        ),
        (
            Parcel {
                value: prediction.value,
                ..metrics.clone()
            },
            "no slacast.metrics.v1 document",
        ),
        (
            Parcel {
                value: json!("%%"),
                ..metrics.clone()
            },
            "value is not a base64 text",
        ),
        (
            Parcel {
                value: json!({"metric": 1}),
                ..metrics.clone()
            },
            "value is not a base64 text",
        ),
        (
            metrics.clone().with_header("extra", json!([300])),
            "`extra` has 300",
        ),
        (
            metrics.clone().with_header("extra", json!("text")),
            "not lists of bytes",
        ),
        (
            metrics.clone().with_header("ce_time", json!([255])),
            "`ce_time` is invalid",
        ),
        (
            metrics
                .clone()
                .with_header("ce_type", json!(b"slacast.other.v9")),
            "newer",
        ),
        (
            metrics
                .clone()
                .with_header("ce_type", json!(b"slacast.metrics.v2")),
            "newer",
        ),
        (
            metrics
                .clone()
                .with_header("ce_type", json!(b"other.metrics.v1")),
            "`ce_type` is invalid",
        ),
        (
            Parcel {
                headers: json!([]),
                ..metrics.clone()
            },
            "`ce_specversion` is missing",
        ),
        (
            Parcel {
                headers: Value::Null,
                ..metrics.clone()
            },
            "`ce_specversion` is missing",
        ),
        (with_key(Value::Null), "key is missing"),
        (with_key(base64(b"\xff")), "not UTF-8"),
        (with_key(base64(b"another")), "the key is not its series"),
        (
            metrics
                .clone()
                .with_header("ce_time", json!(b"2025-01-15T08:46:00Z")),
            "ce_time is not its as_of",
        ),
    ]
}

#[tokio::test]
async fn each_poison_is_a_dead_letter_with_its_reason_and_the_batch_goes_on() {
    let database = TestDatabase::create().await;
    let mut batch = every_kind("cpuTemp", at(0));
    let (parcels, reasons): (Vec<_>, Vec<_>) = all().into_iter().unzip();
    batch.extend(parcels);
    batch.extend(every_kind("cpuTemp", at(1)));
    let answer = deliver(&database, &batch).await;
    assert_eq!(answer.records, batch.len());
    assert_eq!(answer.dead_lettered, reasons.len());
    assert_eq!(answer.stored, 18);
    assert_eq!(database.count("metadata").await, 2);
    let told: Vec<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT `offset`, CAST(reason AS BINARY) FROM dead_letter ORDER BY `offset`",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    for ((position, reason), (offset, told)) in reasons.iter().enumerate().zip(told) {
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(reason), "{told}, not {reason}");
        assert_eq!(offset, position as i64 + 9);
    }
}

#[tokio::test]
async fn an_oversized_record_is_set_aside_with_all_its_bytes() {
    let database = TestDatabase::create().await;
    let parcel = every_kind("cpuUsage", at(0)).remove(0);
    let bytes = 4 * 1024 * 1024 + 1;
    let answer = deliver(&database, &[parcel.with_value(&vec![b' '; bytes])]).await;
    assert_eq!(answer.dead_lettered, 1);
    let (length, reason): (i64, Vec<u8>) =
        sqlx::query_as("SELECT LENGTH(value), CAST(reason AS BINARY) FROM dead_letter")
            .fetch_one(database.pool())
            .await
            .unwrap();
    assert_eq!(length, bytes as i64);
    assert!(String::from_utf8(reason).unwrap().contains("4194305 bytes"));
}

#[tokio::test]
async fn a_dead_letter_shows_what_came() {
    let database = TestDatabase::create().await;
    let parcel = every_kind("cpuUsage", at(0)).remove(0);
    let parcel = parcel
        .with_value(b"\xff\xfe")
        .with_header("extra", json!([255]));
    deliver(&database, &[parcel]).await;
    let (key, headers, value): (Vec<u8>, Vec<u8>, Vec<u8>) =
        sqlx::query_as("SELECT `key`, CAST(headers AS BINARY), value FROM dead_letter")
            .fetch_one(database.pool())
            .await
            .unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(value, b"\xff\xfe");
    let headers: Vec<Value> = serde_json::from_slice(&headers).unwrap();
    assert_eq!(
        headers[3],
        json!({"name": "ce_type", "text": "slacast.metrics.v1"})
    );
    assert_eq!(
        headers.last(),
        Some(&json!({"name": "extra", "base64": "/w=="}))
    );
}

/// Changes to a good document, each of which the database could not store or would store wrongly.
#[tokio::test]
async fn a_document_that_contradicts_itself_is_set_aside() {
    let documents = Documents::about("cpuUsage", TOPIC);
    let metrics = Parcel::of(&documents.metrics(at(0)));
    let violations = Parcel::of(&documents.violations(&[], at(0)));
    let run = Parcel::of(&documents.run(at(0)));
    let cases = [
        (&metrics, "/series", json!("0".repeat(32)), "the series' id"),
        (&metrics, "/metric", json!("other"), "the series' id"),
        (&metrics, "/metric", json!("m".repeat(256)), "1 to 255"),
        (&metrics, "/unit", json!("u".repeat(65)), "the unit"),
        (&metrics, "/as_of", json!("2025-01-15T08:46:00Z"), "ce_time"),
        (
            &metrics,
            "/first_sample",
            json!("1969-01-01T00:00:00Z"),
            "before 1970",
        ),
        (
            &metrics,
            "/last_sample",
            json!("2025-01-15T08:45:01Z"),
            "not in order",
        ),
        (&metrics, "/windows/1/window", json!("1h"), "appears twice"),
        (
            &metrics,
            "/windows/0/end",
            json!("2025-01-15T08:44:00Z"),
            "up to its as_of",
        ),
        (
            &metrics,
            "/windows/0/samples",
            json!(1u64 << 32),
            "too many samples",
        ),
        (&violations, "/sla", json!("A b"), "invalid SLA name"),
        (&violations, "/sla", json!("try"), "called try"),
        (&violations, "/version", json!(0), "version is 0"),
        (
            &violations,
            "/objective/id",
            json!("o".repeat(64)),
            "1 to 63",
        ),
        (
            &violations,
            "/objective/id",
            json!("ö"),
            "invalid objective id",
        ),
        (
            &violations,
            "/objective/metric",
            json!("other"),
            "does not match",
        ),
        (
            &violations,
            "/judged/end",
            json!("2025-01-15T08:44:00Z"),
            "judged range",
        ),
        (
            &violations,
            "/gaps/0/start",
            json!("2025-01-01T00:00:00Z"),
            "not in the judged",
        ),
        (
            &violations,
            "/staleness_seconds",
            json!(1e300),
            "the staleness",
        ),
        (&run, "/run_id", json!("another"), "the key is not its run"),
        (&run, "/trigger", json!("alarm"), "unknown variant `alarm`"),
        (&run, "/messages", json!(1u64 << 32), "a count"),
    ];
    let database = TestDatabase::create().await;
    for (parcel, pointer, value, reason) in cases {
        database.clear().await;
        let answer = deliver(&database, &[changed(parcel, pointer, value)]).await;
        assert_eq!(answer.dead_lettered, 1, "{pointer}");
        let told: Vec<u8> = sqlx::query_scalar("SELECT CAST(reason AS BINARY) FROM dead_letter")
            .fetch_one(database.pool())
            .await
            .unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(reason), "{pointer}: {told}");
    }
}

fn changed(parcel: &Parcel, pointer: &str, value: Value) -> Parcel {
    use base64::Engine as _;
    let json = base64::engine::general_purpose::STANDARD
        .decode(parcel.value.as_str().unwrap())
        .unwrap();
    let mut document: Value = serde_json::from_slice(&json).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    parcel.clone().with_value(document.to_string().as_bytes())
}
