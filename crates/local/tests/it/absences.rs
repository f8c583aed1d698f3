//! What ARCHITECTURE.md says is not there, is not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::system::repository;

/// The crates below a folder, by name, each with its own folder.
fn members(folder: &str) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(repository().join(folder)).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    folders
        .filter(|path| path.join("Cargo.toml").exists())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect()
}

/// What a crate depends on outside its tests.
fn dependencies(member: &Path) -> BTreeSet<String> {
    let manifest = fs::read_to_string(member.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
    dependencies
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

/// The sources of a crate, its tests left out.
fn sources(member: &Path) -> Vec<(PathBuf, String)> {
    let mut directories = vec![member.join("src")];
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let product = text.split("#[cfg(test)]").next().unwrap().to_owned();
                sources.push((path, product));
            }
        }
    }
    sources
}

#[test]
fn functions_depend_on_no_function_and_local_on_none() {
    let functions = members("functions");
    assert!(functions.len() >= 4, "{functions:?}");
    let all = functions
        .iter()
        .map(|(name, path)| (name.clone(), path.clone()));
    for (name, path) in all.chain(members("crates")) {
        let wrong: Vec<_> = dependencies(&path)
            .into_iter()
            .filter(|dependency| functions.contains_key(dependency))
            .collect();
        assert_eq!(wrong, Vec::<String>::new(), "{name} depends on a function");
    }
}

#[test]
fn no_crate_but_store_names_sql() {
    for (name, path) in members("crates").into_iter().chain(members("functions")) {
        if name == "store" {
            continue;
        }
        assert!(!dependencies(&path).contains("sqlx"), "{name}");
        for (file, text) in sources(&path) {
            let statement = ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM "]
                .into_iter()
                .find(|statement| text.contains(statement));
            assert_eq!(statement, None, "{}", file.display());
        }
    }
}

#[test]
fn no_function_but_etl_names_kafkas_client_or_prometheus() {
    for (name, path) in members("functions") {
        let wrong: Vec<_> = dependencies(&path)
            .into_iter()
            .filter(|dependency| ["rdkafka", "kafka", "prometheus"].contains(&dependency.as_str()))
            .collect();
        assert!(name == "etl" || wrong.is_empty(), "{name}: {wrong:?}");
    }
}

#[test]
fn series_and_domain_do_no_io_and_read_no_clock() {
    for name in ["series", "domain"] {
        let path = repository().join("crates").join(name);
        for dependency in ["tokio", "reqwest", "sqlx", "rdkafka", "lambda_runtime"] {
            assert!(
                !dependencies(&path).contains(dependency),
                "{name}: {dependency}"
            );
        }
        for (file, text) in sources(&path) {
            let wrong = [
                "Utc::now",
                "SystemTime::now",
                "Instant::now",
                "std::fs",
                "std::net",
                "std::env",
            ]
            .into_iter()
            .find(|call| text.contains(call));
            assert_eq!(wrong, None, "{}", file.display());
        }
    }
}
