//! The forecasts whose horizon is over: read from MySQL once a run, scored from the samples the run fetches anyway.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    Finding, Part, Sample, SeriesId, Timestamp, evaluation,
    evaluation::RecentProbabilities,
    forecast::RecentScores,
    message::{Failure, ObjectiveScore, ScoreDocument, SeriesReference},
    score::{self, OUT_OF_REACH},
};
use store::{
    Store, StoreError,
    score::{DueForecast, DueProbability, JudgedSeries},
};

use crate::objectives::{ActiveObjective, PATIENCE, unreadable};

/// Where forecasts and scores are read.
#[derive(Debug)]
pub struct Scoring {
    store: Store,
    /// What was read last, or that it could not be read, of which part and before which time.
    recent: Mutex<Option<LastRead>>,
}

/// What came of reading the scores of late.
#[derive(Clone, Debug)]
struct LastRead {
    part: Part,
    before: Timestamp,
    outcome: Result<Arc<Recent>, String>,
}

/// How forecasts and probabilities did of late.
#[derive(Debug, Default)]
struct Recent {
    forecasts: HashMap<SeriesId, RecentScores>,
    probabilities: HashMap<JudgedSeries, RecentProbabilities>,
}

/// The forecasts a run has to score, by series, and what the scores of late say of the next ones.
#[derive(Debug, Default)]
pub struct Due {
    by_series: HashMap<SeriesId, Vec<DueForecast>>,
    recent: Arc<Recent>,
}

/// What came of reading them.
#[derive(Debug)]
pub struct ReadDue {
    /// The forecasts; none while MySQL is away: the next run scores them.
    pub forecasts: Due,
    /// That MySQL is away.
    pub failures: Vec<Failure>,
    /// What it took.
    pub took: Duration,
}

/// Twice as many as a run over 10,000 series makes, at about 4 KB each. What is left over is for the next runs.
const MOST_FORECASTS: u32 = 20_000;
/// Probabilities are read for this much less than a run waits, so that what was read is kept.
const FOR_THE_REST: Duration = Duration::from_millis(500);
/// Why not all forecasts could be read.
const SLOW: &str = "MySQL takes long";
/// The scores of late change slowly and cost more to read: runs in the same 10 minutes of the clock look at the same.
const SPAN: i64 = 600_000;

impl Scoring {
    /// Nothing is read yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            recent: Mutex::new(None),
        }
    }

    /// Reads what a part of a run at `as_of` has to score, and what was scored before.
    pub async fn read(&self, as_of: Timestamp, part: Part) -> ReadDue {
        let reading = Instant::now();
        let (forecasts, recent) =
            tokio::join!(patiently(self.due(as_of, part)), self.recent(as_of, part));
        let mut failures = Vec::new();
        let (forecasts, are_all) = forecasts.unwrap_or_else(|reason| {
            failures.push(failure(&reason, "the next run scores the forecasts"));
            (Vec::new(), true)
        });
        if !are_all {
            failures.push(failure(SLOW, "later runs score the other forecasts"));
        }
        let recent = recent.unwrap_or_else(|reason| {
            failures.push(failure(
                &reason,
                "forecasts are published as the models say",
            ));
            Arc::default()
        });
        ReadDue {
            forecasts: Due::new(forecasts, recent),
            failures,
            took: reading.elapsed(),
        }
    }

    /// The forecasts to score, and whether there was time to read all of them.
    async fn due(
        &self,
        as_of: Timestamp,
        part: Part,
    ) -> Result<(Vec<DueForecast>, bool), StoreError> {
        let until = tokio::time::Instant::now() + PATIENCE - FOR_THE_REST;
        let mut due = self
            .store
            .due_forecasts(as_of, MOST_FORECASTS, part)
            .await?;
        let all = due.len();
        self.store.add_probabilities(&mut due, part, until).await?;
        let are_all = due.len() == all;
        Ok((due, are_all))
    }

    /// Runs in the same 10 minutes of the clock look at the same scores: they are asked for once, even where that fails.
    async fn recent(&self, as_of: Timestamp, part: Part) -> Result<Arc<Recent>, String> {
        let into_span = as_of.millis().rem_euclid(SPAN);
        let before = as_of - Duration::from_millis(into_span.unsigned_abs());
        let last = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last()
            && (last.before, last.part) == (before, part)
        {
            return last.outcome.clone();
        }
        let outcome = self.read_recent(before, part).await;
        *last() = Some(LastRead {
            part,
            before,
            outcome: outcome.clone(),
        });
        outcome
    }

    async fn read_recent(&self, before: Timestamp, part: Part) -> Result<Arc<Recent>, String> {
        let read = async {
            // One after the other: the forecasts to score are read beside them, and there are two connections.
            Ok(Recent {
                forecasts: self.store.recent_scores(before, part).await?,
                probabilities: self.store.recent_probabilities(before, part).await?,
            })
        };
        patiently(read).await.map(Arc::new)
    }
}

async fn patiently<T>(reading: impl Future<Output = Result<T, StoreError>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the forecasts to score or their scores cannot be read"
            );
            Err(unreadable(&error))
        }
        Err(_) => Err("MySQL does not answer".to_owned()),
    }
}

fn failure(reason: &str, instead: &str) -> Failure {
    Failure::new("scores", format!("{reason}: {instead}"))
}

impl Due {
    fn new(forecasts: Vec<DueForecast>, recent: Arc<Recent>) -> Self {
        let mut by_series: HashMap<SeriesId, Vec<DueForecast>> = HashMap::new();
        for forecast in forecasts {
            by_series
                .entry(forecast.series.series)
                .or_default()
                .push(forecast);
        }
        Self { by_series, recent }
    }

    /// Those of a series, the oldest first.
    pub fn of(&self, series: SeriesId) -> &[DueForecast] {
        self.by_series.get(&series).map_or(&[], Vec::as_slice)
    }

    /// How the forecasts of a series did of late, where there are enough of them.
    pub fn recent(&self, series: SeriesId) -> Option<RecentScores> {
        self.recent.forecasts.get(&series).copied()
    }

    /// How the probabilities of an objective on a series did of late, where there are enough of them.
    pub fn recent_probabilities(
        &self,
        series: SeriesId,
        active: &ActiveObjective,
    ) -> Option<RecentProbabilities> {
        let (sla, version, objective) = active.name();
        let judged = JudgedSeries {
            series,
            sla,
            version,
            objective,
        };
        self.recent.probabilities.get(&judged).copied()
    }

    /// Those of a metric's series that are not among the `seen`.
    pub fn unseen<'a>(
        &'a self,
        metric: &'a str,
        seen: &'a HashSet<SeriesId>,
    ) -> impl Iterator<Item = &'a DueForecast> {
        self.sorted(move |forecast| {
            forecast.series.metric == metric && !seen.contains(&forecast.series.series)
        })
    }

    /// Those that no run can score any more: of metrics that are not known, and those out of reach at `as_of` whose metric
    /// is not fetched.
    pub fn lost(
        &self,
        as_of: Timestamp,
        knows: impl Fn(&str) -> bool,
        is_fetched: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = &DueForecast> {
        self.sorted(move |forecast| {
            let metric = &forecast.series.metric;
            let is_out_of_reach = !score::is_within_reach(forecast.as_of, as_of);
            !knows(metric) || (is_out_of_reach && !is_fetched(metric))
        })
    }

    /// Those that are `wanted`, in an order that does not depend on chance.
    fn sorted(&self, wanted: impl Fn(&DueForecast) -> bool) -> impl Iterator<Item = &DueForecast> {
        let mut forecasts: Vec<_> = self
            .by_series
            .values()
            .flatten()
            .filter(|forecast| wanted(forecast))
            .collect();
        forecasts.sort_by_key(|forecast| (forecast.as_of, forecast.series.series));
        forecasts.into_iter()
    }
}

/// What came of `due`, a forecast of `series`, by the clean samples that the run at `as_of` reads of it.
pub fn scored(
    due: &DueForecast,
    series: SeriesReference,
    samples: &[Sample],
    staleness: Duration,
    as_of: Timestamp,
) -> ScoreDocument {
    let scores = match &due.forecast {
        Finding::Known(forecast) => score::score(forecast, due.as_of, samples, staleness, as_of),
        Finding::Unknown { error } => Finding::unknown(error),
    };
    let within_reach = score::is_within_reach(due.as_of, as_of);
    document(due, series, scores, as_of, |probability| {
        within_reach
            .then(|| evaluation::outcome(&probability.objective, samples, staleness, due.as_of))
            .flatten()
    })
}

/// That nothing can be said of `due`, because of its age or else for `reason`.
pub fn unscorable(due: &DueForecast, reason: &str, as_of: Timestamp) -> ScoreDocument {
    let reason = if score::is_within_reach(due.as_of, as_of) {
        reason
    } else {
        OUT_OF_REACH
    };
    document(
        due,
        due.series.clone(),
        Finding::unknown(reason),
        as_of,
        |_| None,
    )
}

fn document(
    due: &DueForecast,
    series: SeriesReference,
    scores: Finding<score::Scores>,
    as_of: Timestamp,
    happened: impl Fn(&DueProbability) -> Option<bool>,
) -> ScoreDocument {
    ScoreDocument {
        series,
        as_of,
        forecast_as_of: due.as_of,
        model: due.model.clone(),
        scores,
        objectives: due
            .probabilities
            .iter()
            .map(|told| ObjectiveScore {
                sla: told.sla.clone(),
                version: told.version,
                objective: told.objective.id.clone(),
                probability: told.probability,
                model_probability: told.model_probability,
                base_rate: told.base_rate,
                happened: happened(told),
            })
            .collect(),
    }
}
