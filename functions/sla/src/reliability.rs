use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Timestamp, forecast::HORIZON};
use store::score::{BudgetScores, ObjectiveScores, ScoreSelection, ScoredWhen};

use crate::{SlaManager, standing::Standing};

/// What the probabilities of each objective were worth.
#[derive(Debug, Default)]
pub(crate) struct Reliabilities {
    /// Of violations of ranges, by SLA and objective.
    pub(crate) ranges: BTreeMap<(String, String), ObjectiveScores>,
    /// Of budgets of events.
    pub(crate) budgets: BudgetScores,
}

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
    /// `None` if they were not read in time.
    scores: Option<Arc<Reliabilities>>,
}

/// How far back the probabilities go.
const REMEMBERED: Duration = Duration::from_secs(86_400);
/// SLAs whose scores are kept in memory.
const MOST_SLAS: usize = 100;

/// How long an answer waits for them: it is worth more without them than late.
const PATIENCE: Duration = Duration::from_secs(2);
const HOUR: i64 = 3_600_000;

/// What the probabilities of the day before `standing`'s moment were worth, from the start of an hour on; `None` if the
/// database does not say so in time. That too holds until the next run.
pub(crate) async fn of_last_day(
    manager: &SlaManager,
    standing: &Standing,
    now: Timestamp,
) -> Option<Arc<Reliabilities>> {
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
        return last.scores.clone();
    }
    let day_before = standing.moment - REMEMBERED;
    let into_the_hour = day_before.millis().rem_euclid(HOUR).unsigned_abs();
    let last_day = ScoreSelection {
        from: Some(day_before - Duration::from_millis(into_the_hour)),
        to: Some(standing.moment - HORIZON),
        sla: Some(sla.to_string()),
        metric: None,
    };
    let over = ScoreSelection {
        from: Some(day_before),
        to: Some(standing.moment),
        ..last_day.clone()
    };
    let reading = async {
        let ranges = manager.store.objective_scores(&last_day).await?;
        let budgets = if standing.evaluation.events.is_empty() {
            BudgetScores::new()
        } else {
            let scores = manager.store.budget_scores(&over, ScoredWhen::Over);
            scores.await?
        };
        Ok::<_, store::StoreError>(Reliabilities { ranges, budgets })
    };
    let scores = match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(scores)) => Some(Arc::new(scores)),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, %sla, "what probabilities were worth cannot be read");
            None
        }
        Err(_) => {
            tracing::warn!(%sla, "what probabilities were worth is not read in time");
            None
        }
    };
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
    scores
}
