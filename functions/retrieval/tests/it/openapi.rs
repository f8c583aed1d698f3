use std::collections::BTreeSet;

use http_api::{Parameter, operations};
use retrieval::OPENAPI;
use serde_json::Value;
use store::testing::TestDatabase;

use crate::service::Service;

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// What a `$ref` refers to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref") {
        Some(reference) => document
            .pointer(reference.as_str().unwrap().trim_start_matches('#'))
            .unwrap(),
        None => value,
    }
}

fn described(document: &Value) -> BTreeSet<(String, String, Vec<String>)> {
    let mut operations = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let mut parameters: Vec<String> = parameters
                .map(|parameter| resolved(document, parameter))
                .map(|parameter| {
                    format!(
                        "{} {}",
                        parameter["in"].as_str().unwrap(),
                        parameter["name"].as_str().unwrap()
                    )
                })
                .collect();
            parameters.sort();
            operations.insert((method.to_uppercase(), path.clone(), parameters));
        }
    }
    operations
}

#[test]
fn it_describes_every_operation_and_every_parameter_and_no_other() {
    let routed: BTreeSet<_> = operations::ALL
        .iter()
        .map(|operation| {
            let parameters = operation
                .parameters
                .iter()
                .map(|parameter| match parameter {
                    Parameter::Query(name) => format!("query {name}"),
                    Parameter::Labels => "query label.NAME".to_owned(),
                    Parameter::Name => "path name".to_owned(),
                    Parameter::Id => "path id".to_owned(),
                    Parameter::IfMatch => "header If-Match".to_owned(),
                });
            let mut parameters: Vec<String> = parameters.collect();
            parameters.sort();
            (
                operation.method.to_string(),
                operation.path.to_owned(),
                parameters,
            )
        })
        .collect();
    assert_eq!(described(&document()), routed);
}

#[test]
fn summaries_are_the_same_everywhere() {
    let document = document();
    for operation in operations::ALL {
        let method = operation.method.as_str().to_lowercase();
        assert_eq!(
            document["paths"][operation.path][method]["summary"],
            operation.summary
        );
    }
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_described_in_vain() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(
                    fields
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let mut described = BTreeSet::new();
    for kind in ["parameters", "responses", "schemas"] {
        let names = document["components"][kind].as_object().unwrap().keys();
        described.extend(names.map(|name| format!("#/components/{kind}/{name}")));
    }
    assert_eq!(found, described);
}

#[tokio::test]
async fn every_parameter_described_is_one_the_route_takes() {
    let database = TestDatabase::create().await;
    let service = Service::new(database.store().clone());
    for route in &retrieval::ROUTES {
        for parameter in route.operation.parameters {
            let query = match parameter {
                Parameter::Labels => "label.job=node".to_owned(),
                Parameter::Query(name @ "limit") => format!("{name}=1"),
                Parameter::Query(name @ "window") => format!("{name}=1h"),
                Parameter::Query(name @ "full") => format!("{name}=true"),
                Parameter::Query(name @ "sla") => format!("{name}=web"),
                Parameter::Query(name @ "metric") => format!("{name}=cpuUsage"),
                Parameter::Query(name @ ("from" | "to" | "as_of")) => {
                    format!("{name}=2026-11-23T08:45:00Z")
                }
                // A cursor cannot be made up.
                Parameter::Query("cursor") => continue,
                other => panic!("{other:?}"),
            };
            service
                .get(&format!("{}?{query}", route.operation.path))
                .await;
        }
    }
}
