//! The document, the list of routes, the router of `cargo lambda watch` and the template have the routes of the functions
//! and no others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

use http_api::{Operation, PagePath, openapi};
use serde_json::Value;

/// The operations of every function.
fn functions() -> [(&'static str, Vec<Operation>); 4] {
    [
        ("retrieval", retrieval::operations()),
        ("etl", etl::function::operations()),
        ("sla", sla::operations()),
        ("alerting", alerting::operations()),
    ]
}

fn operations() -> Vec<Operation> {
    functions().into_iter().flat_map(|(_, own)| own).collect()
}

/// The pages of every function.
fn pages() -> [(&'static str, Vec<PagePath>); 3] {
    [
        ("retrieval", retrieval::pages()),
        ("sla", sla::pages()),
        ("alerting", alerting::pages()),
    ]
}

/// Which function answers which path.
fn paths() -> BTreeMap<String, String> {
    let operations = functions().into_iter().flat_map(|(name, own)| {
        own.into_iter()
            .map(move |operation| (operation.path.to_owned(), name.to_owned()))
    });
    let pages = pages().into_iter().flat_map(|(name, own)| {
        own.into_iter()
            .map(move |page| (page.path.to_owned(), name.to_owned()))
    });
    operations.chain(pages).collect()
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap()
}

/// The file is `expected`, or it is renewed where that is asked for.
fn hold(path: &str, expected: &str) {
    if env::var_os("RENEW").is_some() {
        fs::write(root(path), expected).unwrap();
    }
    let message = "is not what the routes say: RENEW=1 cargo test -p openapi";
    assert!(read(path) == expected, "{path} {message}");
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

#[test]
fn the_document_and_the_list_follow_from_the_routes() {
    let operations = operations();
    let document = openapi::document(env!("CARGO_PKG_VERSION"), &operations);
    hold("crates/http-api/src/openapi.json", &text(&document));
    hold(
        "crates/http-api/src/routes.json",
        &text(&openapi::lines(&operations)),
    );
}

#[test]
fn the_router_of_the_watch_follows_from_the_routes() {
    const HEAD: &str = "[workspace.metadata.lambda.watch.router]\n";
    let manifest = read("Cargo.toml");
    let (before, rest) = manifest.split_once(HEAD).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let lines = paths().into_iter();
    let lines: String = lines
        .map(|(path, function)| format!("\"{path}\" = \"{function}\"\n"))
        .collect();
    hold("Cargo.toml", &format!("{before}{HEAD}{lines}\n{after}"));
}

#[test]
fn the_template_has_every_path_and_no_other() {
    let mut binary = "";
    let mut found = BTreeMap::new();
    let template = read("template.yaml");
    for line in template.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("Binary: ") {
            binary = name;
        }
        let path = line.split_once("Path: ").map(|(_, rest)| rest);
        if let Some((path, "Method: ANY}")) = path.and_then(|rest| rest.split_once(", ")) {
            found.insert(path.trim_matches('"').to_owned(), binary.to_owned());
        }
    }
    assert_eq!(found, paths());
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_described_in_vain() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                let own = fields.get("$ref").and_then(Value::as_str);
                found.extend(own.map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document: Value = openapi::document(env!("CARGO_PKG_VERSION"), &operations());
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    let mut described = BTreeSet::new();
    for kind in ["responses", "schemas"] {
        let names = document["components"][kind].as_object().unwrap().keys();
        described.extend(names.map(|name| format!("#/components/{kind}/{name}")));
    }
    assert_eq!(found, described);
}

#[test]
fn pages_are_below_ui_and_no_operation_is() {
    for (_, pages) in pages() {
        for page in pages {
            assert!(
                page.path == "/ui" || page.path.starts_with("/ui/"),
                "{}",
                page.path
            );
        }
    }
    assert!(
        operations()
            .iter()
            .all(|operation| !operation.path.starts_with("/ui"))
    );
}

#[test]
fn generated_clients_have_a_name_for_each_operation() {
    let operations = operations();
    let names: BTreeSet<&str> = operations.iter().map(|operation| operation.id).collect();
    assert_eq!(names.len(), operations.len());
}
