use store::testing::TestDatabase;

use crate::service::{Service, json};

const LISTS: [&str; 5] = ["/series", "/metrics", "/metadata", "/predict", "/runs"];

#[tokio::test]
async fn every_list_names_the_parameter_that_is_wrong() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for list in LISTS {
        for (query, parameter) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=ten", "limit"),
            ("limit=1&limit=2", "limit"),
            ("cursor=abc", "cursor"),
            ("cursor=eyJ2IjoxfQ", "cursor"),
            ("metric=", "metric"),
            ("label.__name__=1", "label.__name__"),
            ("label.a=1&label.a=2", "label.a"),
            ("from=tomorrow", "from"),
            ("to=2026-02-30T00:00:00Z", "to"),
            ("as_of=now", "as_of"),
            ("from=2026-11-23T09:00:00Z&to=2026-11-23T08:00:00Z", "from"),
            ("sort=metric", "sort"),
        ] {
            let reply = service.reply("GET", &format!("{list}?{query}")).await;
            let problem = json(&reply);
            assert_eq!(reply.status(), 400, "{list}?{query}");
            assert_eq!(reply.headers()["content-type"], "application/problem+json");
            assert_eq!(
                problem["errors"][0]["parameter"], parameter,
                "{list}?{query}"
            );
        }
    }
    assert!(database.contents().await.is_empty());
}

#[tokio::test]
async fn parameters_of_one_list_are_unknown_to_others() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for (uri, parameter) in [
        ("/metrics?window=2h", "window"),
        ("/predict?window=1h", "window"),
        ("/metrics?full=true", "full"),
        ("/predict?full=1", "full"),
        ("/?x=1", "x"),
        ("/health?metric=a", "metric"),
        ("/openapi.json?limit=1", "limit"),
    ] {
        let reply = service.reply("GET", uri).await;
        assert_eq!(reply.status(), 400, "{uri}");
        assert_eq!(json(&reply)["errors"][0]["parameter"], parameter, "{uri}");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_told_apart() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    assert_eq!(service.reply("GET", "/metric").await.status(), 404);
    let reply = service.reply("POST", "/metrics").await;
    assert_eq!(
        (
            reply.status().as_u16(),
            &reply.headers()["allow"].to_str().unwrap()
        ),
        (405, &"GET, HEAD")
    );
}
