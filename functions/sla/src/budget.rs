//! `GET /sla/{name}/budget`: what is left of the error budgets, from what is kept of the evaluations.

use domain::{
    Labels, MetricName, SpanSet, Timestamp,
    budget::{Account, Budget, BudgetCalculator, EventsBudget, ObjectiveBudgets},
    sla::{AnyObjective, EventsObjective, Objective, SlaName},
};
use http_api::{ApiError, Call, Reply, Room, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{
    sla::SeriesHistory,
    slices::budgets::{CountedBudgets, GroupBudget},
};

use crate::{
    SlaManager, database,
    kind::{OfEvents, OfRange},
    name_in,
    set::missing,
};

/// The error budgets of an SLA.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Budgets {
    sla: String,
    version: u32,
    as_of: Option<Timestamp>,
    age_seconds: Option<f64>,
    /// Of each objective on each series.
    objectives: Vec<Entry>,
    /// Of each objective on all of its series together.
    rolled_up: Vec<Entry>,
    /// The `cursor` of the page after this one; null on the last.
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "BudgetEntry")]
enum Entry {
    Range(Box<RangeEntry>),
    Events(Box<EventsEntry>),
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RangeBudget")]
struct RangeEntry {
    kind: OfRange,
    objective: String,
    /// Until when its time is reckoned: its newest complete evaluation, or the time asked about if that is earlier.
    as_of: Option<Timestamp>,
    metric: String,
    /// The series'; none where several are rolled up, or there is none.
    labels: Labels,
    selector: Labels,
    /// How many series the objective has in the window.
    series: usize,
    in_exclusion: bool,
    #[serde(flatten)]
    budget: Budget,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventsBudgetEntry")]
struct EventsEntry {
    kind: OfEvents,
    objective: String,
    /// Until when its events are counted: its newest complete evaluation, or the time asked about if that is earlier.
    as_of: Option<Timestamp>,
    /// The metric that its share of bad events is.
    metric: String,
    /// The group's; none of all events together.
    labels: Labels,
    /// How many groups the objective has in the window.
    series: usize,
    in_exclusion: bool,
    #[serde(flatten)]
    budget: EventsBudget,
}

/// How far the entries were shown.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Shown {
    /// Objectives whose entries are all shown.
    objectives: usize,
    /// Entries of the one after them.
    entries: usize,
}

/// Series whose history is read at once, about.
const SERIES_AT_ONCE: usize = 800;
/// Objectives whose history is read at once, at most; at first it is not known how many series they have.
const MOST_AT_ONCE: usize = 64;
const FIRST_AT_ONCE: usize = 8;
/// A page ends with so many entries though there is room for more: somebody waits for them.
const MOST_ENTRIES: usize = 2_000;
/// Of one objective of a range.
const MOST_SERIES: usize = 100;

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let cursor = query.cursor::<Shown>();
    let asked = query.as_of();
    let only = query.objective();
    query.finish()?;
    let now = call.now;
    let (store, name) = (&manager.store, &name_in(call)?);
    let stored = store.sla(name).await.map_err(database)?;
    let sla = stored.ok_or_else(|| missing(name))?.sla;
    let pinned = asked.or(cursor.as_ref().map(|cursor| cursor.pinned));
    let newest = store.newest_evaluations(&sla, now + manager.settle);
    let newest = newest.await.map_err(database)?;
    let evaluated = |objective: &AnyObjective| {
        let newest = newest.get(objective.id().as_str()).copied()?;
        Some(pinned.map_or(newest, |pinned| newest.min(pinned)))
    };
    let versions = store.version_times(name).await.map_err(database)?;
    let excluded = store
        .excluded_time(name, call.now)
        .await
        .map_err(database)?;
    let is_asked = |objective: &AnyObjective| {
        only.as_ref()
            .is_none_or(|only| *objective.id() == only.as_str())
    };
    let mut wanted = sla.all();
    wanted.retain(is_asked);
    let as_of = wanted.iter().filter_map(evaluated).max();
    let moment = pinned.or(as_of).unwrap_or(now);
    let (mut objectives, mut rolled_up) = (Vec::new(), Vec::new());
    let mut shown = cursor.map(|cursor| cursor.after).unwrap_or_default();
    let mut room = Room::default();
    let mut at_once = FIRST_AT_ONCE;
    'page: while let Some(rest) = wanted.get(shown.objectives..)
        && !rest.is_empty()
    {
        let chunk = &rest[..at_once.min(rest.len())];
        let (mut ids, mut since) = (Vec::new(), moment);
        for objective in chunk {
            if let AnyObjective::Range(range) = objective {
                ids.push(range.id.as_str());
                since = since.min(Account::begins(
                    &range.terms(),
                    evaluated(objective).unwrap_or(moment),
                ));
            }
        }
        let histories = store.histories(name, &ids, since).await.map_err(database)?;
        for objective in chunk {
            let evaluated = evaluated(objective);
            let excluded = excluded.of(objective.id());
            let (entries, sum) = match objective {
                AnyObjective::Range(objective) => {
                    let as_of = evaluated.unwrap_or(moment);
                    let calculator = BudgetCalculator::new(&versions, as_of);
                    // Without a complete evaluation no time counts as judged.
                    let own = histories
                        .iter()
                        .filter(|history| evaluated.is_some() && history.objective == objective.id);
                    range_entries(&calculator, objective, evaluated, own, excluded)
                }
                AnyObjective::Events(objective) => {
                    let at = (excluded, moment);
                    let read = CountedBudgets::read(store, name, objective, evaluated, at);
                    let read = read.await.map_err(database)?;
                    let in_exclusion = excluded.contains(evaluated.unwrap_or(moment));
                    events_entries(name, objective, evaluated, read, in_exclusion)
                }
            };
            for entry in entries.into_iter().skip(shown.entries) {
                if objectives.len() == MOST_ENTRIES || !room.take(&entry) {
                    break 'page;
                }
                objectives.push(entry);
                shown.entries += 1;
            }
            if !room.take(&sum) {
                break 'page;
            }
            rolled_up.push(sum);
            shown = Shown {
                objectives: shown.objectives + 1,
                entries: 0,
            };
        }
        let series_each = histories.len().div_ceil(chunk.len()).max(1);
        at_once = (SERIES_AT_ONCE / series_each).clamp(1, MOST_AT_ONCE);
    }
    let is_all = shown.objectives >= wanted.len();
    reply::ok(&Budgets {
        sla: sla.name.into(),
        version: sla.version,
        as_of,
        age_seconds: as_of.map(|as_of| now.seconds_since(as_of)),
        objectives,
        rolled_up,
        next: (!is_all).then(|| query.next(moment, shown)),
    })
}

impl Entry {
    /// `labels` are the series'; none for several together.
    fn of_range(
        objective: &Objective,
        as_of: Option<Timestamp>,
        labels: Labels,
        series: usize,
        in_exclusion: bool,
        budget: Budget,
    ) -> Self {
        Self::Range(Box::new(RangeEntry {
            kind: OfRange::Range,
            objective: objective.id.to_string(),
            as_of,
            metric: objective.metric.to_string(),
            labels,
            selector: objective.labels.clone(),
            series,
            in_exclusion,
            budget,
        }))
    }
}

/// The entries of an objective, the least left first, and all of its series together.
fn range_entries<'a>(
    calculator: &BudgetCalculator,
    objective: &Objective,
    evaluated: Option<Timestamp>,
    histories: impl Iterator<Item = &'a SeriesHistory>,
    excluded: &SpanSet,
) -> (Vec<Entry>, Entry) {
    let recorded = histories.map(|history| (&history.labels, &history.versions));
    let ObjectiveBudgets {
        of_series,
        rolled_up,
    } = calculator.budgets(&objective.terms(), recorded, excluded);
    let (series, in_exclusion) = (of_series.len(), excluded.contains(calculator.as_of()));
    let entry = |labels: Labels, budget| {
        Entry::of_range(objective, evaluated, labels, series, in_exclusion, budget)
    };
    let mut entries: Vec<Entry> = of_series
        .into_iter()
        .take(MOST_SERIES)
        .map(|(labels, budget)| entry(labels.clone(), budget))
        .collect();
    if entries.is_empty() {
        entries.push(entry(Labels::default(), rolled_up.clone()));
    }
    (entries, entry(Labels::default(), rolled_up))
}

/// The entries of an objective of events, the least left first, and all of its events together.
fn events_entries(
    sla: &SlaName,
    objective: &EventsObjective,
    evaluated: Option<Timestamp>,
    read: CountedBudgets,
    in_exclusion: bool,
) -> (Vec<Entry>, Entry) {
    let series = read.groups.len();
    let metric = MetricName::of_objective(sla, &objective.id);
    let entry = |labels: Labels, budget: EventsBudget| {
        Entry::Events(Box::new(EventsEntry {
            kind: OfEvents::Events,
            objective: objective.id.to_string(),
            as_of: evaluated,
            metric: metric.to_string(),
            labels,
            series,
            in_exclusion,
            budget,
        }))
    };
    let groups = read.groups.into_iter();
    let mut entries: Vec<Entry> = groups
        .map(|GroupBudget { labels, budget, .. }| entry(labels, budget))
        .collect();
    if entries.is_empty() {
        entries.push(entry(Labels::default(), read.all.clone()));
    }
    (entries, entry(Labels::default(), read.all))
}
