//! `POST /sla/try`: what would be reported of objectives, and which bounds would have been kept. etl judges them; nothing is saved.

use std::borrow::Cow;

use domain::{
    Labels, Timestamp,
    message::{Failure, TrialDocument, TriedEvents, TriedSeries},
    sla::{AnyObjective, ExcludedTime, SlaName, Trial},
};
use http_api::{ApiError, Call, Fault, Reply, Room, reply};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use store::{
    pipeline::StoredEvaluation,
    sla::{EvaluatedObjective, Evaluation, Worst},
};

use crate::{
    SlaManager,
    check::{self, Check},
    evaluator::NotTried,
    events,
    outlook::{self, Prediction},
    reliability::Reliabilities,
    set::invalid,
    standing::Standing,
};

/// What the objectives would have been answered with.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Tried<'a> {
    as_of: Timestamp,
    check_json: Check<'a>,
    predict_json: Prediction<'a>,
    /// What the objectives of events would have said over the time that was asked for, and when their alerts would have fired.
    events: &'a [TriedEvents],
    recommended: Vec<Recommended<'a>>,
    failures: &'a [Failure],
}

#[derive(Serialize, JsonSchema)]
struct Recommended<'a> {
    objective: &'a str,
    metric: &'a str,
    labels: Cow<'a, Labels>,
    min: Option<f64>,
    max: Option<f64>,
}

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let now = call.now;
    let request = dry_run(call.json()?, manager.queries_allowed)?;
    let tried = manager.evaluator.try_out(&request).await.map_err(|error| {
        let NotTried::Invalid(faults) = error else {
            return ApiError::Unavailable {
                what: "etl",
                source: error.into(),
            };
        };
        let faults = faults.into_iter();
        ApiError::Invalid(
            faults
                .map(|fault| Fault::at(fault.pointer, fault.detail))
                .collect(),
        )
    })?;
    let mut by_state = Standing::of_trial(evaluation(&tried, Worst::State), now);
    let mut by_probability = Standing::of_trial(evaluation(&tried, Worst::Probability), now);
    let excluded = ExcludedTime::default();
    let mut can_be_shorter = true;
    loop {
        let document = Tried {
            as_of: tried.as_of,
            check_json: check::document(&by_state, &excluded, &manager.store, now).await?,
            predict_json: outlook::document(
                &by_probability,
                (&[], None),
                Some(&Reliabilities::default()),
            ),
            events: &tried.events,
            recommended: recommended(&tried),
            failures: &tried.failures,
        };
        if !can_be_shorter || Room::default().fits(&document) {
            return reply::ok(&document);
        }
        can_be_shorter = by_state.shorten() | by_probability.shorten();
    }
}

/// What etl is asked; it looks at `as_of` itself.
fn dry_run(document: Value, queries_allowed: bool) -> Result<Value, ApiError> {
    let Value::Object(mut fields) = document else {
        return Err(ApiError::Invalid(vec![Fault::at("", "must be an object")]));
    };
    let trial = Trial::parse(&fields, &["as_of"]).map_err(invalid)?;
    let queries = trial.objectives.iter().map(|one| match one {
        AnyObjective::Range(one) => one.query.as_ref(),
        AnyObjective::Events(_) => None,
    });
    events::check_queries(queries, queries_allowed)?;
    let mut objectives = trial.objectives;
    events::resolve(&mut objectives)?;
    // Where an objective has no `by`, its sums may say what it is.
    if let Some(Value::Array(given)) = fields.get_mut("objectives") {
        for (given, resolved) in given.iter_mut().zip(&objectives) {
            if let (Value::Object(given), AnyObjective::Events(resolved)) = (given, resolved) {
                given.insert("by".to_owned(), json!(resolved.by));
            }
        }
    }
    fields.insert("dry_run".to_owned(), json!(true));
    Ok(Value::Object(fields))
}

/// What was found, as if it had been stored.
fn evaluation(tried: &TrialDocument, worst: Worst) -> Evaluation {
    let stored = |series: &TriedSeries, ended_until| {
        let mut document = series.violations.clone();
        document.settle(ended_until);
        StoredEvaluation {
            document,
            episodes_total: series.episodes_total,
        }
    };
    Evaluation {
        name: SlaName::trial(),
        version: 0,
        objectives: tried
            .objectives
            .iter()
            .map(|objective| {
                let entries = objective.entries.iter();
                let entries = entries.map(|series| stored(series, objective.ended_until));
                EvaluatedObjective {
                    objective: objective.objective.clone(),
                    as_of: Some(tried.as_of),
                    series: objective.series,
                    firing: objective.firing,
                    no_data: objective.no_data,
                    ended: objective.ended,
                    entries: worst.first(entries.collect()),
                }
            })
            .collect(),
        events: Vec::new(),
    }
}

fn recommended(tried: &TrialDocument) -> Vec<Recommended<'_>> {
    let of_objectives = tried.objectives.iter().flat_map(|tried| {
        tried.entries.iter().map(|series| {
            let reference = series.violations.series.as_ref();
            Recommended {
                objective: &tried.objective.id,
                metric: &tried.objective.metric,
                labels: reference.map_or(Cow::Owned(Labels::default()), |reference| {
                    Cow::Borrowed(&reference.labels)
                }),
                min: series.recommended.min,
                max: series.recommended.max,
            }
        })
    });
    of_objectives.collect()
}
