//! Files of each format, written for these tests with the features that public ones have.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod export;
mod openslo;
mod pyrra;
mod sloth;
mod unreadable;
mod whole;

use domain::sla::BudgetWindow;
use serde_json::{Value, json};
use slo_files::{Import, Place};

/// What a body becomes, Sloth's window being 30d.
fn read(body: &str) -> Import {
    slo_files::read(body, BudgetWindow::default()).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

/// The objectives of all SLAs as JSON, by `SLA/ID`, without what is at its default.
fn objectives(body: &str) -> Value {
    let mut all = json!({});
    for sla in read(body).slas {
        for objective in &sla.draft.objectives {
            let mut document = json!(objective);
            let fields = document.as_object_mut().unwrap();
            for (name, default) in [
                ("labels", json!({})),
                ("for", json!("0s")),
                ("hold", json!("15m")),
                ("missing", json!("excluded")),
                ("series_end", json!("ended")),
                ("by", json!([])),
                ("slice", json!("1m")),
                ("no_traffic", json!("excluded")),
                ("min_bad", json!(1.0)),
                ("budget_window", json!("30d")),
                ("method", json!("occurrences")),
                ("step", json!("1m")),
            ] {
                if fields.get(name) == Some(&default) {
                    fields.remove(name);
                }
            }
            fields.retain(|name, value| !value.is_null() && name != "id" && name != "metric");
            all[format!("{}/{}", sla.name, objective.id().as_str())] = document;
        }
    }
    all
}

/// The only objective.
fn objective(body: &str) -> Value {
    let all = objectives(body);
    let all = all.as_object().unwrap();
    assert_eq!(all.len(), 1, "{all:?}\n{:?}", read(body).refused);
    all.values().next().unwrap().clone()
}

fn at(Place { document, pointer }: &Place) -> String {
    format!("{document}:{pointer}")
}

/// Where something is said in another way.
fn adapted(body: &str) -> Vec<String> {
    read(body)
        .adapted
        .iter()
        .map(|adapted| at(&adapted.place))
        .collect()
}

/// Where something is refused, and why.
fn refused(body: &str) -> Vec<(String, String)> {
    let refused = read(body).refused.into_iter();
    refused
        .map(|refused| (at(&refused.place), refused.reason))
        .collect()
}

/// Checks that a body is refused at one place, for a reason that says so.
fn assert_refused(body: &str, place: &str, said: &str) {
    let found = refused(body);
    let is_expected = |(found, reason): &(String, String)| found == place && reason.contains(said);
    assert!(
        found.iter().any(is_expected),
        "{place}: {said}: {found:?}\n{body}"
    );
}
