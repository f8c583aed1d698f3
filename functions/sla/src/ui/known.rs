//! What is known of an SLA, as its routes answer it.

use std::{collections::BTreeMap, time::Duration};

use domain::Timestamp;
use http_api::{ApiError, Call};
use pages::{Budgets, Check, Prediction, ShownSla, Trust, TrustBin};
use store::{
    score::{ObjectiveScores, ScoreSelection},
    sla::Worst,
};

use super::{read, read_reply};
use crate::{
    SlaManager, budget, check, database, outlook, reliability, standing::Standing, standing_groups,
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
    pub(crate) async fn read(
        manager: &SlaManager,
        call: &Call,
        name: &str,
        as_of: Option<Timestamp>,
    ) -> Result<Self, ApiError> {
        let as_of = as_of.map(|as_of| ("as_of", as_of.to_string()));
        let mut query = vec![("sla", name.to_owned())];
        query.extend(as_of.clone());
        let (store, now) = (&manager.store, call.now);
        let asked = call.asking("", "", &query);
        let standing = Standing::read(manager, &asked, now, Worst::State).await?;
        let excluded = store.excluded_time(name, now).await.map_err(database)?;
        let check = check::document(&standing, &excluded, store, now).await?;
        let check: Check = read(&check)?;
        let counted = standing_groups::read(&standing, &excluded, store, now);
        let counted = counted.await.map_err(database)?;
        let scores = reliability::of_last_day(manager, &standing, now).await;
        let prediction = outlook::document(&standing, (&counted, None), scores.as_deref());
        let prediction = read(&prediction)?;
        let evaluation = &standing.evaluation;
        let with_target = evaluation
            .objectives
            .iter()
            .any(|one| one.objective.target.is_some());
        let budgets = if with_target || !evaluation.events.is_empty() {
            let query: Vec<_> = as_of.into_iter().collect();
            read_reply(&budget::answer(manager, &call.asking(name, "", &query)).await?)?
        } else {
            Budgets::default()
        };
        Ok(Self {
            check,
            prediction,
            budgets,
        })
    }

    /// A row for each objective.
    pub(crate) fn shown(self, worths: &Worths) -> ShownSla {
        let sla = self.check.sla.clone();
        let trust = |objective: &str| trust(worths, &sla, objective);
        ShownSla::of(self.check, self.prediction, self.budgets, trust)
    }
}
