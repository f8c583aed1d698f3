//! What whoever writes an SLA may want to know: what its objectives match, and what looks like a mistake.

use std::collections::HashMap;

use domain::sla::AnyObjective;
use schemars::JsonSchema;
use serde::Serialize;
use store::sla::KnownSeries;

use crate::lint;

/// What is known of an objective.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Advice {
    /// How many series it matches now; of events, how many counters its selectors match.
    pub(crate) matches: u64,
    /// Of events: in how many groups its counters are now; null if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<u64>,
    pub(crate) warnings: Vec<Warning>,
}

/// Something that may be a mistake.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub(crate) enum Warning {
    /// No series of that metric was ever seen.
    UnknownMetric {
        detail: String,
        did_you_mean: Option<String>,
    },
    /// A counter only grows: no range holds.
    RawCounter { detail: String },
    /// A selector of events, or a query, has no series now.
    NoSeries { detail: String },
    /// What is counted is a gauge.
    Gauge { detail: String },
    /// It is not known how many counters there are.
    NotCounted { detail: String },
    /// A sum of events cannot mean what it says.
    Contradiction { detail: String },
    /// An alert that can never fire, however much is bad.
    Unreachable { detail: String },
}

/// What Prometheus' naming conventions give a counter.
const COUNTER_SUFFIXES: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];
/// Names less alike than this are not meant for one another (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;
/// Unknown metrics that are compared with all known ones.
const MOST_COMPARED: usize = 100;

/// Advice on each objective, in their order. `known` is about the ranges among them, `counted` is that on events and queries
/// by the place of the objective.
pub(crate) fn on(
    objectives: &[AnyObjective],
    known: &KnownSeries,
    mut counted: HashMap<usize, Advice>,
) -> Vec<Advice> {
    let mut nearest = HashMap::new();
    let mut matches = known.matches.iter();
    let advice = objectives.iter().enumerate().map(|(place, objective)| {
        let lints = lint::of(objective);
        let AnyObjective::Range(objective) = objective else {
            let mut advice = counted.remove(&place).unwrap_or_default();
            advice.warnings.extend(lints);
            return advice;
        };
        let matches = matches.next().copied().unwrap_or(0);
        if objective.query.is_some() {
            let mut advice = counted.remove(&place).unwrap_or_default();
            advice.warnings.extend(lints);
            return advice;
        }
        let metric = objective.metric.as_str();
        let mut warnings = lints;
        if known.metrics.binary_search_by(|name| name.as_str().cmp(metric)).is_err() {
            if nearest.len() < MOST_COMPARED {
                nearest.entry(metric).or_insert_with(|| most_alike(metric, &known.metrics));
            }
            warnings.push(Warning::UnknownMetric {
                detail: format!("no series of `{metric}` is known yet"),
                did_you_mean: nearest.get(metric).cloned().flatten(),
            });
        }
        if COUNTER_SUFFIXES.iter().any(|suffix| metric.ends_with(suffix)) {
            warnings.push(Warning::RawCounter {
                detail: format!("`{metric}` looks like a counter, which only grows: a range on its rate may be meant"),
            });
        }
        Advice { matches, groups: None, warnings }
    });
    advice.collect()
}

fn most_alike(metric: &str, known: &[String]) -> Option<String> {
    let folded = metric.to_lowercase();
    let alike = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&folded, &name.to_lowercase()), name));
    let (likeness, name) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= ALIKE).then(|| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_looks_like_a_mistake_is_told() {
        let known = KnownSeries {
            metrics: ["cpuTemp", "cpuUsage", "node_network_receive_bytes_total"]
                .map(str::to_owned)
                .into(),
            matches: vec![2, 0, 0, 1],
        };
        let metrics = [
            "cpuUsage",
            "cpuusag",
            "entirely different",
            "node_network_receive_bytes_total",
        ];
        let objectives = metrics.map(|metric| json!({"metric": metric, "max": 1}));
        let draft = domain::sla::Draft::parse(&json!({"objectives": objectives})).unwrap();
        let warnings: Vec<_> = on(&draft.objectives, &known, HashMap::new())
            .into_iter()
            .map(|advice| advice.warnings)
            .collect();
        insta::assert_json_snapshot!(warnings, @r#"
          [
            [],
            [
              {
                "warning": "unknown_metric",
                "detail": "no series of `cpuusag` is known yet",
                "did_you_mean": "cpuUsage"
              }
            ],
            [
              {
                "warning": "unknown_metric",
                "detail": "no series of `entirely different` is known yet",
                "did_you_mean": null
              }
            ],
            [
              {
                "warning": "raw_counter",
                "detail": "`node_network_receive_bytes_total` looks like a counter, which only grows: a range on its rate may be meant"
              }
            ]
          ]
        "#);
    }
}
