//! The OpenAPI document, made of the routes of every function and the types that they answer with.
//!
//! [`TEXT`] is what is served: a snapshot of [`document`], which a test renews (`crates/openapi`).

use std::collections::BTreeSet;

use lambda_http::http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Answer, Operation, Parameter, Problem, parameters::Place};

/// The OpenAPI document of the whole system, without its address: see [`at`].
pub const TEXT: &str = include_str!("openapi.json");
/// Every route in a line, in the order people read them: see [`routes`].
const ROUTES: &str = include_str!("routes.json");
/// The schemas of the bodies that routes take. What reads them reports more than a schema can say.
const BODIES: &str = include_str!("bodies.json");

/// Stands for the system's address in [`TEXT`].
const ADDRESS: &str = "http://127.0.0.1:9000";

/// A route in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteLine {
    /// The method.
    pub method: String,
    /// The path; `{name}` and `{id}` stand for one segment each.
    pub path: String,
    /// What it answers.
    pub summary: String,
    /// What follows the word `curl` to try it; `{base}` stands for where the system is.
    pub curl: String,
}

/// The document of a system that its callers find at `base_url`.
pub fn at(base_url: &str) -> String {
    TEXT.replacen(ADDRESS, base_url, 1)
}

/// Every route of the system, in the order people read them.
///
/// # Errors
/// When the snapshot is no list of routes, which is a defect.
pub fn routes() -> Result<Vec<RouteLine>, serde_json::Error> {
    serde_json::from_str(ROUTES)
}

/// The lines of `operations`.
pub fn lines(operations: &[Operation]) -> Vec<RouteLine> {
    let lines = operations.iter().map(|operation| RouteLine {
        method: operation.method.to_string(),
        path: operation.path.to_owned(),
        summary: operation.summary.to_owned(),
        curl: operation.curl.to_owned(),
    });
    lines.collect()
}

/// The document about `operations` of a system of that version.
///
/// # Panics
/// When the schema of a parameter or of a body is no JSON, or two have one name: this is for tests.
pub fn document(version: &str, operations: &[Operation]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths = Map::new();
    for operation in operations {
        let methods = paths.entry(operation.path).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_lowercase();
        methods[method] = described(operation, &mut generator);
    }
    let statuses: BTreeSet<u16> = operations.iter().flat_map(Operation::problems).collect();
    let problem = generator.subschema_for::<Problem<'_>>();
    let problems: Map<String, Value> = statuses
        .into_iter()
        .map(|status| {
            (
                problem_name(status),
                described_problem(status, problem.as_value()),
            )
        })
        .collect();
    let bodies: Map<String, Value> = serde_json::from_str(BODIES).expect("bodies.json is JSON");
    let mut schemas = generator.take_definitions(true);
    for (name, schema) in bodies {
        let clash = schemas.insert(name, schema);
        assert_eq!(clash, None, "no body has the name of an answer");
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "slacast",
            "version": version,
            "description": "What Prometheus series did and will do, and whether they keep the ranges of an SLA. Times are RFC 3339 UTC, unknown is null. Errors are problem documents (RFC 9457).",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": ADDRESS}],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": problems,
            "schemas": schemas,
        },
    })
}

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for answer in &operation.answers {
        responses.insert(
            answer.status.to_string(),
            described_answer(answer, generator),
        );
    }
    if let Some(first) = operation.answers.first() {
        for text in operation.texts {
            let content = &mut responses[&first.status.to_string()]["content"];
            // A document of YAML is whatever it says.
            content[*text] = match text.contains("yaml") {
                true => json!({"schema": {}}),
                false => json!({"schema": {"type": "string"}}),
            };
        }
    }
    for status in operation.problems() {
        let described = match operation.errors {
            // Whether somebody may call is looked at before anything else.
            Some(errors) if !matches!(status, 401 | 403 | 413) => {
                let schema = errors(generator);
                let description = described_problem(status, &Value::Null)["description"].clone();
                json!({"description": description, "content": {"application/json": {"schema": schema}}})
            }
            _ => {
                let reference = format!("#/components/responses/{}", problem_name(status));
                json!({"$ref": reference})
            }
        };
        responses.insert(status.to_string(), described);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": responses,
    });
    if !operation.parameters.is_empty() {
        let parameters = operation.parameters.iter().map(described_parameter);
        described["parameters"] = parameters.collect();
    }
    if let Some(body) = operation.body {
        let schema = format!("#/components/schemas/{}", body.schema);
        let media_type = match body.is_form {
            true => "application/x-www-form-urlencoded".to_owned(),
            false => media_type(body.schema),
        };
        described["requestBody"] = json!({
            "required": body.required,
            "content": {media_type: {"schema": {"$ref": schema}}},
        });
    }
    described
}

/// The content type of a body: its schema says where it is not JSON.
fn media_type(schema: &str) -> String {
    let bodies: Value = serde_json::from_str(BODIES).expect("bodies.json is JSON");
    let media_type = bodies[schema]["contentMediaType"].as_str();
    media_type.unwrap_or("application/json").to_owned()
}

fn described_answer(answer: &Answer, generator: &mut SchemaGenerator) -> Value {
    let schema = (answer.schema)(generator);
    let mut described = json!({
        "description": match answer.status {
            201 => "It is created.",
            202 => "It is published.",
            _ => "The answer.",
        },
        "content": {"application/json": {"schema": schema}},
    });
    for header in answer.headers {
        let description = match *header {
            "ETag" => "The version, for If-Match.",
            _ => "Where it is.",
        };
        described["headers"][*header] =
            json!({"description": description, "required": true, "schema": {"type": "string"}});
    }
    described
}

fn described_parameter(parameter: &Parameter) -> Value {
    let schema: Value = serde_json::from_str(parameter.schema).expect("a schema is JSON");
    let (place, required) = match parameter.place {
        Place::Query => ("query", false),
        Place::NeededQuery => ("query", true),
        Place::Path => ("path", true),
        Place::Header => ("header", true),
    };
    let mut described = json!({
        "name": parameter.name,
        "in": place,
        "required": required,
        "description": parameter.description,
        "schema": schema,
    });
    if let Some(example) = parameter.example {
        described["example"] = example.into();
    }
    described
}

/// `BadRequest`, `NotFound`: the words of the status without spaces.
fn problem_name(status: u16) -> String {
    let status = StatusCode::from_u16(status).ok();
    let words = status.and_then(|status| status.canonical_reason());
    words.unwrap_or("Problem").replace(' ', "")
}

fn described_problem(status: u16, schema: &Value) -> Value {
    let (description, header) = match status {
        400 => (
            "The body is not JSON or YAML, or a parameter is invalid.",
            None,
        ),
        401 => ("There is no valid token.", Some("WWW-Authenticate")),
        403 => ("The token only permits reading.", None),
        404 => ("There is no such thing.", None),
        409 => ("It contradicts what there is.", None),
        412 => ("Another version is in force.", None),
        413 => ("The body is too long, or the answer would be.", None),
        415 => ("The body is not JSON.", None),
        422 => ("JSON with a value that is invalid.", None),
        428 => ("If-Match is missing.", None),
        503 => (
            "Something that is needed is away; Retry-After says when to try again.",
            Some("Retry-After"),
        ),
        _ => ("A problem.", None),
    };
    let mut described = json!({
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    });
    if let Some(header) = header {
        let kind = if header == "Retry-After" {
            "integer"
        } else {
            "string"
        };
        described["headers"] = json!({header: {"required": true, "schema": {"type": kind}}});
    }
    described
}
