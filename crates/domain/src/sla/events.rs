use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    About, AlertPair, BudgetWindow, Composite, Expectation, ObjectiveId, Runbook, UnknownTerm,
};
use crate::{digest::digest, series::Labels};

/// A share of events that should be good, such as requests that are answered without an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventsObjective {
    /// Unique in its SLA: given by the user, or 16 hex digits of SHA-256 over `events` and `by`; of a composite over how it
    /// combines which objectives.
    pub id: ObjectiveId,
    /// What is counted.
    pub events: Events,
    /// The labels by whose values events are counted apart, sorted; none: all together. A label that a counter lacks is
    /// the empty text.
    #[serde(default)]
    pub by: Vec<String>,
    /// The share of the events that should be good, 0 to 1, both exclusive; `None`: there is no budget.
    #[serde(default)]
    pub target: Option<f64>,
    /// The time the target is about; default 30d.
    #[serde(default)]
    pub budget_window: BudgetWindow,
    /// What the target is a share of; default `occurrences`.
    #[serde(default)]
    pub method: Method,
    /// The length of the slices that the slice methods look at; default 1m.
    #[serde(default)]
    pub slice: SliceLength,
    /// The share of good events from which on a slice is good, for `timeslices`; `None`: the target.
    #[serde(default)]
    pub slice_target: Option<f64>,
    /// What a measured slice without events is; default `excluded`.
    #[serde(default)]
    pub no_traffic: NoTraffic,
    /// How many bad events the long window of a burn-rate alert must have, at least 0; default 1, of a composite 0.
    #[serde(default = "default_min_bad")]
    pub min_bad: f64,
    /// Its burn-rate alerts; `None`: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Vec<AlertPair>>,
    /// Where it says what to do about an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<Runbook>,
    /// What is to come that somebody wants to know of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
    /// What it is, for people.
    #[serde(flatten)]
    pub about: About,
}

fn default_min_bad() -> f64 {
    1.0
}

/// Two of three sums of counters, from which the third follows; or what a composite is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    /// PromQL of the good events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<String>,
    /// PromQL of the bad events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad: Option<String>,
    /// PromQL of all events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// What a composite puts together in place of sums of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composite: Option<Box<Composite>>,
}

/// Which two of `good`, `bad` and `total` are counted, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// `good` and `bad`.
    GoodBad,
    /// `good` and `total`.
    GoodTotal,
    /// `bad` and `total`.
    BadTotal,
}

/// What a target of events is a share of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Of the events.
    #[default]
    Occurrences,
    /// Of the slices, each of which is good or not.
    Timeslices,
    /// Of the slices, each of which counts as much as its share of good events.
    RatioTimeslices,
}

/// What a slice is that was measured and in which nothing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoTraffic {
    /// Not judged.
    #[default]
    Excluded,
    /// Good; for the slice methods alone.
    Good,
    /// Bad; for the slice methods alone.
    Bad,
}

/// The length of the slices that the slice methods look at.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum SliceLength {
    /// A minute.
    #[default]
    #[serde(rename = "1m")]
    OneMinute,
    /// 5 minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// 10 minutes.
    #[serde(rename = "10m")]
    TenMinutes,
    /// A quarter of an hour.
    #[serde(rename = "15m")]
    FifteenMinutes,
    /// Half an hour.
    #[serde(rename = "30m")]
    ThirtyMinutes,
    /// An hour.
    #[serde(rename = "1h")]
    OneHour,
}

/// What an objective of events counts, 8 hex digits: slices of one definition go on across versions of an SLA.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Definition(String);

impl Definition {
    /// The 8 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is 8 hex digits.
    pub fn is_well_formed(&self) -> bool {
        self.0.len() == 8
            && self
                .0
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Events {
    /// Which two are given; `None` if it is another number. A composite counts bad and all minutes.
    pub fn given(&self) -> Option<Given> {
        if self.composite.is_some() {
            return Some(Given::BadTotal);
        }
        match (&self.good, &self.bad, &self.total) {
            (Some(_), Some(_), None) => Some(Given::GoodBad),
            (Some(_), None, Some(_)) => Some(Given::GoodTotal),
            (None, Some(_), Some(_)) => Some(Given::BadTotal),
            _ => None,
        }
    }

    /// The sums that are counted, with their names, in the order `good`, `bad`, `total`: two, or of a composite two for each
    /// part.
    pub fn counted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = self.composite.iter().flat_map(|composite| &composite.parts);
        self.sums().chain(parts.flat_map(|part| part.events.sums()))
    }

    /// The sums that are given, with their names, in the order `good`, `bad`, `total`. A composite has none of its own.
    pub fn sums(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let sums = [
            ("good", &self.good),
            ("bad", &self.bad),
            ("total", &self.total),
        ];
        sums.into_iter()
            .filter_map(|(name, sum)| Some((name, sum.as_deref()?)))
    }
}

impl EventsObjective {
    /// Counts `events` by the values of the labels `by`; everything else is at its default.
    pub fn new(events: Events, by: Vec<String>) -> Self {
        let id = ObjectiveId::of_digest(match &events.composite {
            Some(composite) => digest(composite.named()),
            None => digest(counted(&events, &by)),
        });
        let min_bad = if events.composite.is_some() {
            0.0
        } else {
            default_min_bad()
        };
        Self {
            id,
            events,
            by,
            target: None,
            budget_window: BudgetWindow::default(),
            method: Method::default(),
            slice: SliceLength::default(),
            slice_target: None,
            no_traffic: NoTraffic::default(),
            min_bad,
            alerts: None,
            runbook: None,
            expect: None,
            about: About::default(),
        }
    }

    /// From which share of good events on a slice is good; `None` without a target.
    pub fn slice_target(&self) -> Option<f64> {
        self.slice_target.or(self.target)
    }

    /// What it counts: `events`, `by`, and for the slice methods also `method`, `slice`, `slice_target` and `no_traffic`.
    pub fn definition(&self) -> Definition {
        let mut texts = counted(&self.events, &self.by);
        if self.method != Method::Occurrences {
            texts.push(format!("{:?}", self.method));
            texts.push(self.slice.name().to_owned());
            texts.push(format!("{:?}", self.slice_target()));
            texts.push(format!("{:?}", self.no_traffic));
        }
        let digest: [u8; 4] = digest(texts);
        Definition(format!("{:08x}", u32::from_be_bytes(digest)))
    }

    /// The group of a label set: the values of the labels `by`.
    pub fn group_of(&self, labels: &Labels) -> Labels {
        group_of(&self.by, labels)
    }
}

/// The values of the labels `by`; one that is missing is the empty text.
pub(crate) fn group_of(by: &[String], labels: &Labels) -> Labels {
    let value = |name: &String| labels.0.get(name).cloned().unwrap_or_default();
    by.iter().map(|name| (name.clone(), value(name))).collect()
}

/// The texts that say what is counted.
fn counted(events: &Events, by: &[String]) -> Vec<String> {
    let mut texts = Vec::new();
    for (name, sum) in events.sums() {
        texts.extend([name.to_owned(), sum.to_owned()]);
    }
    texts.extend(by.iter().cloned());
    texts.extend(
        events
            .composite
            .iter()
            .flat_map(|composite| composite.counted()),
    );
    texts
}

impl SliceLength {
    /// All of them, shortest first.
    pub const ALL: [Self; 6] = [
        Self::OneMinute,
        Self::FiveMinutes,
        Self::TenMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::OneHour,
    ];

    /// How many minutes it has.
    pub fn minutes(self) -> u32 {
        match self {
            Self::OneMinute => 1,
            Self::FiveMinutes => 5,
            Self::TenMinutes => 10,
            Self::FifteenMinutes => 15,
            Self::ThirtyMinutes => 30,
            Self::OneHour => 60,
        }
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        Duration::from_secs(60) * self.minutes()
    }

    /// Its name: `1m`, `5m`, `10m`, `15m`, `30m`, `1h`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OneMinute => "1m",
            Self::FiveMinutes => "5m",
            Self::TenMinutes => "10m",
            Self::FifteenMinutes => "15m",
            Self::ThirtyMinutes => "30m",
            Self::OneHour => "1h",
        }
    }
}

impl FromStr for SliceLength {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        Self::ALL
            .into_iter()
            .find(|slice| slice.name() == text)
            .ok_or_else(|| UnknownTerm::new(text, "1m, 5m, 10m, 15m, 30m, 1h"))
    }
}

impl FromStr for Method {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        match text {
            "occurrences" => Ok(Self::Occurrences),
            "timeslices" => Ok(Self::Timeslices),
            "ratio_timeslices" => Ok(Self::RatioTimeslices),
            _ => Err(UnknownTerm::new(
                text,
                "occurrences, timeslices, ratio_timeslices",
            )),
        }
    }
}

impl FromStr for NoTraffic {
    type Err = UnknownTerm;

    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        match text {
            "excluded" => Ok(Self::Excluded),
            "good" => Ok(Self::Good),
            "bad" => Ok(Self::Bad),
            _ => Err(UnknownTerm::new(text, "excluded, good, bad")),
        }
    }
}
