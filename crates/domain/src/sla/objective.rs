use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    About, AlertPair, BudgetWindow, EventsObjective, Expectation, Missing, ObjectiveId, Runbook,
    SeriesEnd, Severity, SlaName, Terms,
};
use crate::{
    digest::digest,
    series::{Labels, MetricName},
    time::duration,
};

/// A range that the series of one metric, or of a query, which carry given labels should keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// Unique in its SLA: given by the user, or 16 hex digits of SHA-256 over metric or query, labels, min, max and `for`.
    pub id: ObjectiveId,
    /// What its series are called: the metric's name, or `SLA/OBJECTIVE` where there is a query.
    pub metric: MetricName,
    /// What its series are, where they are not those of a metric of `metrics.toml`.
    #[serde(flatten)]
    pub query: Option<SampledQuery>,
    /// Exact matches, a subset of the series' labels.
    pub labels: Labels,
    /// The smallest value in range, inclusive; `None`: no lower bound.
    pub min: Option<f64>,
    /// The greatest value in range, inclusive; `None`: no upper bound.
    pub max: Option<f64>,
    /// How long a value must be out of range to violate, 0 to 1 h; default 0.
    #[serde(rename = "for", with = "written_duration")]
    #[schemars(with = "String")]
    pub hold: Duration,
    /// The share of the time that should be good, 0 to 1, both exclusive; `None`: there is no budget.
    #[serde(default)]
    pub target: Option<f64>,
    /// The time the target is about; default 30d.
    #[serde(default)]
    pub budget_window: BudgetWindow,
    /// What the time without a sample is for the budget; default `excluded`.
    #[serde(default)]
    pub missing: Missing,
    /// Its burn-rate alerts; `None`: the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Vec<AlertPair>>,
    /// How urgent a violation is; default `page`, which is left out.
    #[serde(default, skip_serializing_if = "Severity::is_page")]
    pub severity: Severity,
    /// Where it says what to do about a violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<Runbook>,
    /// What is to come that somebody wants to know of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
    /// How long a series that fell silent out of range keeps its state while another series of the objective stands,
    /// 0 to 12 h; default 15m.
    #[serde(
        rename = "hold",
        default = "default_silence",
        with = "written_duration"
    )]
    #[schemars(with = "String")]
    pub silence: Duration,
    /// What a series is that falls silent while another one stands; default `ended`.
    #[serde(default)]
    pub series_end: SeriesEnd,
    /// What it is, for people.
    #[serde(flatten)]
    pub about: About,
}

/// PromQL of an objective's own, and how often it is sampled.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct SampledQuery {
    /// PromQL, up to 4,096 bytes.
    #[serde(rename = "query")]
    pub text: String,
    /// It is sampled at the multiples of this since the Unix epoch, 1 s to 5 m; default 1m.
    #[serde(default = "default_step", with = "written_duration")]
    #[schemars(with = "String")]
    pub step: Duration,
}

/// The `step` of a query that was given none.
pub(super) const DEFAULT_STEP: Duration = Duration::from_secs(60);

fn default_step() -> Duration {
    DEFAULT_STEP
}

/// The `hold` of an objective that was given none.
pub(super) const DEFAULT_SILENCE: Duration = Duration::from_secs(15 * 60);

fn default_silence() -> Duration {
    DEFAULT_SILENCE
}

/// A version of an SLA as etl evaluates it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sla {
    /// Its name.
    pub name: SlaName,
    /// The version, from 1; versions of a name never restart.
    pub version: u32,
    /// The objectives of ranges, in the order given.
    pub objectives: Vec<Objective>,
    /// The objectives of events, in the order given, each with its place among all objectives, from 0.
    #[serde(default)]
    pub events: Vec<(usize, EventsObjective)>,
}

/// An objective of either kind. As JSON it is that of its kind: the field `events` makes the difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AnyObjective {
    /// A share of events that should be good.
    Events(EventsObjective),
    /// A range that series should keep.
    Range(Objective),
}

impl From<Objective> for AnyObjective {
    fn from(objective: Objective) -> Self {
        Self::Range(objective)
    }
}

impl From<EventsObjective> for AnyObjective {
    fn from(objective: EventsObjective) -> Self {
        Self::Events(objective)
    }
}

impl AnyObjective {
    /// Its id.
    pub fn id(&self) -> &ObjectiveId {
        match self {
            Self::Events(objective) => &objective.id,
            Self::Range(objective) => &objective.id,
        }
    }

    /// Makes it one of the SLA `sla`: the series of a query are called after it.
    pub fn belongs_to(&mut self, sla: &SlaName) {
        if let Self::Range(objective) = self {
            objective.belongs_to(sla);
        }
    }

    /// The query of a range.
    pub fn query(&self) -> Option<&SampledQuery> {
        match self {
            Self::Events(_) => None,
            Self::Range(objective) => objective.query.as_ref(),
        }
    }

    /// What it is, for people.
    pub fn about(&self) -> &About {
        match self {
            Self::Events(objective) => &objective.about,
            Self::Range(objective) => &objective.about,
        }
    }

    /// The metric of a range.
    pub fn metric(&self) -> Option<&MetricName> {
        match self {
            Self::Events(_) => None,
            Self::Range(objective) => Some(&objective.metric),
        }
    }
}

impl Sla {
    /// The SLA of these objectives, in the order given.
    pub fn new(name: SlaName, version: u32, objectives: Vec<AnyObjective>) -> Self {
        let mut sla = Self {
            name,
            version,
            objectives: Vec::new(),
            events: Vec::new(),
        };
        for objective in objectives {
            sla.push(objective);
        }
        sla
    }

    /// Adds an objective after all others.
    pub fn push(&mut self, objective: AnyObjective) {
        match objective {
            AnyObjective::Events(objective) => {
                let place = self.objectives.len() + self.events.len();
                self.events.push((place, objective));
            }
            AnyObjective::Range(objective) => self.objectives.push(objective),
        }
    }

    /// All objectives, in the order given.
    pub fn all(&self) -> Vec<AnyObjective> {
        let mut ranges = self.objectives.iter().cloned().map(AnyObjective::Range);
        let mut all = Vec::with_capacity(self.objectives.len() + self.events.len());
        for (place, objective) in &self.events {
            all.extend(ranges.by_ref().take(place.saturating_sub(all.len())));
            all.push(AnyObjective::Events(objective.clone()));
        }
        all.extend(ranges);
        all
    }
}

impl Objective {
    /// A range without a target, its id the default one.
    pub fn new(
        metric: MetricName,
        labels: Labels,
        (min, max): (Option<f64>, Option<f64>),
        hold: Duration,
    ) -> Self {
        let id = default_id(&[&metric], &labels, (min, max), hold);
        Self {
            id,
            metric,
            query: None,
            labels,
            min,
            max,
            hold,
            target: None,
            budget_window: BudgetWindow::default(),
            missing: Missing::default(),
            alerts: None,
            severity: Severity::default(),
            runbook: None,
            expect: None,
            silence: DEFAULT_SILENCE,
            series_end: SeriesEnd::default(),
            about: About::default(),
        }
    }

    /// A range on the series of a query, as an objective of the SLA `sla`; without an id that is given, it has the default
    /// one.
    pub fn on_query(
        sla: &SlaName,
        id: Option<ObjectiveId>,
        query: SampledQuery,
        labels: Labels,
        (min, max): (Option<f64>, Option<f64>),
        hold: Duration,
    ) -> Self {
        let step = duration::format(query.step);
        let subject = ["query", &query.text, &step];
        let id = id.unwrap_or_else(|| default_id(&subject, &labels, (min, max), hold));
        let metric = MetricName::of_objective(sla, &id);
        Self {
            id,
            query: Some(query),
            ..Self::new(metric, labels, (min, max), hold)
        }
    }

    /// Makes it one of the SLA `sla`: the series of a query are called after it.
    pub fn belongs_to(&mut self, sla: &SlaName) {
        if self.query.is_some() {
            self.metric = MetricName::of_objective(sla, &self.id);
        }
    }

    /// What its budget is.
    pub fn terms(&self) -> Terms {
        Terms {
            target: self.target,
            window: self.budget_window,
            missing: self.missing,
            alerts: self.alerts.clone(),
            ending: self.ending(),
        }
    }

    /// For how long a series that fell silent out of range keeps its state before it has ended; `None` where no series
    /// ever ends.
    pub fn ending(&self) -> Option<Duration> {
        (self.series_end == SeriesEnd::Ended).then_some(self.silence)
    }
}

/// The id of an objective that was given none: 16 hex digits of SHA-256 over metric (or `query`, the query and its step),
/// labels, min, max and `for`, each length-prefixed (64 bit, big endian), the labels preceded by their number.
fn default_id(
    subject: &[&str],
    Labels(labels): &Labels,
    (min, max): (Option<f64>, Option<f64>),
    hold: Duration,
) -> ObjectiveId {
    let bound =
        |bound: Option<f64>| bound.map_or(String::new(), |bound| format!("{:?}", bound + 0.0));
    let pairs = labels.iter().flat_map(|(name, value)| [name, value]);
    let texts = subject
        .iter()
        .map(|text| (*text).to_owned())
        .chain([labels.len().to_string()])
        .chain(pairs.cloned())
        .chain([bound(min), bound(max), duration::format(hold)]);
    ObjectiveId::of_digest(digest(texts))
}

pub(super) mod written_duration {
    use serde::{Deserializer, Serializer, de::Error as _};

    use super::*;

    pub(in crate::sla) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration::format(*duration))
    }

    pub(in crate::sla) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        duration::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The same where there may be none.
pub(super) mod written_duration_or_none {
    use serde::{Deserializer, Serializer, de::Error as _};

    use super::*;

    pub(in crate::sla) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(duration::format).serialize(serializer)
    }

    pub(in crate::sla) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parsed = text.map(|text| duration::parse(&text));
        parsed.transpose().map_err(D::Error::custom)
    }
}
