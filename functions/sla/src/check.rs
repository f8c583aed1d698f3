//! `GET /check_json`: how an SLA stands and what happened in the last 1h, 3h and 12h.

use std::borrow::Cow;

use domain::{
    Labels, SeriesId, Span, SpanSet, Timestamp, Window,
    evaluation::{Episode, ObjectiveState, WindowsLeft},
    sla::ExcludedTime,
};
use http_api::{ApiError, Call, Reply, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{
    Store, StoreError,
    pipeline::StoredEvaluation,
    sla::{EvaluatedObjective, Evaluation, ViolationSpans, Worst},
};

use crate::{
    SlaManager, database,
    standing::{NOT_EVALUATED, STALE, Standing},
    violations::Told,
};

/// The document.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Check<'a> {
    sla: &'a str,
    version: u32,
    as_of: Option<Timestamp>,
    age_seconds: Option<f64>,
    stale: bool,
    /// Whether all objectives were evaluated at one time.
    complete: bool,
    state: State,
    objectives: Vec<Entry<'a>>,
}

/// How an SLA stands.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum State {
    Worst(ObjectiveState),
    Stale(&'static str),
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CheckEntry")]
struct Entry<'a> {
    objective: &'a str,
    metric: &'a str,
    labels: Cow<'a, Labels>,
    selector: &'a Labels,
    min: Option<f64>,
    max: Option<f64>,
    for_seconds: f64,
    as_of: Option<Timestamp>,
    state: ObjectiveState,
    reason: Option<&'a str>,
    series: u64,
    firing: u64,
    no_data: u64,
    /// How many series have ended.
    ended: u64,
    /// Since when the series is silent: it keeps its state, or has ended, or has no data.
    silent_since: Option<Timestamp>,
    in_exclusion: bool,
    windows: Option<WindowsLeft>,
    episodes: Vec<Told<'a>>,
    episodes_total: u64,
}

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let now = call.now;
    let standing = Standing::read(manager, call, now, Worst::State).await?;
    let store = &manager.store;
    let excluded = store.excluded_time(&standing.evaluation.name).await;
    let excluded = excluded.map_err(database)?;
    reply::ok(&document(&standing, &excluded, store, now).await?)
}

/// What is told of an evaluation; where time is excluded, violations that it does not tell are read.
pub(crate) async fn document<'a>(
    standing: &'a Standing,
    excluded: &ExcludedTime,
    store: &Store,
    now: Timestamp,
) -> Result<Check<'a>, ApiError> {
    let evaluation = &standing.evaluation;
    let moment = standing.as_of.unwrap_or(now);
    let stored = stored_violations(evaluation, excluded, store).await;
    let stored = stored.map_err(database)?;
    let mut objectives = Vec::new();
    for evaluated in &evaluation.objectives {
        let excluded = excluded.of(&evaluated.objective.id);
        if evaluated.entries.is_empty() {
            objectives.push(Entry {
                in_exclusion: excluded.contains(moment),
                ..bare(evaluated)
            });
        }
        // What was known too long ago says nothing of how the objective stands now.
        let is_stale = standing.is_stale(evaluated);
        for entry in &evaluated.entries {
            let violations = violations(entry, excluded, &stored);
            let shown = shown(evaluated, entry, excluded, &violations);
            objectives.push(if is_stale { shown.stale() } else { shown });
        }
    }
    let worst = objectives
        .iter()
        .map(|entry| entry.state)
        .filter(|state| *state != ObjectiveState::Ended)
        .max()
        .unwrap_or(ObjectiveState::NoData);
    Ok(Check {
        sla: &evaluation.name,
        version: evaluation.version,
        as_of: standing.as_of,
        age_seconds: standing.age_seconds,
        stale: standing.stale,
        complete: evaluation.is_complete(),
        state: if standing.stale {
            State::Stale(STALE)
        } else {
            State::Worst(worst)
        },
        objectives,
    })
}

/// The violations that end in the last 12 h, as far as it matters what is excluded of them: those the entry lists, or
/// those that are `stored` where it does not list all.
fn violations(entry: &StoredEvaluation, excluded: &SpanSet, stored: &ViolationSpans) -> Vec<Span> {
    let document = &entry.document;
    let stored = series_cut(entry, excluded).and_then(|series| {
        let key = (document.objective.id.clone(), series, document.version);
        stored.get(&key)
    });
    let Some(stored) = stored else {
        return document.episodes.iter().map(Episode::span).collect();
    };
    let twelve_hours = last_12_hours(document.as_of);
    // Later evaluations may know of more, and others in the answer may be older.
    let of_then = |span: &&Span| span.start <= twelve_hours.end && span.end > twelve_hours.start;
    stored.iter().filter(of_then).copied().collect()
}

/// The series of an entry that lists the newest of its violations alone, while time of the last 12 h is excluded.
fn series_cut(entry: &StoredEvaluation, excluded: &SpanSet) -> Option<SeriesId> {
    let document = &entry.document;
    let is_cut = entry.episodes_total > document.episodes.len() as u64;
    let is_touched = || {
        let length = excluded.length_within(last_12_hours(document.as_of));
        !length.is_zero()
    };
    let series = document.series.as_ref().map(|series| series.series);
    series.filter(|_| is_cut && is_touched())
}

fn last_12_hours(as_of: Timestamp) -> Span {
    Span {
        start: as_of - Window::TwelveHours.length(),
        end: as_of,
    }
}

/// The stored violations of the objectives that have an entry of [`series_cut`], all at once.
async fn stored_violations(
    evaluation: &Evaluation,
    excluded: &ExcludedTime,
    store: &Store,
) -> Result<ViolationSpans, StoreError> {
    let (mut objectives, mut since) = (Vec::new(), Timestamp::MAX);
    for evaluated in &evaluation.objectives {
        let excluded = excluded.of(&evaluated.objective.id);
        let cut = |entry: &&StoredEvaluation| series_cut(entry, excluded).is_some();
        let oldest = evaluated.entries.iter().filter(cut);
        if let Some(oldest) = oldest.map(|entry| entry.document.as_of).min() {
            objectives.push(evaluated.objective.id.as_str());
            since = since.min(last_12_hours(oldest).start);
        }
    }
    store
        .violation_spans(&evaluation.name, &objectives, since)
        .await
}

impl Entry<'_> {
    /// The entry of an objective whose newest complete evaluation is too old.
    fn stale(self) -> Self {
        Self {
            state: ObjectiveState::NoData,
            reason: Some(STALE),
            firing: 0,
            no_data: self.series,
            ended: 0,
            silent_since: None,
            ..self
        }
    }
}

fn shown<'a>(
    evaluated: &'a EvaluatedObjective,
    entry: &'a StoredEvaluation,
    excluded: &SpanSet,
    violations: &[Span],
) -> Entry<'a> {
    let document = &entry.document;
    Entry {
        labels: document
            .series
            .as_ref()
            .map_or(Cow::Owned(Labels::default()), |series| {
                Cow::Borrowed(&series.labels)
            }),
        as_of: Some(document.as_of),
        state: document.state,
        reason: document.reason.as_deref(),
        silent_since: document.silence.map(|silence| silence.since),
        in_exclusion: excluded.contains(document.as_of),
        windows: document
            .windows
            .map(|windows| windows.without(excluded, violations, document.as_of)),
        episodes: document
            .episodes
            .iter()
            .rev()
            .map(|episode| Told::of(episode, excluded))
            .collect(),
        episodes_total: entry.episodes_total,
        ..bare(evaluated)
    }
}

fn bare(evaluated: &EvaluatedObjective) -> Entry<'_> {
    let objective = &evaluated.objective;
    Entry {
        objective: &objective.id,
        metric: &objective.metric,
        labels: Cow::Owned(Labels::default()),
        selector: &objective.labels,
        min: objective.min,
        max: objective.max,
        for_seconds: objective.hold.as_secs_f64(),
        as_of: None,
        state: ObjectiveState::NoData,
        reason: Some(NOT_EVALUATED),
        series: evaluated.series,
        firing: evaluated.firing,
        no_data: evaluated.no_data,
        ended: evaluated.ended,
        silent_since: None,
        in_exclusion: false,
        windows: None,
        episodes: Vec::new(),
        episodes_total: 0,
    }
}
