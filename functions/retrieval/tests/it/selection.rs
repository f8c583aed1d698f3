use serde_json::Value;

use crate::service::{Service, filled, store_run};

const EARLY: &str = "2026-11-23T08:00:00Z";
const LATE: &str = "2026-11-23T09:00:00Z";
const SERIES: [(&str, &str); 3] = [("cpuUsage", "a"), ("cpuUsage", "b"), ("memory", "a")];

/// The rows of a list as `metric instance as_of`, those of one window alone.
async fn rows(service: &Service, uri: &str) -> Vec<String> {
    let page = service.get(uri).await;
    let (_, rows) = page
        .as_object()
        .unwrap()
        .iter()
        .find(|(name, _)| *name != "next")
        .unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                text(row, "metric"),
                text(&row["labels"], "instance"),
                text(row, "as_of")
            )
        })
        .collect();
    rows.dedup();
    rows
}

#[tokio::test]
async fn without_a_time_the_newest_row_of_each_series_is_shown() {
    let database = filled(&SERIES, &[LATE]).await;
    store_run(&database, &SERIES[..2], EARLY).await;
    store_run(&database, &[("old", "a")], EARLY).await;
    let service = Service::new(database.store().clone());
    for list in ["/metrics", "/metadata", "/predict"] {
        let mut found = rows(&service, list).await;
        found.sort();
        let expected = [
            format!("cpuUsage a {LATE}"),
            format!("cpuUsage b {LATE}"),
            format!("memory a {LATE}"),
            format!("old a {EARLY}"),
        ];
        assert_eq!(found, expected, "{list}");
    }
}

#[tokio::test]
async fn every_filter_narrows_every_list() {
    let database = filled(&SERIES, &[EARLY, LATE]).await;
    let service = Service::new(database.store().clone());
    for list in ["/metrics", "/metadata", "/predict"] {
        for (query, count) in [
            ("", 3),
            ("metric=cpuUsage", 2),
            ("metric=CPUUSAGE", 0),
            ("label.instance=a", 2),
            ("label.instance=a&label.job=node", 2),
            ("label.instance=A", 0),
            ("label.instance=a&label.job=x", 0),
            ("metric=cpuUsage&label.instance=a", 1),
            ("as_of=2026-11-23T08:00:00Z", 3),
            ("as_of=2026-11-23T08:00:01Z", 0),
            ("from=2026-11-23T08:00:00Z", 6),
            ("from=2026-11-23T08:00:01Z", 3),
            ("to=2026-11-23T08:59:59Z", 3),
            (
                "from=2026-11-23T08:00:00Z&to=2026-11-23T09:00:00Z&metric=memory",
                2,
            ),
            ("from=2026-11-23T08:00:00Z&as_of=2026-11-23T09:00:00Z", 3),
            ("to=2026-11-23T08:00:00Z&as_of=2026-11-23T09:00:00Z", 0),
            ("from=2026-11-23T10:00:00Z", 0),
        ] {
            let found = rows(&service, &format!("{list}?{query}")).await;
            assert_eq!(found.len(), count, "{list}?{query}: {found:?}");
        }
    }
}

#[tokio::test]
async fn series_are_found_by_labels_by_run_and_by_when_they_lived() {
    let database = filled(&SERIES, &[LATE]).await;
    store_run(&database, &SERIES[..1], "2026-11-20T09:00:00Z").await;
    let service = Service::new(database.store().clone());
    for (query, count) in [
        ("", 3),
        ("metric=cpuUsage", 2),
        ("label.instance=a", 2),
        ("as_of=2026-11-20T09:00:00Z", 1),
        ("from=2026-11-23T09:00:01Z", 0),
        ("to=2026-11-21T00:00:00Z", 1),
    ] {
        assert_eq!(
            rows(&service, &format!("/series?{query}")).await.len(),
            count,
            "{query}"
        );
    }
}

#[tokio::test]
async fn runs_are_found_by_time_and_by_what_they_summarised() {
    let database = filled(&SERIES, &[LATE]).await;
    store_run(&database, &SERIES[..1], EARLY).await;
    let service = Service::new(database.store().clone());
    for (query, count) in [
        ("", 2),
        ("as_of=2026-11-23T08:00:00Z", 1),
        ("from=2026-11-23T08:30:00Z", 1),
        ("to=2026-11-23T07:00:00Z", 0),
        ("metric=cpuUsage", 2),
        ("metric=memory", 1),
        ("metric=nothing", 0),
        ("label.instance=b", 1),
    ] {
        assert_eq!(
            rows(&service, &format!("/runs?{query}")).await.len(),
            count,
            "{query}"
        );
    }
}
