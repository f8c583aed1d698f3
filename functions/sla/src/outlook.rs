//! `GET /predict_json`: the violations to come in the next 10 minutes.

use std::{borrow::Cow, collections::HashMap};

use domain::{
    Finding, Labels, SeriesId, Timestamp,
    budget::{BudgetProbability, EventsOutlook, EventsQuestion, Exhausted},
    evaluation::{ObjectiveState, Outlook},
    forecast::HORIZON,
    score::Reliability,
    sla::{ExcludedTime, SlaName},
};
use http_api::{ApiError, Call, Reply, Room, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{
    Store, StoreError,
    pipeline::StoredEvaluation,
    score::ObjectiveScores,
    sla::{EvaluatedObjective, Worst},
    slices::budgets::{self, CountedBudgets},
};

use crate::{
    SlaManager, database,
    kind::{OfEvents, OfRange},
    reliability::{self, Reliabilities},
    standing::{NOT_EVALUATED, STALE, Standing},
    standing_groups::{self, StandingGroups, in_order},
};

/// The document.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ViolationsPrediction")]
pub(crate) struct Prediction<'a> {
    sla: &'a str,
    version: u32,
    as_of: Option<Timestamp>,
    age_seconds: Option<f64>,
    horizon_seconds: f64,
    stale: bool,
    /// Whether all objectives were evaluated at one time.
    complete: bool,
    objectives: Vec<AnyEntry<'a>>,
}

/// An objective on a series, or of a group of events.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "PredictEntry")]
enum AnyEntry<'a> {
    Events(Box<EventsEntry<'a>>),
    Range(Box<Entry<'a>>),
}

/// What is to come of a group of events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventsPrediction")]
struct EventsEntry<'a> {
    kind: OfEvents,
    objective: &'a str,
    /// The metric that its share of bad events is.
    metric: String,
    /// The group's; none of all events together.
    labels: Labels,
    as_of: Option<Timestamp>,
    state: ObjectiveState,
    /// How many groups the objective has.
    series: u64,
    firing: u64,
    no_data: u64,
    /// That a page alert fires within 10 minutes, 0 to 1: `probability_fires` by the name that objectives of ranges have.
    probability: Option<f64>,
    probability_fires: Option<f64>,
    /// Why that is not known.
    reason: Option<String>,
    /// That the budget is gone by then.
    probability_exhausted: Option<Exhausted>,
    /// Why that is not known; `too_early` in the first tenth of a calendar's period.
    probability_exhausted_reason: Option<String>,
    /// What the objective's `probability_fires` of the last day were worth, those of all groups.
    reliability: Option<Reliability>,
    reliability_reason: Option<String>,
    /// What its `probability_exhausted` were worth whose time was over in the last day.
    reliability_exhausted: ReliabilityExhausted,
}

/// What the probabilities that a budget is gone were worth; null with fewer than 5 times that it was.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ReliabilityExhausted {
    /// Of those of an hour.
    #[serde(rename = "1h")]
    in_an_hour: Option<Reliability>,
    /// Of those of 6 hours.
    #[serde(rename = "6h")]
    in_six_hours: Option<Reliability>,
    /// Of those of a day.
    #[serde(rename = "1d")]
    in_a_day: Option<Reliability>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RangePrediction")]
struct Entry<'a> {
    kind: OfRange,
    objective: &'a str,
    metric: &'a str,
    labels: Cow<'a, Labels>,
    selector: &'a Labels,
    min: Option<f64>,
    max: Option<f64>,
    for_seconds: f64,
    as_of: Option<Timestamp>,
    state: ObjectiveState,
    series: u64,
    firing: u64,
    no_data: u64,
    /// How many series have ended.
    ended: u64,
    #[serde(flatten)]
    outlook: Cow<'a, Outlook>,
    /// What the objective's probabilities of the last day were worth.
    reliability: Option<Reliability>,
    reliability_reason: Option<String>,
}

/// Why nothing is known of what probabilities were worth: the database did not say so in time.
const NOT_READ: &str = "not_read";
/// Why nothing is known of what probabilities were worth: none was scored.
const NOT_SCORED: &str = "not_scored_yet";
/// Why nothing is said of what is to come of a group: others are worse.
const NOT_AMONG_THE_WORST: &str = "not_among_the_worst";
/// Why nothing is said of groups in a list of all SLAs: it takes a question for each.
const NOT_ASKED: &str = "not_asked";
/// So many groups of an answer are looked ahead for: each takes a question to the database.
const MOST_GROUPS: usize = 50;

/// What is to come of groups.
pub(crate) type EventsOutlooks = HashMap<SeriesId, EventsOutlook>;

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let now = call.now;
    let mut standing = Standing::read(manager, call, now, Worst::Probability).await?;
    let scores = reliability::of_last_day(manager, &standing, now).await;
    let (store, name) = (&manager.store, &standing.evaluation.name);
    let excluded = if standing.evaluation.events.is_empty() {
        ExcludedTime::default()
    } else {
        store.excluded_time(name, now).await.map_err(database)?
    };
    let asked = standing_groups::asked(&standing, &excluded, now);
    let counted = CountedBudgets::read_all(store, &asked).await;
    let counted = counted.map_err(database)?;
    let groups = standing_groups::of(&standing, &excluded, now, &counted);
    let outlooks = look_ahead(store, name, &groups, &excluded, MOST_GROUPS).await;
    let outlooks = outlooks.map_err(database)?;
    let mut can_be_shorter = true;
    loop {
        let groups = standing_groups::of(&standing, &excluded, now, &counted);
        let document = document(&standing, (&groups, Some(&outlooks)), scores.as_deref());
        if !can_be_shorter || Room::default().fits(&document) {
            return reply::ok(&document);
        }
        can_be_shorter = standing.shorten();
    }
}

/// What is to come of the worst groups, of each objective at most so many.
pub(crate) async fn look_ahead(
    store: &Store,
    sla: &SlaName,
    counted: &[StandingGroups<'_>],
    excluded: &ExcludedTime,
    most_of_each: usize,
) -> Result<EventsOutlooks, StoreError> {
    let mut outlooks = EventsOutlooks::new();
    for one in counted {
        let Some(as_of) = one.as_of else { continue };
        let excluded = excluded.of(&one.objective.id);
        for group in one.groups.iter().take(most_of_each) {
            let Some(id) = group.id.filter(|_| outlooks.len() < MOST_GROUPS) else {
                continue;
            };
            let outlook = if group.state == ObjectiveState::NoData {
                EventsOutlook::unknown(group.reason.unwrap_or(NOT_EVALUATED))
            } else {
                let question = EventsQuestion::of_outlook(one.objective, as_of, excluded);
                let timeline = budgets::timeline(store, sla, one.objective, id, question, excluded);
                EventsOutlook::of(one.objective, &timeline.await?, as_of)
            };
            outlooks.insert(id, outlook);
        }
    }
    Ok(outlooks)
}

/// What is returned of an evaluation and of what the probabilities before it were worth, if that was read.
pub(crate) fn document<'a>(
    standing: &'a Standing,
    events: (&[StandingGroups<'a>], Option<&EventsOutlooks>),
    scores: Option<&Reliabilities>,
) -> Prediction<'a> {
    let evaluation = &standing.evaluation;
    let entries = |evaluated: &'a EvaluatedObjective| {
        let reliability = worth(&evaluation.name, evaluated, scores);
        entries(evaluated, standing)
            .into_iter()
            .map(move |entry| Entry {
                reliability: reliability.known().copied(),
                reliability_reason: reliability.reason().map(str::to_owned),
                ..entry
            })
    };
    Prediction {
        sla: &evaluation.name,
        version: evaluation.version,
        as_of: standing.as_of,
        age_seconds: standing.age_seconds,
        horizon_seconds: HORIZON.as_secs_f64(),
        stale: standing.stale,
        complete: evaluation.is_complete(),
        objectives: together(
            evaluation.objectives.iter().map(entries),
            events,
            |objective, about| budget_worth(&evaluation.name, objective, about, scores),
        ),
    }
}

/// The entries in the order of the objectives; of events as many as there is room for.
fn together<'a, Entries: Iterator<Item = Entry<'a>>>(
    ranges: impl Iterator<Item = Entries>,
    (counted, outlooks): (&[StandingGroups<'a>], Option<&EventsOutlooks>),
    worth: impl Fn(&str, BudgetProbability) -> Finding<Reliability>,
) -> Vec<AnyEntry<'a>> {
    let boxed = |entries: Entries| {
        let boxed = entries.map(Box::new);
        boxed.map(AnyEntry::Range).collect::<Vec<_>>()
    };
    let ranges: Vec<Vec<AnyEntry<'a>>> = ranges.map(boxed).collect();
    let mut room = Room::default();
    for entry in ranges.iter().flatten() {
        room.fits(entry);
    }
    let events = counted.iter().map(|one| {
        let reliability = worth(&one.objective.id, BudgetProbability::Fires);
        let known = |about| worth(&one.objective.id, about).known().copied();
        let reliability_exhausted = ReliabilityExhausted {
            in_an_hour: known(BudgetProbability::ExhaustedInAnHour),
            in_six_hours: known(BudgetProbability::ExhaustedInSixHours),
            in_a_day: known(BudgetProbability::ExhaustedInADay),
        };
        let entries = one.groups.iter().map(|group| {
            let found = group.id.and_then(|id| outlooks?.get(&id));
            let outlook = found.cloned().unwrap_or_else(|| {
                EventsOutlook::unknown(group.reason.unwrap_or(if outlooks.is_some() {
                    NOT_AMONG_THE_WORST
                } else {
                    NOT_ASKED
                }))
            });
            let fires = outlook.fires.known().copied();
            AnyEntry::Events(Box::new(EventsEntry {
                kind: OfEvents::Events,
                objective: &one.objective.id,
                metric: one.metric.to_string(),
                labels: group.labels.clone(),
                as_of: one.as_of,
                state: group.state,
                series: one.series,
                firing: one.firing,
                no_data: one.no_data,
                probability: fires,
                probability_fires: fires,
                reason: outlook.fires.reason().map(str::to_owned),
                probability_exhausted: outlook.exhausted.known().copied(),
                probability_exhausted_reason: outlook.exhausted.reason().map(str::to_owned),
                reliability: reliability.known().copied(),
                reliability_reason: reliability.reason().map(str::to_owned),
                reliability_exhausted,
            }))
        });
        let fitting = entries.take_while(|entry| room.fits(entry)).collect();
        (one.place, fitting)
    });
    let events = events.collect();
    in_order(ranges, events)
}

fn worth(
    sla: &str,
    evaluated: &EvaluatedObjective,
    scores: Option<&Reliabilities>,
) -> Finding<Reliability> {
    let Some(scores) = scores else {
        return Finding::unknown(NOT_READ);
    };
    let key = (sla.to_owned(), evaluated.objective.id.to_string());
    reliability_of(scores.ranges.get(&key))
}

fn budget_worth(
    sla: &str,
    objective: &str,
    about: BudgetProbability,
    scores: Option<&Reliabilities>,
) -> Finding<Reliability> {
    let Some(scores) = scores else {
        return Finding::unknown(NOT_READ);
    };
    let key = (sla.to_owned(), objective.to_owned(), about);
    reliability_of(scores.budgets.get(&key))
}

fn reliability_of(scores: Option<&ObjectiveScores>) -> Finding<Reliability> {
    match scores {
        Some(scores) if scores.scored > 0 => scores.reliability(),
        _ => Finding::unknown(NOT_SCORED),
    }
}

/// The entries of one objective: one, if it was not evaluated yet.
fn entries<'a>(evaluated: &'a EvaluatedObjective, standing: &Standing) -> Vec<Entry<'a>> {
    if evaluated.entries.is_empty() {
        return vec![bare(evaluated)];
    }
    evaluated
        .entries
        .iter()
        .map(|entry| shown(evaluated, entry, standing))
        .collect()
}

fn shown<'a>(
    evaluated: &'a EvaluatedObjective,
    entry: &'a StoredEvaluation,
    standing: &Standing,
) -> Entry<'a> {
    let document = &entry.document;
    let shown = Entry {
        labels: document
            .series
            .as_ref()
            .map_or(Cow::Owned(Labels::default()), |series| {
                Cow::Borrowed(&series.labels)
            }),
        as_of: Some(document.as_of),
        state: document.state,
        outlook: Cow::Borrowed(&document.outlook),
        ..bare(evaluated)
    };
    if standing.is_stale(evaluated) {
        Entry {
            state: ObjectiveState::NoData,
            outlook: Cow::Owned(Outlook::unavailable(STALE)),
            firing: 0,
            no_data: shown.series,
            ended: 0,
            ..shown
        }
    } else {
        shown
    }
}

fn bare(evaluated: &EvaluatedObjective) -> Entry<'_> {
    let objective = &evaluated.objective;
    Entry {
        kind: OfRange::Range,
        objective: &objective.id,
        metric: &objective.metric,
        labels: Cow::Owned(Labels::default()),
        selector: &objective.labels,
        min: objective.min,
        max: objective.max,
        for_seconds: objective.hold.as_secs_f64(),
        as_of: None,
        state: ObjectiveState::NoData,
        series: evaluated.series,
        firing: evaluated.firing,
        no_data: evaluated.no_data,
        ended: evaluated.ended,
        outlook: Cow::Owned(Outlook::unavailable(NOT_EVALUATED)),
        reliability: None,
        reliability_reason: None,
    }
}
