use serde_json::json;
use store::testing::TestDatabase;

use crate::service::{self, Service};

#[tokio::test]
async fn without_the_database_every_route_that_needs_it_says_when_to_come_again() {
    // Port 1 is nobody's.
    let service = Service::new(store::connect("mysql://nobody@127.0.0.1:1/nothing").unwrap());
    for uri in ["/series", "/metrics", "/metadata", "/predict", "/runs"] {
        let reply = service.reply("GET", uri).await;
        assert_eq!(reply.status(), 503, "{uri}");
        assert!(
            reply.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse::<u32>()
                .is_ok()
        );
        let problem = service::json(&reply);
        assert_eq!(problem["detail"], "the database is away", "{uri}");
        assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    }
    let health = service.reply("GET", "/health").await;
    assert_eq!(health.status(), 503);
    assert!(health.headers().contains_key("retry-after"));
    let expected = json!({
        "status": "failing",
        "version": env!("CARGO_PKG_VERSION"),
        "database": "away",
        "newest_run": null,
        "newest_good_run": null,
        "age_seconds": null,
        "stale": null,
        "storage_lag_seconds": null,
        "reasons": ["the database is away"],
    });
    assert_eq!(service::json(&health), expected);
    for uri in ["/", "/openapi.json"] {
        assert_eq!(service.reply("GET", uri).await.status(), 200, "{uri}");
    }
}

#[tokio::test]
async fn with_a_schema_of_another_release_every_route_names_the_versions() {
    let database = TestDatabase::create().await;
    let sentence = database.outgrow_this_program().await;
    let service = Service::new(database.store().clone());
    for uri in [
        "/series",
        "/metrics",
        "/metadata",
        "/predict",
        "/forecasts/quality",
        "/runs",
    ] {
        let reply = service.reply("GET", uri).await;
        assert_eq!(reply.status(), 503, "{uri}");
        assert!(reply.headers().contains_key("retry-after"));
        assert_eq!(service::json(&reply)["detail"], sentence, "{uri}");
    }
    let health = service.reply("GET", "/health").await;
    assert_eq!(health.status(), 503);
    assert!(health.headers().contains_key("retry-after"));
    let health = service::json(&health);
    assert_eq!(health["status"], "failing");
    assert_eq!(health["database"], "not_ready");
    assert_eq!(health["reasons"], json!([sentence]));
}
