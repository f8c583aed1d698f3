//! What is known of each series: how objectives stand on it, what it is forecast to be, and what such forecasts were worth.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    Labels, SeriesId, Timestamp,
    forecast::Forecast,
    message::{PredictionDocument, SeriesReference},
};
use store::{
    Store, StoreError,
    read::{DocumentRow, Selection},
    score::{ModelScores, ScoreSelection},
};

use super::{
    Exposition, Scope,
    families::{self, Owner},
    objectives::{STATES, horizon, oldest_fresh, slas, word},
};
use crate::Retrieval;

/// Series that are read at once.
const AT_ONCE: u32 = 1000;
/// Scores of forecasts so long before the newest run.
const SCORED: Duration = Duration::from_secs(7 * 86_400);

/// Adds what is known of the series that are asked about.
pub(super) async fn add(
    retrieval: &Retrieval,
    scope: &Scope,
    now: Timestamp,
    exposition: &mut Exposition,
) -> Result<(), StoreError> {
    let oldest_fresh = oldest_fresh(retrieval, now);
    let judged = add_states(retrieval, scope, now, oldest_fresh, exposition).await?;
    let only = scope.is_narrow().then_some(&judged);
    let found = forecasts(retrieval, scope, now).await?;
    let found: Vec<(SeriesReference, Forecast, Timestamp)> = found
        .into_iter()
        .filter(|(series, ..)| only.is_none_or(|only| only.contains(&series.series)))
        .collect();
    for (series, forecast, as_of) in &found {
        add_forecast(exposition, series, forecast, *as_of);
    }
    add_quality(&retrieval.store, &found, now, exposition).await
}

/// Adds how the objectives stand on each series; returns these series.
async fn add_states(
    retrieval: &Retrieval,
    scope: &Scope,
    now: Timestamp,
    oldest_fresh: Timestamp,
    exposition: &mut Exposition,
) -> Result<BTreeSet<SeriesId>, StoreError> {
    let store = &retrieval.store;
    let mut judged = BTreeSet::new();
    for mut sla in slas(retrieval, scope).await? {
        sla.objectives.retain(|objective| {
            let only = scope.metric.as_ref();
            only.is_none_or(|only| objective.metric.as_str() == only)
        });
        if sla.objectives.is_empty() {
            continue;
        }
        let rows = store.judged_rows(&sla, now).await?;
        let of = |id: &str| rows.get(id).filter(|rows| rows.as_of >= oldest_fresh);
        let ids = sla.objectives.iter().filter_map(|own| of(&own.id));
        let ids = ids.flat_map(|rows| rows.rows.iter().map(|row| row.series));
        let named = store.labels_of(ids.collect()).await?;
        for objective in &sla.objectives {
            let Some(rows) = of(&objective.id) else {
                continue;
            };
            let owner = Owner::of([
                ("sla", sla.name.as_str()),
                ("objective", objective.id.as_str()),
                ("metric", objective.metric.as_str()),
            ]);
            for row in &rows.rows {
                let Some(labels) = named.get(&row.series) else {
                    continue;
                };
                if !labels.matches(&scope.labels) {
                    continue;
                }
                judged.insert(row.series);
                let owner = owner.about(labels);
                let (of, state) = (families::SERIES_STATE, word(row.state));
                exposition.add_state(of, &owner, &STATES, state, rows.as_of);
                let labels = owner.with("horizon", &horizon());
                let of = families::SERIES_PROBABILITY;
                exposition.add(of, labels, row.probability, rows.as_of);
            }
        }
    }
    Ok(judged)
}

/// The newest forecast of each series, where it is fresh, with when it was made.
pub(crate) async fn forecasts(
    retrieval: &Retrieval,
    scope: &Scope,
    now: Timestamp,
) -> Result<Vec<(SeriesReference, Forecast, Timestamp)>, StoreError> {
    let (store, oldest_fresh) = (&retrieval.store, oldest_fresh(retrieval, now));
    let selection = Selection {
        metric: scope.metric.clone(),
        labels: scope.labels.clone(),
        from: None,
        to: None,
        pinned: now,
        limit: AT_ONCE,
    };
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .documents::<PredictionDocument>(&selection, false, after)
            .await?;
        after = page.rows.last().map(DocumentRow::key);
        for row in page.rows {
            let PredictionDocument {
                series,
                as_of,
                forecast,
                ..
            } = row.document;
            if let Some(forecast) = forecast.known()
                && as_of >= oldest_fresh
            {
                found.push((series, forecast.clone(), as_of));
            }
        }
        if !page.more {
            return Ok(found);
        }
    }
}

/// What points about a series are about: its metric and labels.
fn about(series: &SeriesReference) -> Owner<'_> {
    Owner::of([("metric", series.metric.as_str())]).about(&series.labels)
}

/// The labels of what a series is forecast to be.
pub(crate) fn forecast_labels(series: &SeriesReference) -> Labels {
    about(series).with("horizon", &horizon())
}

fn add_forecast(
    exposition: &mut Exposition,
    series: &SeriesReference,
    forecast: &Forecast,
    as_of: Timestamp,
) {
    let Some(last) = forecast.path.last() else {
        return;
    };
    let labels = forecast_labels(series);
    for (of, value) in [
        (families::FORECAST_LOWER, last.lower),
        (families::FORECAST_MIDDLE, last.median),
        (families::FORECAST_UPPER, last.upper),
    ] {
        exposition.add(of, labels.clone(), value, as_of);
    }
}

async fn add_quality(
    store: &Store,
    found: &[(SeriesReference, Forecast, Timestamp)],
    now: Timestamp,
    exposition: &mut Exposition,
) -> Result<(), StoreError> {
    let Some(newest) = store.newest_run().await? else {
        return Ok(());
    };
    let span = ScoreSelection {
        from: Some(newest.min(now) - SCORED),
        to: None,
        sla: None,
        metric: None,
    };
    for chunk in found.chunks(AT_ONCE as usize) {
        let ids: Vec<SeriesId> = chunk.iter().map(|(series, ..)| series.series).collect();
        let named: BTreeMap<SeriesId, &SeriesReference> = chunk
            .iter()
            .map(|(series, ..)| (series.series, series))
            .collect();
        for ((series, model), scores) in store.scores(&ids, &span).await? {
            if let Some(series) = named.get(&series) {
                add_scores(exposition, series, &model, &scores, newest);
            }
        }
    }
    Ok(())
}

fn add_scores(
    exposition: &mut Exposition,
    series: &SeriesReference,
    model: &str,
    scores: &ModelScores,
    as_of: Timestamp,
) {
    let labels = about(series).with("model", model);
    for (of, value) in [
        (families::FORECASTS_SCORED, Some(scores.scored as f64)),
        (families::FORECAST_ERROR, scores.mae),
        (families::FORECAST_SKILL, scores.skill()),
        (families::FORECAST_COVERAGE, scores.band_coverage),
    ] {
        exposition.add(of, labels.clone(), value, as_of);
    }
}
