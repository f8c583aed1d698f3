use std::collections::BTreeMap;

use serde_json::Value;
use store::testing::TestDatabase;

use crate::service::{Service, filled, json, store_run};

const SERIES: [(&str, &str); 7] = [
    ("cpuUsage", "a"),
    ("cpuUsage", "b"),
    ("cpuUsage", "c"),
    ("memory", "a"),
    ("memory", "b"),
    ("temperature", "a"),
    ("temperature", "é \" % &"),
];
const TIMES: [&str; 3] = [
    "2026-11-23T08:00:00Z",
    "2026-11-23T08:00:30Z",
    "2026-11-23T08:01:00Z",
];

/// Follows `next` from page to page, with `between` between them, and counts how often each row was there.
async fn visit(
    service: &Service,
    list: &str,
    query: &str,
    limit: usize,
    mut between: impl AsyncFnMut(usize),
) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    let mut cursor = String::new();
    for page_number in 0.. {
        let page = service
            .get(&format!("{list}?limit={limit}&{query}{cursor}"))
            .await;
        let (_, rows) = page
            .as_object()
            .unwrap()
            .iter()
            .find(|(name, _)| *name != "next")
            .unwrap();
        let rows = rows.as_array().unwrap();
        assert!(rows.len() <= limit, "{list}");
        for row in rows {
            let key = |name: &str| row.get(name).map(Value::to_string).unwrap_or_default();
            let key = ["metric", "labels", "as_of", "window", "run_id"]
                .map(key)
                .join(" ");
            *seen.entry(key).or_insert(0) += 1;
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
        between(page_number).await;
    }
    seen
}

#[tokio::test]
async fn every_row_is_visited_once_whatever_the_size_of_the_pages() {
    let database = filled(&SERIES, &TIMES).await;
    let service = Service::new(database.store().clone());
    let span = "from=2026-11-23T08:00:00Z&to=2026-11-23T08:01:00Z";
    for (list, query, count) in [
        ("/series", "", 7),
        ("/metrics", "", 21),
        ("/metrics", "window=3h", 7),
        ("/metrics", span, 63),
        ("/metrics", "window=12h&from=2026-11-23T08:00:30Z", 14),
        ("/metrics", "as_of=2026-11-23T08:00:30Z", 21),
        ("/metrics", "label.instance=a", 9),
        ("/metrics", "metric=cpuUsage&from=2026-11-23T08:00:00Z", 27),
        ("/metadata", "", 7),
        ("/metadata", span, 21),
        ("/predict", "full=true", 7),
        ("/predict", "label.job=node&to=2026-11-23T08:00:30Z", 14),
        ("/runs", "", 3),
        ("/runs", "metric=memory", 3),
    ] {
        for limit in [1, 2, 4, 7, 10, 1000] {
            let seen = visit(&service, list, query, limit, async |_| {}).await;
            assert_eq!(seen.len(), count, "{list}?{query} by {limit}");
            assert!(
                seen.values().all(|times| *times == 1),
                "{list}?{query} by {limit}"
            );
        }
    }
}

#[tokio::test]
async fn rows_that_arrive_in_between_move_nothing() {
    // They are about times before the first page is asked for, as every run is.
    let later = [
        "2026-11-23T08:01:30Z",
        "2026-11-23T08:02:00Z",
        "2026-11-23T08:02:30Z",
        "2026-11-23T08:03:00Z",
    ];
    for (list, query) in [
        ("/metrics", ""),
        ("/metrics", "from=2026-11-23T08:00:00Z"),
        ("/predict", ""),
        ("/metadata", "from=2026-11-23T08:00:00Z"),
        ("/runs", ""),
    ] {
        let database = filled(&SERIES, &TIMES).await;
        let service = Service::new(database.store().clone());
        let before = visit(&service, list, query, 1000, async |_| {}).await;
        let arrive = async |page: usize| {
            if let Some(time) = later.get(page) {
                store_run(&database, &SERIES, time).await;
            }
        };
        let seen = visit(&service, list, query, 2, arrive).await;
        assert_eq!(seen, before, "{list}?{query}");
    }
}

#[tokio::test]
async fn a_cursor_is_refused_where_it_was_not_made() {
    let database = filled(&SERIES[..3], &TIMES[..1]).await;
    let service = Service::new(database.store().clone());
    let next = service.get("/metrics?limit=1&metric=cpuUsage").await["next"].take();
    let next = next.as_str().unwrap();
    for uri in [
        "/metrics?limit=1",
        "/metrics?metric=memory",
        "/metrics?metric=cpuUsage&window=1h",
        "/predict?metric=cpuUsage",
    ] {
        let separator = if uri.contains('?') { '&' } else { '?' };
        let reply = service
            .reply("GET", &format!("{uri}{separator}cursor={next}"))
            .await;
        assert_eq!(
            (
                reply.status().as_u16(),
                &json(&reply)["errors"][0]["parameter"]
            ),
            (400, &Value::from("cursor")),
            "{uri}"
        );
    }
    let page = service
        .get(&format!("/metrics?limit=5&metric=cpuUsage&cursor={next}"))
        .await;
    assert_eq!(page["metrics"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn an_empty_list_is_one_empty_page() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for (list, name) in [
        ("/series", "series"),
        ("/metrics", "metrics"),
        ("/predict", "predictions"),
        ("/runs", "runs"),
    ] {
        let page = service.get(list).await;
        assert_eq!(page, serde_json::json!({name: [], "next": null}));
    }
}
