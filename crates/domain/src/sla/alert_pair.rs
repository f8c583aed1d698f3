//! When an objective wants somebody to be woken: multiwindow, multi-burn-rate alerts (Beyer et al., *The Site Reliability
//! Workbook*, 2018, chapter 5), and the pair of 1d and 2h that Sloth adds to them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Severity, objective::written_duration};
use crate::series::Labels;

/// A long and a short window that both have to burn faster than a factor: the long one says that it matters, the short one
/// that it still goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertPair {
    /// The long window, in whole minutes.
    #[serde(with = "written_duration")]
    #[schemars(with = "String")]
    pub long: Duration,
    /// The short window, in whole minutes, not longer than the long one.
    #[serde(with = "written_duration")]
    #[schemars(with = "String")]
    pub short: Duration,
    /// How fast is too fast.
    #[serde(flatten)]
    pub pace: Pace,
    /// How urgent it is; default `page`.
    #[serde(default)]
    pub severity: Severity,
    /// What the alert is called in place of the usual name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels that the alert has beside its own.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub labels: Labels,
    /// Annotations that the alert has beside its own.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub annotations: Labels,
}

/// How fast a budget is spent too fast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// So many times faster than it lasts, greater than 0.
    Factor(f64),
    /// So fast that this share of it, greater than 0, is gone after the long window.
    BudgetShare(f64),
}

fn is_empty(labels: &Labels) -> bool {
    labels.0.is_empty()
}

impl Pace {
    /// How many times faster than it lasts a budget of `length` is spent at that pace, over `long`.
    pub fn factor(self, long: Duration, length: Duration) -> f64 {
        match self {
            Self::Factor(factor) => factor,
            Self::BudgetShare(share) => share * length.as_secs_f64() / long.as_secs_f64(),
        }
    }

    /// The share of a budget of `length` that is gone after `long` at that pace.
    pub fn budget_share(self, long: Duration, length: Duration) -> f64 {
        match self {
            Self::Factor(factor) => factor * long.as_secs_f64() / length.as_secs_f64(),
            Self::BudgetShare(share) => share,
        }
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Those of an objective that brings none, the most urgent first: long, short, factor, severity.
const DEFAULT: [(u64, u64, f64, Severity); 4] = [
    (HOUR, 5 * MINUTE, 14.4, Severity::Page),
    (6 * HOUR, 30 * MINUTE, 6.0, Severity::Page),
    (24 * HOUR, 2 * HOUR, 3.0, Severity::Ticket),
    (72 * HOUR, 6 * HOUR, 1.0, Severity::Ticket),
];

impl AlertPair {
    /// The shortest window.
    pub const SHORTEST_WINDOW: Duration = Duration::from_secs(60);
    /// The longest window.
    pub const LONGEST_WINDOW: Duration = Duration::from_secs(365 * 86_400);
    /// The most bytes of its name, and of the name of a label or an annotation.
    pub const LONGEST_NAME: usize = 255;
    /// The most labels, and the most annotations.
    pub const MOST_LABELS: usize = 20;
    /// The most bytes of a label or an annotation.
    pub const LONGEST_LABEL: usize = 4096;

    /// The pairs of an objective that brings none, the most urgent first.
    pub fn default_pairs() -> Vec<Self> {
        let pairs = DEFAULT.iter();
        let pair = |(long, short, factor, severity): &(u64, u64, f64, Severity)| Self {
            long: Duration::from_secs(*long),
            short: Duration::from_secs(*short),
            pace: Pace::Factor(*factor),
            severity: *severity,
            name: None,
            labels: Labels::default(),
            annotations: Labels::default(),
        };
        pairs.map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_budget_is_a_factor() {
        let (hour, month) = (
            Duration::from_secs(HOUR),
            Duration::from_secs(30 * 24 * HOUR),
        );
        let factor = Pace::BudgetShare(0.02).factor(hour, month);
        assert!((factor - 14.4).abs() < 1e-12, "{factor}");
        let share = Pace::Factor(14.4).budget_share(hour, month);
        assert!((share - 0.02).abs() < 1e-15, "{share}");
    }

    #[test]
    fn a_pair_is_read_back_as_it_was_written() {
        for pace in [Pace::Factor(14.4), Pace::BudgetShare(0.1)] {
            let pair = AlertPair {
                pace,
                name: Some("Fast".to_owned()),
                labels: [("team", "web")].into_iter().collect(),
                ..AlertPair::default_pairs().remove(0)
            };
            let text = serde_json::to_string(&pair).unwrap();
            assert_eq!(
                serde_json::from_str::<AlertPair>(&text).unwrap(),
                pair,
                "{text}"
            );
        }
    }
}
