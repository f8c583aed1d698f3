//! What `/check_json` and `/predict_json` share: which SLA is meant, and how old what is known of it is.

use domain::{Timestamp, sla::DEFAULT_NAME};
use http_api::{ApiError, Call};
use store::sla::{Asked, EvaluatedObjective, Evaluation, Worst};

use crate::{SlaManager, database, response_size};

/// Why an objective has no evaluation.
pub(crate) const NOT_EVALUATED: &str = "not_evaluated_yet";

/// Why an objective is not known to stand as it did.
pub(crate) const STALE: &str = "stale";

/// The evaluation that is asked for.
pub(crate) struct Standing {
    pub(crate) evaluation: Evaluation,
    /// When its newest objective was evaluated; `None` before the first evaluation.
    pub(crate) as_of: Option<Timestamp>,
    /// The moment asked about.
    pub(crate) moment: Timestamp,
    /// How old it is at the moment asked about, seconds; `None` before the first.
    pub(crate) age_seconds: Option<f64>,
    /// Whether it is too old for that moment.
    pub(crate) stale: bool,
    /// Evaluations before this are too old for it.
    oldest_fresh: Option<Timestamp>,
}

impl Standing {
    /// Reads what `sla` and `as_of` ask for.
    pub(crate) async fn read(
        manager: &SlaManager,
        call: &Call,
        now: Timestamp,
        worst: Worst,
    ) -> Result<Self, ApiError> {
        let mut query = call.query();
        let name = query.sla();
        let as_of = query.as_of();
        query.finish()?;
        let name = match name {
            Some(name) => name,
            None => meant(manager).await?,
        };
        let evaluation = manager
            .store
            .evaluation(&name, asked(manager, as_of, now), worst)
            .await
            .map_err(database)?;
        let Some(evaluation) = evaluation else {
            return Err(ApiError::NotFound(format!(
                "there is no SLA `{name}`; {}",
                there_are(manager).await?
            )));
        };
        Ok(Self::of_read(manager, evaluation, as_of, now))
    }

    /// An evaluation that was read for an answer about `as_of`, or about now.
    pub(crate) fn of_read(
        manager: &SlaManager,
        evaluation: Evaluation,
        as_of: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        // An answer about the past is as good as it was then.
        let oldest_fresh = as_of.is_none().then(|| now - 3 * manager.schedule_interval);
        Self::of(evaluation, as_of.unwrap_or(now), oldest_fresh)
    }

    /// An evaluation that was made for this answer, told at `now`.
    pub(crate) fn of_trial(evaluation: Evaluation, now: Timestamp) -> Self {
        Self::of(evaluation, now, None)
    }

    fn of(evaluation: Evaluation, moment: Timestamp, oldest_fresh: Option<Timestamp>) -> Self {
        let as_of = evaluation.as_of();
        let is_old = |as_of| oldest_fresh.is_some_and(|oldest| as_of < oldest);
        Self {
            as_of,
            age_seconds: as_of.map(|as_of| moment.seconds_since(as_of)),
            stale: as_of.is_some_and(is_old),
            moment,
            oldest_fresh,
            evaluation,
        }
    }

    /// Leaves out some of what can be left out of an answer that is too long; false if there is nothing more.
    pub(crate) fn shorten(&mut self) -> bool {
        response_size::shorten(&mut self.evaluation.objectives)
    }

    /// Whether an objective's newest evaluation is too old for the moment asked about.
    pub(crate) fn is_stale(&self, objective: &EvaluatedObjective) -> bool {
        objective.as_of.is_some_and(|as_of| self.is_too_old(as_of))
    }

    /// Whether an evaluation is too old for the moment asked about.
    pub(crate) fn is_too_old(&self, as_of: Timestamp) -> bool {
        self.oldest_fresh.is_some_and(|oldest| as_of < oldest)
    }
}

/// Which evaluations an answer about `as_of`, or about now, is made of.
pub(crate) fn asked(manager: &SlaManager, as_of: Option<Timestamp>, now: Timestamp) -> Asked {
    match as_of {
        Some(as_of) => Asked::AsOf(as_of),
        None => Asked::InForce {
            until: now + manager.settle,
        },
    }
}

/// The SLA that is meant where none is named.
async fn meant(manager: &SlaManager) -> Result<String, ApiError> {
    let names = manager.store.sla_names().await.map_err(database)?;
    match &names[..] {
        [only] => Ok(only.clone()),
        _ if manager
            .store
            .sla(DEFAULT_NAME)
            .await
            .map_err(database)?
            .is_some() =>
        {
            Ok(DEFAULT_NAME.to_owned())
        }
        _ => Err(ApiError::NotFound(format!(
            "`sla` has to name one; {}",
            listed(&names)
        ))),
    }
}

async fn there_are(manager: &SlaManager) -> Result<String, ApiError> {
    Ok(listed(&manager.store.sla_names().await.map_err(database)?))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "there is none yet: POST /sla creates one".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}
