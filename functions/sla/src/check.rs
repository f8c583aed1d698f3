//! `GET /check_json`: how an SLA stands and what happened in the last 1h, 3h and 12h.

use std::borrow::Cow;

use domain::{
    Labels, SeriesId, Span, SpanSet, Timestamp, Window,
    budget::Alert,
    evaluation::{Episode, ObjectiveState, WindowsLeft},
    sla::ExcludedTime,
};
use http_api::{ApiError, Call, Reply, Room, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{
    Store,
    pipeline::StoredEvaluation,
    sla::{EvaluatedObjective, Evaluation, Since, ViolationSpans, Worst},
};

use crate::{
    SlaManager, database,
    kind::{OfEvents, OfRange},
    standing::{NOT_EVALUATED, STALE, Standing},
    standing_groups::{self, StandingGroups, in_order},
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
    objectives: Vec<AnyEntry<'a>>,
}

/// An objective on a series, or of a group of events.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "CheckEntry")]
enum AnyEntry<'a> {
    Events(EventsEntry<'a>),
    Range(Box<Entry<'a>>),
}

/// How an SLA stands.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum State {
    Worst(ObjectiveState),
    Stale(&'static str),
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RangeCheck")]
struct Entry<'a> {
    kind: OfRange,
    objective: &'a str,
    metric: &'a str,
    /// The unit of its values.
    unit: Option<&'a str>,
    /// The series' id; null if none matches.
    series_id: Option<SeriesId>,
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

/// How a group of events stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventsCheck")]
struct EventsEntry<'a> {
    kind: OfEvents,
    objective: &'a str,
    /// The metric that its share of bad events is.
    metric: String,
    /// The group's; none of all events together.
    labels: Labels,
    as_of: Option<Timestamp>,
    /// Firing if a burn-rate alert of severity page fires, pending if another does, no data if no counter stood in the
    /// last 5 minutes.
    state: ObjectiveState,
    reason: Option<&'a str>,
    /// How many groups the objective has.
    series: u64,
    firing: u64,
    no_data: u64,
    in_exclusion: bool,
    /// The burn-rate alerts that fire.
    alerts: Vec<Alert>,
}

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let now = call.now;
    let mut standing = Standing::read(manager, call, now, Worst::State).await?;
    let store = &manager.store;
    let excluded = store.excluded_time(&standing.evaluation.name, now).await;
    let excluded = excluded.map_err(database)?;
    let mut can_be_shorter = true;
    loop {
        let document = document(&standing, &excluded, store, now).await?;
        if !can_be_shorter || Room::default().fits(&document) {
            return reply::ok(&document);
        }
        // Nothing is read again before it is short enough without that, which hardly changes its length.
        let fits = |standing: &Standing| {
            let document = of(standing, &excluded, now, &ViolationSpans::default(), &[]);
            Room::default().fits(&document)
        };
        can_be_shorter = standing.shorten();
        while can_be_shorter && !fits(&standing) {
            can_be_shorter = standing.shorten();
        }
    }
}

/// The document about an evaluation; where time is excluded, violations that it does not list are read.
pub(crate) async fn document<'a>(
    standing: &'a Standing,
    excluded: &ExcludedTime,
    store: &Store,
    now: Timestamp,
) -> Result<Check<'a>, ApiError> {
    let cut = cut(&standing.evaluation, excluded);
    let stored = store.violation_spans(&cut).await.map_err(database)?;
    let counted = standing_groups::read(standing, excluded, store, now).await;
    let counted = counted.map_err(database)?;
    Ok(of(standing, excluded, now, &stored, &counted))
}

/// The document about an evaluation, by the `stored` violations of what [`cut`] names, and what was `counted` of events.
pub(crate) fn of<'a>(
    standing: &'a Standing,
    excluded: &ExcludedTime,
    now: Timestamp,
    stored: &ViolationSpans,
    counted: &[StandingGroups<'a>],
) -> Check<'a> {
    let evaluation = &standing.evaluation;
    let moment = standing.as_of.unwrap_or(now);
    let mut objectives = Vec::new();
    for evaluated in &evaluation.objectives {
        let excluded = excluded.of(&evaluated.objective.id);
        let mut entries = Vec::new();
        if evaluated.entries.is_empty() {
            entries.push(Entry {
                in_exclusion: excluded.contains(moment),
                ..bare(evaluated)
            });
        }
        // What was known too long ago says nothing of how the objective stands now.
        let is_stale = standing.is_stale(evaluated);
        for entry in &evaluated.entries {
            let violations = violations(entry, excluded, stored);
            let shown = shown(evaluated, entry, excluded, &violations);
            entries.push(if is_stale { shown.stale() } else { shown });
        }
        objectives.push(entries);
    }
    let states = objectives.iter().flatten().map(|entry| entry.state);
    let of_events = counted.iter().flat_map(|one| &one.groups);
    let states = states.chain(of_events.map(|group| group.state));
    let worst = states.filter(|state| *state != ObjectiveState::Ended).max();
    let objectives = together(objectives, counted);
    Check {
        sla: &evaluation.name,
        version: evaluation.version,
        as_of: standing.as_of,
        age_seconds: standing.age_seconds,
        stale: standing.stale,
        complete: evaluation.is_complete(),
        state: if standing.stale {
            State::Stale(STALE)
        } else {
            State::Worst(worst.unwrap_or(ObjectiveState::NoData))
        },
        objectives,
    }
}

/// The violations that end in the last 12 h, as far as it matters what is excluded of them: those the entry lists, or
/// those that are `stored` where it does not list all.
fn violations(entry: &StoredEvaluation, excluded: &SpanSet, stored: &ViolationSpans) -> Vec<Span> {
    let document = &entry.document;
    let stored = series_cut(entry, excluded).and_then(|series| {
        let id = document.objective.id.clone();
        let key = (document.sla.clone(), id, series, document.version);
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

/// The objectives that have an entry of [`series_cut`], and from when on their violations are stored that matter.
pub(crate) fn cut<'a>(evaluation: &'a Evaluation, excluded: &ExcludedTime) -> Vec<Since<'a>> {
    let cut = evaluation.objectives.iter().filter_map(|evaluated| {
        let excluded = excluded.of(&evaluated.objective.id);
        let cut = |entry: &&StoredEvaluation| series_cut(entry, excluded).is_some();
        let oldest = evaluated.entries.iter().filter(cut);
        let oldest = oldest.map(|entry| entry.document.as_of).min()?;
        Some(Since {
            sla: &evaluation.name,
            objective: &evaluated.objective.id,
            since: last_12_hours(oldest).start,
        })
    });
    cut.collect()
}

/// The entries in the order of the objectives; of events as many as there is room for.
fn together<'a>(ranges: Vec<Vec<Entry<'a>>>, events: &[StandingGroups<'a>]) -> Vec<AnyEntry<'a>> {
    let boxed = |entries: Vec<Entry<'a>>| {
        let boxed = entries.into_iter().map(Box::new);
        boxed.map(AnyEntry::Range).collect::<Vec<_>>()
    };
    let ranges: Vec<Vec<AnyEntry<'a>>> = ranges.into_iter().map(boxed).collect();
    let mut room = Room::default();
    for entry in ranges.iter().flatten() {
        room.fits(entry);
    }
    let of_groups = |one: &StandingGroups<'a>| {
        let place = one.place;
        let entries = EventsEntry::of(one).map(AnyEntry::Events);
        let fitting = entries.take_while(|entry| room.fits(entry)).collect();
        (place, fitting)
    };
    let events = events.iter().map(of_groups).collect();
    in_order(ranges, events)
}

impl<'a> EventsEntry<'a> {
    fn of(standing: &StandingGroups<'a>) -> impl Iterator<Item = Self> {
        standing.groups.iter().map(|group| Self {
            kind: OfEvents::Events,
            objective: &standing.objective.id,
            metric: standing.metric.to_string(),
            labels: group.labels.clone(),
            as_of: standing.as_of,
            state: group.state,
            reason: group.reason,
            series: standing.series,
            firing: standing.firing,
            no_data: standing.no_data,
            in_exclusion: standing.in_exclusion,
            alerts: group.alerts.clone(),
        })
    }
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
        unit: document
            .series
            .as_ref()
            .and_then(|series| series.unit.as_deref()),
        series_id: document.series.as_ref().map(|series| series.series),
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
        kind: OfRange::Range,
        objective: &objective.id,
        metric: &objective.metric,
        unit: None,
        series_id: None,
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
