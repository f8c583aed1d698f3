//! `GET /sla/{name}/budget`: what is left of the error budgets, from what is kept of the evaluations.

use std::collections::HashMap;

use domain::{
    Labels, MetricName, SpanSet, Timestamp,
    budget::{Account, Budget, BudgetCalculator, EventsBudget, ObjectiveBudgets, Version},
    sla::{AnyObjective, EventsObjective, ExcludedTime, Objective, Sla, SlaName},
};
use http_api::{ApiError, Call, Reply, Room, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{
    sla::{SeriesHistory, Since},
    slices::budgets::{AskedBudgets, CountedBudgets, GroupBudget},
};

use crate::{
    SlaManager, database,
    kind::{OfEvents, OfRange},
    name_in,
    set::{changed_since, missing},
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
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Shown {
    /// The version of the SLA: another one has other objectives.
    version: u32,
    /// Objectives whose entries are all shown.
    objectives: usize,
    /// Entries of the one after them.
    entries: usize,
}

impl Shown {
    fn nothing(version: u32) -> Self {
        Self {
            version,
            objectives: 0,
            entries: 0,
        }
    }
}

/// Series whose history is read at once, about.
const SERIES_AT_ONCE: usize = 800;
/// Objectives whose history is read at once, at most; at first it is not known how many series they have.
const MOST_AT_ONCE: usize = 64;
const FIRST_AT_ONCE: usize = 8;
/// SLAs whose budgets are read together.
const SLAS_AT_ONCE: usize = 256;
/// A page ends with so many entries though there is room for more: somebody waits for them.
const MOST_ENTRIES: u32 = 2_000;
/// Of one objective of a range, where budgets of many SLAs are read.
const MOST_SERIES: usize = 100;

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let cursor = query.cursor::<Shown>();
    let asked = query.as_of();
    let only = query.objective();
    let most = query.limit_or(MOST_ENTRIES) as usize;
    query.finish()?;
    let now = call.now;
    let (store, name) = (&manager.store, &name_in(call)?);
    let stored = store.sla(name).await.map_err(database)?;
    let sla = stored.ok_or_else(|| missing(name))?.sla;
    let pinned = asked.or(cursor.as_ref().map(|cursor| cursor.pinned));
    let newest = store.newest_evaluations(&sla, now + manager.settle);
    let newest = newest.await.map_err(database)?;
    let versions = store.version_times(name).await.map_err(database)?;
    let excluded = store.excluded_time(name, now).await.map_err(database)?;
    let is_asked = |objective: &AnyObjective| {
        only.as_ref()
            .is_none_or(|only| *objective.id() == only.as_str())
    };
    let mut wanted = sla.all();
    wanted.retain(is_asked);
    let basis = Basis::new(
        &sla.name,
        &wanted,
        (pinned, now),
        newest,
        versions,
        &excluded,
    );
    let (mut objectives, mut rolled_up) = (Vec::new(), Vec::new());
    let mut shown = cursor.map_or_else(|| Shown::nothing(sla.version), |cursor| cursor.after);
    if shown.version != sla.version {
        return Err(changed_since());
    }
    let mut room = Room::default();
    let mut at_once = FIRST_AT_ONCE;
    'page: while let Some(rest) = wanted.get(shown.objectives..)
        && !rest.is_empty()
    {
        let chunk = &rest[..at_once.min(rest.len())];
        let since: Vec<Since<'_>> = chunk.iter().filter_map(|own| basis.since(own)).collect();
        let histories = store.histories_of(&since).await.map_err(database)?;
        let asked: Vec<AskedBudgets<'_>> =
            chunk.iter().filter_map(|own| basis.asked(own)).collect();
        let counted = CountedBudgets::read_all(store, &asked).await;
        let mut counted = counted.map_err(database)?.into_iter();
        for objective in chunk {
            let (entries, sum) = basis.entries(objective, &histories, &mut counted);
            for entry in entries.into_iter().skip(shown.entries) {
                if objectives.len() == most || !room.take(&entry) {
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
                ..Shown::nothing(sla.version)
            };
        }
        let series_each = histories.len().div_ceil(chunk.len()).max(1);
        at_once = (SERIES_AT_ONCE / series_each).clamp(1, MOST_AT_ONCE);
    }
    let is_all = shown.objectives >= wanted.len();
    let (as_of, moment) = (basis.as_of, basis.moment);
    reply::ok(&Budgets {
        sla: sla.name.to_string(),
        version: sla.version,
        as_of,
        age_seconds: as_of.map(|as_of| now.seconds_since(as_of)),
        objectives,
        rolled_up,
        next: (!is_all).then(|| query.next(moment, shown)),
    })
}

/// The budgets of many SLAs in force at `pinned`, or now, in their order: by few statements however many there are. Of an
/// SLA that has more objectives than an answer has entries, of those that an answer has; of an objective of a range, of the
/// series with the least left.
pub(crate) async fn read_all(
    manager: &SlaManager,
    slas: &[(&Sla, &ExcludedTime)],
    pinned: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<Budgets>, ApiError> {
    let store = &manager.store;
    let mut all = Vec::with_capacity(slas.len());
    for slas in slas.chunks(SLAS_AT_ONCE) {
        let named: Vec<&Sla> = slas.iter().map(|(sla, _)| *sla).collect();
        let newest = store.newest_evaluations_of(&named, now + manager.settle);
        let mut newest = newest.await.map_err(database)?;
        let names: Vec<&str> = named.iter().map(|sla| sla.name.as_str()).collect();
        let versions = store.version_times_of(&names).await;
        let mut versions = versions.map_err(database)?;
        let wanted: Vec<Vec<AnyObjective>> = named
            .iter()
            .map(|sla| sla.all().into_iter().take(MOST_ENTRIES as usize).collect())
            .collect();
        let basis: Vec<Basis<'_>> = slas
            .iter()
            .zip(&wanted)
            .map(|((sla, excluded), wanted)| {
                let newest = newest.remove(&sla.name).unwrap_or_default();
                let versions = versions.remove(sla.name.as_str()).unwrap_or_default();
                Basis::new(&sla.name, wanted, (pinned, now), newest, versions, excluded)
            })
            .collect();
        let each = || {
            let each = basis.iter().zip(&wanted);
            each.flat_map(|(basis, wanted)| wanted.iter().map(move |own| (basis, own)))
        };
        let since: Vec<Since<'_>> = each().filter_map(|(basis, own)| basis.since(own)).collect();
        let histories = store.histories_of(&since).await.map_err(database)?;
        let mut by_sla = HashMap::<SlaName, Vec<SeriesHistory>>::new();
        for history in histories {
            by_sla.entry(history.sla.clone()).or_default().push(history);
        }
        let asked: Vec<AskedBudgets<'_>> =
            each().filter_map(|(basis, own)| basis.asked(own)).collect();
        let counted = CountedBudgets::read_all(store, &asked).await;
        let mut counted = counted.map_err(database)?.into_iter();
        all.extend(
            named
                .iter()
                .zip(&basis)
                .zip(&wanted)
                .map(|((sla, basis), wanted)| {
                    let histories = by_sla.remove(&sla.name).unwrap_or_default();
                    let (mut objectives, mut rolled_up) = (Vec::new(), Vec::new());
                    for objective in wanted {
                        let (entries, sum) = basis.entries(objective, &histories, &mut counted);
                        let most = match objective {
                            AnyObjective::Range(_) => MOST_SERIES,
                            AnyObjective::Events(_) => usize::MAX,
                        };
                        objectives.extend(entries.into_iter().take(most));
                        rolled_up.push(sum);
                    }
                    Budgets {
                        sla: sla.name.to_string(),
                        version: sla.version,
                        as_of: basis.as_of,
                        age_seconds: basis.as_of.map(|as_of| now.seconds_since(as_of)),
                        objectives,
                        rolled_up,
                        next: None,
                    }
                }),
        );
    }
    Ok(all)
}

/// What the budgets of an SLA follow from, beside what is kept of its objectives.
struct Basis<'a> {
    sla: &'a SlaName,
    newest: HashMap<String, Timestamp>,
    versions: Vec<Version>,
    excluded: &'a ExcludedTime,
    /// The time that is asked about.
    pinned: Option<Timestamp>,
    /// The newest evaluation of the objectives that are asked about.
    as_of: Option<Timestamp>,
    /// The time that the answer is about.
    moment: Timestamp,
}

impl<'a> Basis<'a> {
    fn new(
        sla: &'a SlaName,
        wanted: &[AnyObjective],
        (pinned, now): (Option<Timestamp>, Timestamp),
        newest: HashMap<String, Timestamp>,
        versions: Vec<Version>,
        excluded: &'a ExcludedTime,
    ) -> Self {
        let mut basis = Self {
            sla,
            newest,
            versions,
            excluded,
            pinned,
            as_of: None,
            moment: now,
        };
        basis.as_of = wanted.iter().filter_map(|own| basis.evaluated(own)).max();
        basis.moment = pinned.or(basis.as_of).unwrap_or(now);
        basis
    }

    /// Until when an objective is reckoned; `None` before its first complete evaluation.
    fn evaluated(&self, objective: &AnyObjective) -> Option<Timestamp> {
        let newest = self.newest.get(objective.id().as_str()).copied()?;
        Some(self.pinned.map_or(newest, |pinned| newest.min(pinned)))
    }

    /// From when on what is kept of a range counts.
    fn since<'b>(&'b self, objective: &'b AnyObjective) -> Option<Since<'b>> {
        let AnyObjective::Range(range) = objective else {
            return None;
        };
        let until = self.evaluated(objective).unwrap_or(self.moment);
        Some(Since {
            sla: self.sla,
            objective: &range.id,
            since: Account::begins(&range.terms(), until),
        })
    }

    /// What is to be counted of events.
    fn asked<'b>(&'b self, objective: &'b AnyObjective) -> Option<AskedBudgets<'b>> {
        let AnyObjective::Events(events) = objective else {
            return None;
        };
        Some(AskedBudgets {
            sla: self.sla,
            objective: events,
            as_of: self.evaluated(objective),
            excluded: self.excluded.of(&events.id),
            moment: self.moment,
        })
    }

    /// The entries of an objective, the least left first, and all of it together. `counted`: of this objective of events and
    /// those after it.
    fn entries(
        &self,
        objective: &AnyObjective,
        histories: &[SeriesHistory],
        counted: &mut impl Iterator<Item = CountedBudgets>,
    ) -> (Vec<Entry>, Entry) {
        let evaluated = self.evaluated(objective);
        let excluded = self.excluded.of(objective.id());
        let as_of = evaluated.unwrap_or(self.moment);
        match objective {
            AnyObjective::Range(objective) => {
                let calculator = BudgetCalculator::new(&self.versions, as_of);
                // Without a complete evaluation no time counts as judged.
                let own = histories
                    .iter()
                    .filter(|history| evaluated.is_some() && history.objective == objective.id);
                range_entries(&calculator, objective, evaluated, own, excluded)
            }
            AnyObjective::Events(objective) => {
                let in_exclusion = excluded.contains(as_of);
                let nothing = || CountedBudgets::nothing(objective, excluded, self.moment);
                let read = counted.next().unwrap_or_else(nothing);
                events_entries(self.sla, objective, evaluated, read, in_exclusion)
            }
        }
    }
}

impl Budgets {
    /// As pages show them.
    pub(crate) fn shown(self) -> pages::Budgets {
        let all = |entries: Vec<Entry>| entries.into_iter().map(Entry::shown).collect();
        pages::Budgets {
            objectives: all(self.objectives),
            rolled_up: all(self.rolled_up),
        }
    }
}

impl Entry {
    fn shown(self) -> pages::Budget {
        match self {
            Self::Range(own) => pages::Budget {
                objective: own.objective,
                labels: own.labels,
                spent: pages::Spent::Time(own.budget),
            },
            Self::Events(own) => pages::Budget {
                objective: own.objective,
                labels: own.labels,
                spent: pages::Spent::Events(own.budget),
            },
        }
    }

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
