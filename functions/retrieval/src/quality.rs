//! `GET /forecasts/quality`: what the forecasts were worth, per series and model, and per objective.

use std::{collections::BTreeMap, time::Duration};

use domain::{Labels, SeriesId, Timestamp, score::Reliability};
use http_api::{ApiError, Call, Reply, reply};
use serde::Serialize;
use store::{
    Store,
    read::SeriesRow,
    score::{ModelScores, ObjectiveScores, ProbabilityBin, ScoreSelection},
};

use crate::{
    Endpoint, database,
    list::{Request, next, request},
};

#[derive(Serialize)]
struct QualityPage<'a> {
    series: Vec<SeriesQuality<'a>>,
    objectives: Vec<ObjectiveQuality<'a>>,
    next: Option<String>,
}

#[derive(Serialize)]
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
#[derive(Serialize)]
struct Coverage {
    band: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    average: Option<f64>,
}

#[derive(Serialize)]
struct ObjectiveQuality<'a> {
    sla: &'a str,
    objective: &'a str,
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

#[derive(Serialize)]
struct Bin {
    lower: f64,
    upper: f64,
    forecasts: u64,
    said: f64,
    happened: f64,
}

/// Why nobody can tell whether a violation came: none was seen, and no sample stands for a tenth of the horizon or more.
const TOO_LITTLE_SEEN: &str = "too_little_seen";

/// Without a time: the scores of forecasts so long before the newest run.
const DEFAULT_SPAN: Duration = Duration::from_secs(7 * 86_400);

/// The series of the page, and every objective the filters let through: these are over all series.
pub(crate) async fn answer(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call, now);
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
    // A series is there though it had no sample in the span that is asked about: its forecasts may have been.
    let ever = store::read::Selection {
        from: None,
        to: None,
        ..selection.clone()
    };
    let page = store.series(&ever, after).await.map_err(database)?;
    let ids: Vec<SeriesId> = page.rows.iter().map(|row| row.id).collect();
    let by_model = store.scores(&ids, &scores).await.map_err(database)?;
    let by_objective = store.objective_scores(&scores).await.map_err(database)?;
    reply::ok(&QualityPage {
        next: next(
            &query,
            selection.pinned,
            page.more,
            page.rows.last().map(SeriesRow::key),
        ),
        series: page
            .rows
            .iter()
            .flat_map(|row| {
                let models = by_model.iter().filter(|((series, _), _)| *series == row.id);
                models.map(|((_, model), scores)| SeriesQuality::of(row, model, scores))
            })
            .collect(),
        objectives: by_objective
            .iter()
            .map(|((sla, objective), scores)| ObjectiveQuality::of(sla, objective, scores))
            .collect(),
    })
}

impl<'a> SeriesQuality<'a> {
    fn of(row: &'a SeriesRow, model: &'a str, scores: &'a ModelScores) -> Self {
        let last_value = scores.mae_last_value.filter(|error| *error > 0.0);
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
            skill: scores
                .mae
                .zip(last_value)
                .map(|(own, last)| 1.0 - own / last),
        }
    }
}

impl<'a> ObjectiveQuality<'a> {
    fn of(sla: &'a str, objective: &'a str, scores: &'a ObjectiveScores) -> Self {
        let reliability = scores.reliability();
        let unscorable = scores.forecasts - scores.scored;
        let mean = |sum: f64| (scores.scored > 0).then(|| sum / scores.scored as f64);
        Self {
            sla,
            objective,
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
        }
    }
}
