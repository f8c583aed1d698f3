//! `GET /check_json`: how an SLA stands and what happened in the last 1h, 3h and 12h.

use std::borrow::Cow;

use domain::{
    Labels, Timestamp,
    evaluation::{Episode, ObjectiveState},
    message::Windows,
};
use http_api::{ApiError, Call, Reply, reply};
use serde::Serialize;
use store::{
    pipeline::ToldViolations,
    sla::{EvaluatedObjective, Worst},
};

use crate::{
    Endpoint, SlaManager,
    standing::{NOT_EVALUATED, Standing},
};

/// The document.
#[derive(Serialize)]
pub(crate) struct Check<'a> {
    sla: &'a str,
    version: u32,
    as_of: Option<Timestamp>,
    age_seconds: Option<f64>,
    stale: bool,
    state: State,
    objectives: Vec<Entry<'a>>,
}

/// How an SLA stands.
#[derive(Serialize)]
#[serde(untagged)]
enum State {
    Worst(ObjectiveState),
    Stale(&'static str),
}

#[derive(Serialize)]
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
    windows: Option<Windows>,
    episodes: Vec<&'a Episode>,
    episodes_total: u64,
}

pub(crate) async fn answer(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let standing = Standing::read(manager, call, now, Worst::State).await?;
    reply::ok(&document(&standing))
}

/// What is told of an evaluation.
pub(crate) fn document(standing: &Standing) -> Check<'_> {
    let evaluation = &standing.evaluation;
    let objectives: Vec<Entry<'_>> = evaluation.objectives.iter().flat_map(entries).collect();
    let worst = objectives
        .iter()
        .map(|entry| entry.state)
        .max()
        .unwrap_or(ObjectiveState::NoData);
    Check {
        sla: &evaluation.name,
        version: evaluation.version,
        as_of: evaluation.as_of,
        age_seconds: standing.age_seconds,
        stale: standing.stale,
        state: if standing.stale {
            State::Stale("stale")
        } else {
            State::Worst(worst)
        },
        objectives,
    }
}

/// The entries of one objective: one, if it was not evaluated yet.
fn entries(evaluated: &EvaluatedObjective) -> Vec<Entry<'_>> {
    if evaluated.entries.is_empty() {
        return vec![bare(evaluated)];
    }
    evaluated
        .entries
        .iter()
        .map(|entry| told(evaluated, entry))
        .collect()
}

fn told<'a>(evaluated: &'a EvaluatedObjective, entry: &'a ToldViolations) -> Entry<'a> {
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
        windows: document.windows,
        episodes: document.episodes.iter().rev().collect(),
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
        windows: None,
        episodes: Vec::new(),
        episodes_total: 0,
    }
}
