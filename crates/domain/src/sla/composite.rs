use std::{ops::RangeInclusive, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Events, EventsObjective, Method, NoTraffic, ObjectiveId, UnknownTerm};

/// Several objectives of events in one budget: minute by minute their shares of bad events become one share, and a minute in
/// which every part was measured and one had events counts as one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Composite {
    /// How the parts' shares of bad events become one; default `weighted`.
    #[serde(default)]
    pub combine: Combine,
    /// The parts, 2 to 20, each objective once.
    pub parts: Vec<Part>,
}

/// How the shares of bad events of a composite's parts become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// Their mean, each counting as much as its weight.
    #[default]
    Weighted,
    /// The greatest of them.
    Worst,
}

/// A part of a composite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// The objective of events, of the same SLA, that it is.
    pub objective: ObjectiveId,
    /// How much its share counts, above 0, at most 1,000,000; default 1.
    #[serde(default = "default_weight")]
    pub weight: f64,
    /// What that objective counts.
    #[serde(default)]
    pub events: Events,
    /// Where that objective has the method `timeslices`: the share of good events from which on a minute is good. Its other
    /// minutes are all bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_target: Option<f64>,
    /// What a measured minute without events is; default `excluded`: the other parts count alone.
    #[serde(default)]
    pub no_traffic: NoTraffic,
}

pub(super) fn default_weight() -> f64 {
    1.0
}

impl FromStr for Combine {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        match text {
            "weighted" => Ok(Self::Weighted),
            "worst" => Ok(Self::Worst),
            _ => Err(UnknownTerm::new(text, "weighted, worst")),
        }
    }
}

impl Composite {
    /// How many parts one has, at least and at most.
    pub const PARTS: RangeInclusive<usize> = 2..=20;

    /// The texts that say which objectives it is made of, and how.
    pub(super) fn named(&self) -> Vec<String> {
        self.texts(|part| vec![part.objective.to_string()])
    }

    /// The texts that say what is counted.
    pub(super) fn counted(&self) -> Vec<String> {
        self.texts(|part| {
            let sums = part.events.sums();
            let mut texts: Vec<String> = sums
                .flat_map(|(name, sum)| [name.to_owned(), sum.to_owned()])
                .collect();
            texts.push(format!("{:?}", part.slice_target));
            texts.push(format!("{:?}", part.no_traffic));
            texts
        })
    }

    fn texts(&self, of: impl Fn(&Part) -> Vec<String>) -> Vec<String> {
        let mut texts = vec!["composite".to_owned(), format!("{:?}", self.combine)];
        for part in &self.parts {
            if self.combine == Combine::Weighted {
                texts.push(format!("{:?}", part.weight));
            }
            texts.extend(of(part));
        }
        texts
    }
}

impl Part {
    /// Takes what is counted from the objective that the part is.
    pub(super) fn count_as(&mut self, objective: &EventsObjective) {
        self.events = objective.events.clone();
        self.no_traffic = objective.no_traffic;
        self.slice_target = match objective.method {
            Method::Timeslices => objective.slice_target(),
            Method::Occurrences | Method::RatioTimeslices => None,
        };
    }
}
