use serde_json::json;
use store::testing::TestDatabase;

use crate::service::{Service, json as body};

#[tokio::test]
async fn without_the_database_every_route_says_when_to_come_again() {
    // Port 1 is nobody's.
    let service = Service::new(store::connect("mysql://nobody@127.0.0.1:1/nothing").unwrap());
    let document = json!({"name": "web", "objectives": [{"metric": "m", "max": 1}]}).to_string();
    for (method, uri) in [
        ("POST", "/sla"),
        ("GET", "/sla"),
        ("GET", "/sla/web"),
        ("PUT", "/sla/web"),
        ("DELETE", "/sla/web"),
        ("GET", "/check_json"),
        ("GET", "/predict_json?sla=web"),
    ] {
        let reply = service.send(method, uri, Some("\"1\""), &document).await;
        assert_eq!(reply.status(), 503, "{method} {uri}");
        assert!(
            reply.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse::<u32>()
                .is_ok()
        );
        assert_eq!(body(&reply)["detail"], "the database is away");
    }
}

#[tokio::test]
async fn with_a_schema_of_another_release_every_route_names_the_versions() {
    let database = TestDatabase::create().await;
    let sentence = database.outgrow_this_program().await;
    let service = Service::new(database.store().clone());
    let document = json!({"name": "web", "objectives": [{"metric": "m", "max": 1}]}).to_string();
    for (method, uri) in [
        ("POST", "/sla"),
        ("GET", "/sla"),
        ("GET", "/sla/web"),
        ("PUT", "/sla/web"),
        ("DELETE", "/sla/web"),
        ("GET", "/sla/web/budget"),
        ("GET", "/sla/web/violations"),
        ("GET", "/check_json"),
        ("GET", "/predict_json?sla=web"),
    ] {
        let reply = service.send(method, uri, Some("\"1\""), &document).await;
        assert_eq!(reply.status(), 503, "{method} {uri}");
        assert_eq!(body(&reply)["detail"], sentence, "{method} {uri}");
    }
    assert_eq!(database.count("sla").await, 0);
}
