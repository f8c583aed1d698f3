//! `GET /predict_json`: the violations to come in the next 10 minutes.

use std::borrow::Cow;

use domain::{
    Finding, Labels, Timestamp,
    evaluation::{ObjectiveState, Outlook},
    forecast::HORIZON,
    score::Reliability,
};
use http_api::{ApiError, Call, Reply, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{
    pipeline::StoredEvaluation,
    sla::{EvaluatedObjective, Worst},
};

use crate::{
    SlaManager,
    reliability::{self, Reliabilities},
    standing::{NOT_EVALUATED, STALE, Standing},
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
    objectives: Vec<Entry<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PredictEntry")]
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

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let now = call.now;
    let standing = Standing::read(manager, call, now, Worst::Probability).await?;
    let scores = reliability::of_last_day(manager, &standing, now).await;
    reply::ok(&document(&standing, scores.as_deref()))
}

/// What is returned of an evaluation and of what the probabilities before it were worth, if that was read.
pub(crate) fn document<'a>(
    standing: &'a Standing,
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
        objectives: evaluation.objectives.iter().flat_map(entries).collect(),
    }
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
    match scores.get(&key) {
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
