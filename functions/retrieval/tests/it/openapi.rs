use http_api::parameters::Place;
use store::testing::TestDatabase;

use crate::service::{Service, json};

#[tokio::test]
async fn every_parameter_described_is_one_the_route_takes() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for operation in retrieval::operations() {
        // What Prometheus' API passes over is tested with the rest of it.
        if operation.path.starts_with("/prometheus/") {
            continue;
        }
        for parameter in operation.parameters {
            assert_eq!(parameter.place, Place::Query);
            let query = match parameter.name {
                "label.NAME" => "label.job=node".to_owned(),
                // A cursor cannot be made up.
                "cursor" => continue,
                name @ ("collect" | "names") => {
                    let value = if name == "names" { "sloth" } else { "series" };
                    let uri = format!("{}?{name}={value}", operation.path);
                    service.text(&uri, "application/openmetrics-text").await;
                    continue;
                }
                name @ ("sla" | "objective") if operation.path == "/metrics" => {
                    let uri = format!("{}?{name}=web", operation.path);
                    service.text(&uri, "application/openmetrics-text").await;
                    continue;
                }
                name @ "step" => format!("{name}=1h"),
                name @ "limit" => format!("{name}=1"),
                name @ "window" => format!("{name}=1h"),
                name @ "full" => format!("{name}=true"),
                name @ "sla" => format!("{name}=web"),
                name @ "metric" => format!("{name}=cpuUsage"),
                name => format!("{name}=2026-11-23T08:45:00Z"),
            };
            service.get(&format!("{}?{query}", operation.path)).await;
        }
    }
}

#[tokio::test]
async fn the_document_is_served_with_the_address_that_was_called() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    let document = json(&service.reply("GET", "/openapi.json").await);
    assert_eq!(document["servers"][0]["url"], "http://127.0.0.1:9000");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}
