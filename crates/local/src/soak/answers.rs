//! What the system answered, in the order in which it was read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::time::sleep;

use super::load::SLA;

/// One answer of `/check_json`, as far as it is compared: each objective's evaluations, by their time, each as the labels
/// and states of its series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) as_of: Option<String>,
    pub(super) objectives: BTreeMap<String, BTreeMap<String, BTreeSet<Entry>>>,
}

/// A series of an objective.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) labels: String,
    pub(super) state: String,
}

/// What is too old to be said is said to be so, whatever the run found.
const STALE: &str = "stale";
/// What a silent series is depends on the others: that it is silent is compared.
pub(super) const SILENT: &str = "silent";

/// Reads until it is over. An error is no answer, and no fault: the system is being broken.
pub(super) async fn read(http: String, over: Arc<AtomicBool>) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    let Ok(client) = http_client::direct()
        .timeout(Duration::from_secs(35))
        .build()
    else {
        return answers;
    };
    let url = format!("{http}/check_json?sla={SLA}");
    while !over.load(Ordering::Relaxed) {
        if let Ok(answer) = client.get(&url).send().await
            && answer.status().is_success()
            && let Ok(document) = answer.json::<Value>().await
        {
            let answer = parsed(&document);
            if answers.last() != Some(&answer) {
                answers.push(answer);
            }
        }
        sleep(Duration::from_millis(200)).await;
    }
    answers
}

fn parsed(document: &Value) -> Answer {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut answer = Answer {
        as_of: document["as_of"].as_str().map(str::to_owned),
        ..Answer::default()
    };
    for entry in document["objectives"].as_array().into_iter().flatten() {
        // Counts of events have no series to miss; they are compared as budgets.
        if entry["kind"] == "events" {
            continue;
        }
        let Some(as_of) = entry["as_of"].as_str() else {
            continue;
        };
        let is_stale = entry["reason"] == STALE;
        let evaluations = answer
            .objectives
            .entry(text(&entry["objective"]))
            .or_default();
        evaluations
            .entry(as_of.to_owned())
            .or_default()
            .insert(Entry {
                labels: entry["labels"].to_string(),
                state: if is_stale {
                    STALE.to_owned()
                } else if entry["silent_since"].is_string() {
                    SILENT.to_owned()
                } else {
                    text(&entry["state"])
                },
            });
    }
    answer
}

impl Entry {
    /// Whether it says what was published, or that it is too old to be said.
    pub(super) fn agrees(&self, published: &Self) -> bool {
        self.labels == published.labels && (self.state == published.state || self.state == STALE)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_its_evaluations() {
        let entry = |labels: Value, state: &str| json!({"objective": "a", "as_of": "t", "labels": labels, "state": state});
        let document = json!({"as_of": "t", "objectives": [
            entry(json!({"n": "1"}), "ok"),
            entry(json!({"n": "2"}), "firing"),
            {"objective": "a", "as_of": "t", "labels": {}, "state": "ended", "silent_since": "s"},
            {"objective": "b", "as_of": null, "labels": {}, "state": "no_data"},
        ]});
        let answer = parsed(&document);
        assert_eq!(answer.as_of.as_deref(), Some("t"));
        assert_eq!(answer.objectives.len(), 1);
        let states = answer.objectives["a"]["t"].iter();
        let states: Vec<_> = states.map(|entry| &*entry.state).collect();
        assert_eq!(states, ["ok", "firing", SILENT]);
    }
}
