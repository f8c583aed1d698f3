//! The sets in `metrics/`, each against what its exporter shows (`tests/fixtures`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use promql_parser::{
    parser::{self, Expr, LabelModifier, VectorSelector},
    util::{ExprVisitor, walk_expr},
};

use super::*;

/// A sample of an exposition: its labels, the name among them.
type Exposed = BTreeMap<String, String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The samples of an exposition in Prometheus' text format.
fn exposition(text: &str) -> Vec<Exposed> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let mut exposed = Exposed::from([("__name__".to_owned(), name.to_owned())]);
            let mut rest = labels.trim_end_matches('}');
            while let Some((label, after)) = rest.split_once("=\"") {
                let (value, after) = after.split_once('"').unwrap();
                exposed.insert(label.trim_start_matches(',').to_owned(), value.to_owned());
                rest = after;
            }
            exposed
        })
        .collect()
}

#[derive(Default)]
struct Needs {
    selectors: Vec<VectorSelector>,
    labels: BTreeSet<String>,
}

impl ExprVisitor for Needs {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        match expression {
            Expr::VectorSelector(selector) => self.selectors.push(selector.clone()),
            Expr::MatrixSelector(selector) => self.selectors.push(selector.vs.clone()),
            Expr::Aggregate(aggregate) => {
                if let Some(LabelModifier::Include(labels) | LabelModifier::Exclude(labels)) =
                    &aggregate.modifier
                {
                    self.labels.extend(labels.labels.iter().cloned());
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// Whether a sample matches; labels that only a scrape adds are not there yet.
fn is_selected(selector: &VectorSelector, sample: &Exposed) -> bool {
    let value = |label: &str| sample.get(label).map_or("", String::as_str);
    let named = selector
        .name
        .as_deref()
        .is_none_or(|name| name == value("__name__"));
    named
        && selector
            .matchers
            .matchers
            .iter()
            .all(|matcher| matcher.is_match(value(&matcher.name)))
}

#[test]
fn every_query_of_a_set_finds_what_its_exporter_shows() {
    let mut sets = 0;
    for entry in fs::read_dir(root().join("metrics")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        sets += 1;
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let fixture = format!("crates/prometheus/tests/fixtures/{stem}.prom");
        let samples = exposition(&fs::read_to_string(root().join(fixture)).unwrap());
        for metric in load(&path).unwrap() {
            let what = format!("{stem}: {}", metric.name);
            let expression = parser::parse(&metric.query).unwrap();
            let mut needs = Needs::default();
            let _ = walk_expr(&mut needs, &expression);
            assert!(!needs.selectors.is_empty(), "{what}");
            for selector in &needs.selectors {
                assert!(
                    samples.iter().any(|sample| is_selected(selector, sample)),
                    "{what}: nothing matches {selector}"
                );
            }
            for label in &needs.labels {
                // A scrape adds the job.
                let is_shown = label == "job"
                    || samples.iter().any(|sample| {
                        let mut selectors = needs.selectors.iter();
                        selectors.any(|selector| is_selected(selector, sample))
                            && sample.contains_key(label)
                    });
                assert!(is_shown, "{what}: no label {label}");
            }
        }
    }
    assert_eq!(sets, 8);
}

#[test]
fn no_two_sets_have_a_metric_of_one_name() {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("metrics")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            for metric in load(&path).unwrap() {
                assert!(names.insert(metric.name.clone()), "{}", metric.name);
            }
        }
    }
}
