//! What is known of an SLA, as its routes answer it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use domain::{
    Timestamp,
    sla::{ExcludedTime, Sla, SlaName},
};
use http_api::{ApiError, Call};
use pages::{Budgets, Check, Prediction, ShownSla, Trust, TrustBin};
use store::{
    score::{ObjectiveScores, ScoreSelection},
    sla::{Evaluation, Since, Worst},
    slices::budgets::{AskedBudgets, CountedBudgets},
};

use super::read;
use crate::{
    SlaManager, budget, check, database,
    outlook::{self, look_ahead},
    set,
    standing::{Standing, asked},
    standing_groups,
};

/// What the probabilities of each objective were worth, by SLA and objective.
pub(crate) type Worths = BTreeMap<(String, String), ObjectiveScores>;

/// How far back the scores go where `/forecasts/quality` is asked for no time.
const SCORED: Duration = Duration::from_secs(7 * 86_400);
/// How long a page waits for them: it is worth more without them than late.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the probabilities of an SLA, or of all, were worth; nothing where the database does not say so in time.
pub(crate) async fn worths(
    manager: &SlaManager,
    sla: Option<&str>,
    as_of: Option<Timestamp>,
) -> Worths {
    let store = &manager.store;
    let reading = async {
        let newest = store.newest_run().await?;
        let until = as_of.or(newest);
        let selection = ScoreSelection {
            from: until.map(|until| until - SCORED),
            to: as_of,
            sla: sla.map(str::to_owned),
            metric: None,
        };
        store.objective_scores(&selection).await
    };
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(worths)) => worths,
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what probabilities were worth cannot be read");
            Worths::new()
        }
        Err(_) => {
            tracing::warn!("what probabilities were worth is not read in time");
            Worths::new()
        }
    }
}

/// The tenths of an objective's probabilities.
pub(crate) fn trust(worths: &Worths, sla: &str, objective: &str) -> Option<Trust> {
    let scores = worths.get(&(sla.to_owned(), objective.to_owned()))?;
    let bins = scores.bins.iter().map(|bin| TrustBin {
        lower: bin.lower,
        upper: bin.upper,
        said: bin.said / bin.forecasts as f64,
        happened: bin.events as f64 / bin.forecasts as f64,
        forecasts: bin.forecasts,
        independent: bin.independent,
    });
    Some(Trust(bins.collect()))
}

/// What `/check_json`, `/predict_json` and `/sla/{name}/budget` answer about one SLA.
pub(crate) struct Known {
    pub(crate) check: Check,
    pub(crate) prediction: Prediction,
    pub(crate) budgets: Budgets,
}

impl Known {
    /// What is known of one SLA.
    pub(crate) async fn read(
        manager: &SlaManager,
        call: &Call,
        name: &str,
        as_of: Option<Timestamp>,
    ) -> Result<Self, ApiError> {
        let asked = asked(manager, as_of, call.now);
        let evaluation = manager.store.evaluation(name, asked, Worst::State).await;
        let evaluation = evaluation.map_err(database)?;
        let evaluation = evaluation.ok_or_else(|| set::missing(name))?;
        let in_force = manager.store.sla(name).await.map_err(database)?;
        let in_force: Vec<Sla> = in_force.map(|stored| stored.sla).into_iter().collect();
        let evaluations = vec![evaluation];
        let known = Self::of(manager, (as_of, call.now), evaluations, &in_force, true).await?;
        known.into_iter().next().ok_or_else(|| set::missing(name))
    }

    /// What is known of all SLAs in force, by as many statements as there are for a few of them.
    pub(crate) async fn read_all(
        manager: &SlaManager,
        call: &Call,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Self>, ApiError> {
        let store = &manager.store;
        let in_force = store.active_slas().await.map_err(database)?;
        let slas = match as_of {
            Some(as_of) => store.evaluated_versions(in_force.clone(), as_of).await,
            None => Ok(in_force.clone()),
        };
        let asked = asked(manager, as_of, call.now);
        let evaluations = store.evaluations(slas.map_err(database)?, asked, Worst::State);
        let evaluations = evaluations.await.map_err(database)?;
        Self::of(manager, (as_of, call.now), evaluations, &in_force, false).await
    }

    /// What follows from evaluations, in their order. Budgets are of what is `in_force`. What is to come of events takes a
    /// question for each objective: it is asked if `looks_ahead`.
    async fn of(
        manager: &SlaManager,
        (as_of, now): (Option<Timestamp>, Timestamp),
        evaluations: Vec<Evaluation>,
        in_force: &[Sla],
        looks_ahead: bool,
    ) -> Result<Vec<Self>, ApiError> {
        let store = &manager.store;
        let standings: Vec<Standing> = evaluations
            .into_iter()
            .map(|evaluation| Standing::of_read(manager, evaluation, as_of, now))
            .collect();
        let evaluated = || standings.iter().map(|standing| &standing.evaluation);
        let names: Vec<&str> = evaluated().map(|own| own.name.as_str()).collect();
        let excluded = store.excluded_times(&names, now).await.map_err(database)?;
        let never = ExcludedTime::default();
        let excluded = |name: &SlaName| excluded.get(name.as_str()).unwrap_or(&never);
        let cut: Vec<Since<'_>> = evaluated()
            .flat_map(|own| check::cut(own, excluded(&own.name)))
            .collect();
        let stored = store.violation_spans(&cut).await.map_err(database)?;
        let asked: Vec<AskedBudgets<'_>> = standings
            .iter()
            .flat_map(|own| standing_groups::asked(own, excluded(&own.evaluation.name), now))
            .collect();
        let counted = CountedBudgets::read_all(store, &asked).await;
        let mut counted = counted.map_err(database)?.into_iter();
        let budgeted: Vec<(&Sla, &ExcludedTime)> = in_force
            .iter()
            .filter(|sla| has_budget(sla))
            .map(|sla| (sla, excluded(&sla.name)))
            .collect();
        let budgets = budget::read_all(manager, &budgeted, as_of, now).await?;
        let budgets = budgeted.iter().zip(budgets);
        let mut budgets: HashMap<&SlaName, Budgets> = budgets
            .map(|((sla, _), budgets)| (&sla.name, budgets.shown()))
            .collect();
        let mut all = Vec::with_capacity(standings.len());
        for standing in &standings {
            let evaluation = &standing.evaluation;
            let excluded = excluded(&evaluation.name);
            let own: Vec<CountedBudgets> = counted.by_ref().take(evaluation.events.len()).collect();
            let groups = standing_groups::of(standing, excluded, now, &own);
            let mut outlooks = None;
            if looks_ahead {
                let found = look_ahead(store, &evaluation.name, &groups, excluded, 1).await;
                outlooks = Some(found.map_err(database)?);
            }
            let events = (&*groups, outlooks.as_ref());
            all.push(Self {
                check: read(&check::of(standing, excluded, now, &stored, &groups))?,
                prediction: read(&outlook::document(standing, events, None))?,
                budgets: budgets.remove(&evaluation.name).unwrap_or_default(),
            });
        }
        Ok(all)
    }

    /// A row for each objective.
    pub(crate) fn shown(self, worths: &Worths) -> ShownSla {
        let sla = self.check.sla.clone();
        let trust = |objective: &str| trust(worths, &sla, objective);
        ShownSla::of(self.check, self.prediction, self.budgets, trust)
    }
}

/// Whether an SLA has an objective whose budget can be spent.
fn has_budget(sla: &Sla) -> bool {
    let mut ranges = sla.objectives.iter();
    !sla.events.is_empty() || ranges.any(|objective| objective.target.is_some())
}
