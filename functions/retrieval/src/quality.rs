//! `GET /forecasts/quality`: what the forecasts were worth, per series and model, and per objective.

use std::{collections::BTreeMap, time::Duration};

use domain::{Labels, SeriesId, score::Reliability};
use http_api::{ApiError, Call, Reply, Room, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{
    Store, StoreError,
    read::{Page, SeriesKey, SeriesRow},
    score::{ModelScores, ObjectiveScores, ProbabilityBin, ScoreSelection, ScoredWhen},
};

use crate::{
    Retrieval, database,
    list::{Request, request},
};

/// How accurate past forecasts were. Two lists in one: the pages go on until both are at their end.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Quality<'a> {
    /// Per series and model.
    series: Vec<SeriesQuality<'a>>,
    /// Per objective, over all of its series; of an objective of events per probability, over all of its groups.
    objectives: Vec<ObjectiveQuality<'a>>,
    /// The `cursor` of the page after this one; null on the last.
    next: Option<String>,
}

/// How far both lists were shown.
#[derive(Serialize, Deserialize)]
struct Shown {
    series: Progress<SeriesKey>,
    /// SLA, objective and what the probability is of.
    objectives: Progress<(String, String, String)>,
}

/// How far a list was shown.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Progress<K> {
    Nothing,
    UpTo(K),
    Everything,
}

impl Shown {
    fn is_all(&self) -> bool {
        matches!(
            (&self.series, &self.objectives),
            (Progress::Everything, Progress::Everything)
        )
    }
}

impl<K: Clone> Progress<K> {
    /// The row after which the list goes on, if it began; `None` if there is no more of it.
    fn reached(&self) -> Option<Option<K>> {
        match self {
            Self::Nothing => Some(None),
            Self::UpTo(last) => Some(Some(last.clone())),
            Self::Everything => None,
        }
    }

    /// After a part of the list that ends with `last`.
    fn after(self, last: Option<K>, more: bool) -> Self {
        match last {
            _ if !more => Self::Everything,
            Some(last) => Self::UpTo(last),
            None => self,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct SeriesQuality<'a> {
    metric: &'a str,
    labels: &'a Labels,
    series: SeriesId,
    unit: Option<&'a str>,
    model: &'a str,
    forecasts: u64,
    scored: u64,
    unscorable: u64,
    reasons: &'a BTreeMap<String, u64>,
    coverage: Coverage,
    pinball: Option<f64>,
    pinball_climatology: Option<f64>,
    mae: Option<f64>,
    mae_last_value: Option<f64>,
    /// 1 - mae / `mae_last_value`.
    skill: Option<f64>,
}

/// Shares of what came that were within what was said to hold 95 %.
#[derive(Serialize, JsonSchema)]
struct Coverage {
    band: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct ObjectiveQuality<'a> {
    sla: &'a str,
    objective: &'a str,
    /// What the probability is of: `violation`; of a budget of events `fires`, `exhausted_1h`, `exhausted_6h` or
    /// `exhausted_1d`.
    probability_of: &'a str,
    metric: Option<&'a str>,
    forecasts: u64,
    scored: u64,
    unscorable: u64,
    reasons: BTreeMap<&'static str, u64>,
    brier: Option<f64>,
    /// That of the base rate of the 12 h before each.
    brier_base_rate: Option<f64>,
    base_rate: Option<f64>,
    events: u64,
    bins: Vec<Bin>,
    reliability: Option<Reliability>,
    reliability_reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Bin {
    lower: f64,
    upper: f64,
    forecasts: u64,
    said: f64,
    happened: f64,
    /// On how many 10-minute spans of the clock they fall: horizons that overlap count once.
    independent: u64,
    /// After how many of them a violation happened.
    events: u64,
}

/// What the probabilities of objectives of ranges are of.
const VIOLATION: &str = "violation";
/// Why it is not known whether a violation came: none was seen, and no sample stands for a tenth of the horizon or more.
const TOO_LITTLE_SEEN: &str = "too_little_seen";

/// Without a time: the scores of forecasts so long before the newest run.
const DEFAULT_SPAN: Duration = Duration::from_secs(7 * 86_400);

pub(crate) async fn answer(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    let store = &retrieval.store;
    let Request {
        mut query,
        selection,
        after,
    } = request::<Shown>(call);
    let from = match (selection.from, selection.to) {
        (None, None) => {
            let newest = store.newest_run().await.map_err(database)?;
            newest.map(|newest| newest - DEFAULT_SPAN)
        }
        (from, _) => from,
    };
    let scores = ScoreSelection {
        from,
        to: selection.to,
        sla: query.sla(),
        metric: selection.metric.clone(),
    };
    query.finish()?;
    let shown = after.unwrap_or(Shown {
        series: Progress::Nothing,
        objectives: Progress::Nothing,
    });
    // A series is there though it had no sample in the span that is asked about: its forecasts may have been.
    let ever = store::read::Selection {
        from: None,
        to: None,
        ..selection.clone()
    };
    let found = match shown.series.reached() {
        Some(after) => store.series(&ever, after).await.map_err(database)?,
        None => Page {
            rows: Vec::new(),
            more: false,
        },
    };
    let ids: Vec<SeriesId> = found.rows.iter().map(|row| row.id).collect();
    let by_model = store.scores(&ids, &scores).await.map_err(database)?;
    let by_series = found.rows.iter().map(|row| {
        let models = by_model.iter().filter(|((series, _), _)| *series == row.id);
        let models = models.map(|((_, model), scores)| SeriesQuality::of(row, model, scores));
        models.collect::<Vec<_>>()
    });
    let series = Room::part_of(2).fitting(by_series);
    let by_objective = match shown.objectives.reached() {
        Some(_) => of_objectives(store, &scores).await.map_err(database)?,
        None => BTreeMap::new(),
    };
    let after = shown.objectives.reached().flatten();
    let to_come: Vec<_> = by_objective
        .iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
        .collect();
    let objectives = to_come
        .iter()
        .map(|(key, scores)| ObjectiveQuality::of(key, scores));
    let objectives = Room::part_of(2).fitting(objectives);
    let shown = Shown {
        series: shown.series.after(
            found.rows[..series.len()].last().map(SeriesRow::key),
            found.more || series.len() < found.rows.len(),
        ),
        objectives: shown.objectives.after(
            to_come[..objectives.len()]
                .last()
                .map(|(key, _)| (*key).clone()),
            objectives.len() < to_come.len(),
        ),
    };
    let next = (!shown.is_all()).then(|| query.next(selection.pinned, shown));
    reply::ok(&Quality {
        series: series.into_iter().flatten().collect(),
        objectives,
        next,
    })
}

/// What came of all probabilities, by SLA, objective and what they are of.
async fn of_objectives(
    store: &Store,
    selection: &ScoreSelection,
) -> Result<BTreeMap<(String, String, String), ObjectiveScores>, StoreError> {
    let ranges = store.objective_scores(selection).await?.into_iter();
    let ranges = ranges.map(|((sla, objective), scores)| {
        let key = (sla, objective, VIOLATION.to_owned());
        (key, scores)
    });
    let budgets = store.budget_scores(selection, ScoredWhen::Said).await?;
    let budgets = budgets
        .into_iter()
        .map(|((sla, objective, about), scores)| {
            ((sla, objective, about.as_str().to_owned()), scores)
        });
    Ok(ranges.chain(budgets).collect())
}

impl<'a> SeriesQuality<'a> {
    fn of(row: &'a SeriesRow, model: &'a str, scores: &'a ModelScores) -> Self {
        Self {
            metric: &row.metric,
            labels: &row.labels,
            series: row.id,
            unit: row.unit.as_deref(),
            model,
            forecasts: scores.forecasts,
            scored: scores.scored,
            unscorable: scores.unscorable.values().sum(),
            reasons: &scores.unscorable,
            coverage: Coverage {
                band: scores.band_coverage,
                min: scores.min_coverage,
                max: scores.max_coverage,
                average: scores.average_coverage,
            },
            pinball: scores.pinball,
            pinball_climatology: scores.pinball_climatology,
            mae: scores.mae,
            mae_last_value: scores.mae_last_value,
            skill: scores.skill(),
        }
    }
}

impl<'a> ObjectiveQuality<'a> {
    fn of(
        (sla, objective, about): &'a (String, String, String),
        scores: &'a ObjectiveScores,
    ) -> Self {
        let reliability = scores.reliability();
        let unscorable = scores.forecasts - scores.scored;
        let mean = |sum: f64| (scores.scored > 0).then(|| sum / scores.scored as f64);
        Self {
            sla,
            objective,
            probability_of: about,
            metric: scores.metric.as_deref(),
            forecasts: scores.forecasts,
            scored: scores.scored,
            unscorable,
            reasons: (unscorable > 0)
                .then_some((TOO_LITTLE_SEEN, unscorable))
                .into_iter()
                .collect(),
            brier: mean(scores.squares),
            brier_base_rate: (scores.with_base_rate > 0)
                .then(|| scores.squares_base_rate / scores.with_base_rate as f64),
            base_rate: mean(scores.events as f64),
            events: scores.events,
            bins: scores.bins.iter().map(Bin::of).collect(),
            reliability_reason: reliability.reason().map(str::to_owned),
            reliability: reliability.known().copied(),
        }
    }
}

impl Bin {
    fn of(bin: &ProbabilityBin) -> Self {
        let count = bin.forecasts as f64;
        Self {
            lower: bin.lower,
            upper: bin.upper,
            forecasts: bin.forecasts,
            said: bin.said / count,
            happened: bin.events as f64 / count,
            independent: bin.independent,
            events: bin.events,
        }
    }
}
