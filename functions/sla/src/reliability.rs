use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Timestamp, forecast::HORIZON};
use store::{
    StoreError,
    score::{ObjectiveScores, ScoreSelection},
};

use crate::{SlaManager, standing::Standing};

/// What the probabilities of each objective were worth, by SLA and objective.
pub(crate) type Reliabilities = BTreeMap<(String, String), ObjectiveScores>;

/// What was read last of each SLA, when, and at which evaluation.
///
/// A day of an SLA with many objectives is some hundred thousand scores, of which a run adds a few: they are read once
/// for all who ask before the next run.
#[derive(Debug, Default)]
pub struct ReadLast(Mutex<HashMap<String, Reading>>);

#[derive(Debug)]
struct Reading {
    at: Timestamp,
    evaluation: Option<Timestamp>,
    scores: Arc<Reliabilities>,
}

/// How far back the probabilities go.
const REMEMBERED: Duration = Duration::from_secs(86_400);
/// SLAs whose scores are kept in memory.
const MOST_SLAS: usize = 100;

/// What the probabilities of the day before `standing`'s moment were worth.
pub(crate) async fn of_last_day(
    manager: &SlaManager,
    standing: &Standing,
    now: Timestamp,
) -> Result<Arc<Reliabilities>, StoreError> {
    let sla = &standing.evaluation.name;
    let read_last = || {
        let last = manager.read_last.0.lock();
        last.unwrap_or_else(PoisonError::into_inner)
    };
    let is_of_now = standing.moment == now;
    if is_of_now
        && let Some(last) = read_last().get(sla.as_str())
        && last.evaluation == standing.as_of
        && now.since(last.at) < manager.schedule_interval
    {
        return Ok(last.scores.clone());
    }
    let last_day = ScoreSelection {
        from: Some(standing.moment - REMEMBERED),
        to: Some(standing.moment - HORIZON),
        sla: Some(sla.to_string()),
        metric: None,
    };
    let scores = Arc::new(manager.store.objective_scores(&last_day).await?);
    if is_of_now {
        let mut kept = read_last();
        if kept.len() >= MOST_SLAS {
            kept.clear();
        }
        let reading = Reading {
            at: now,
            evaluation: standing.as_of,
            scores: scores.clone(),
        };
        kept.insert(sla.to_string(), reading);
    }
    Ok(scores)
}
