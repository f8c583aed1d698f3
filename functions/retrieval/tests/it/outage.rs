use store::testing::TestDatabase;

use crate::service::{Service, json};

#[tokio::test]
async fn without_the_database_every_route_that_needs_it_says_when_to_come_again() {
    // Port 1 is nobody's.
    let service = Service::new(store::connect("mysql://nobody@127.0.0.1:1/nothing").unwrap());
    for uri in [
        "/series",
        "/metrics",
        "/metadata",
        "/predict",
        "/runs",
        "/health",
    ] {
        let reply = service.reply("GET", uri).await;
        assert_eq!(reply.status(), 503, "{uri}");
        assert!(
            reply.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse::<u32>()
                .is_ok()
        );
        let problem = json(&reply);
        assert_eq!(problem["detail"], "the database is away", "{uri}");
        assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
    }
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
        "/health",
    ] {
        let reply = service.reply("GET", uri).await;
        assert_eq!(reply.status(), 503, "{uri}");
        assert!(reply.headers().contains_key("retry-after"));
        assert_eq!(json(&reply)["detail"], sentence, "{uri}");
    }
}
