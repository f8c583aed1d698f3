//! `GET /ui/sla/{name}/{objective}`: one objective on one of its series.

use std::time::Duration;

use domain::{
    Bucket, BucketLength, Labels, MetricName, Series, Span, Timestamp, message::PredictionDocument,
    sla::SlaName,
};
use http_api::{ApiError, Call, Reply, html};
use pages::{
    CheckEntry, HistoryPoint, Moment, ObjectivePage, PredictionEntry, Row, SeriesForecast,
    Violation,
};
use serde::Deserialize;
use serde_json::json;
use store::read::Selection;

use super::{
    frame,
    known::{Known, trust, worths},
    read, read_list,
};
use crate::{SlaManager, database, exclusions, history, name_in, violations};

/// The time that is shown where nobody chose another.
const DEFAULT_SPAN: Duration = Duration::from_secs(3 * 3600);
const LONGEST_SERIES: usize = 64;
/// Those of an hour are kept for 400 days.
const MOST_BUCKETS: usize = 9_700;
/// Pages of a history that are read to find one group.
const MOST_PAGES: usize = 5;

/// What is read of a point of `/sla/{name}/history`.
#[derive(Deserialize)]
struct Counted {
    labels: Labels,
    start: Timestamp,
    bad: f64,
    total: f64,
}

/// `GET /ui/sla/{name}/exclusions`: the objective of that name, if there is one; forms are sent to the same address.
pub(crate) async fn named_exclusions(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    match of(manager, call, "exclusions").await {
        Err(ApiError::NotFound(_)) => {
            let name = name_in(call)?;
            html::see_other(&call.path_of(&format!("/ui/sla/{name}")))
        }
        answered => answered,
    }
}

pub(crate) async fn page(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    of(manager, call, &call.id).await
}

async fn of(manager: &SlaManager, call: &Call, objective: &str) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let as_of = query.moment("as_of", call.now);
    let reference = as_of.unwrap_or(call.now);
    let asked = query.shown_span(reference);
    let series = query.typed("series", LONGEST_SERIES);
    query.finish()?;
    let name = name_in(call)?;
    let Known {
        check,
        prediction,
        budgets,
    } = Known::read(manager, call, &name, as_of).await?;
    let all: Vec<CheckEntry> = check
        .objectives
        .into_iter()
        .filter(|entry| entry.objective == objective)
        .map(|entry| with_id(&name, entry))
        .collect();
    let is_chosen = |entry: &&CheckEntry| series.is_none() || entry.series_id == series;
    let entry = all.iter().find(is_chosen).cloned().ok_or_else(|| {
        let objective: String = objective.chars().take(64).collect();
        ApiError::NotFound(format!(
            "SLA `{name}` has no objective `{objective}` on such a series"
        ))
    })?;
    let end = asked.to.or(entry.as_of).or(as_of).unwrap_or_else(|| {
        // Before the first evaluation: not a new page each time that it is asked for.
        BucketLength::FiveMinutes.start_of(call.now)
    });
    let start = asked
        .from
        .unwrap_or(end - DEFAULT_SPAN)
        .min(end - Duration::from_secs(1));
    let span = Span { start, end };
    let own = |other: &PredictionEntry| {
        other.objective == entry.objective && other.labels == entry.labels
    };
    let of_series = all.len() > 1 && series.is_some();
    let budget = if of_series {
        budgets
            .objectives
            .into_iter()
            .find(|own| own.objective == objective && own.labels == entry.labels)
    } else {
        budgets
            .rolled_up
            .into_iter()
            .find(|own| own.objective == objective)
    };
    let worths = worths(manager, Some(&name), as_of).await;
    // Of several series together no history is kept.
    let has_history = budget.is_some() && (of_series || all.len() == 1);
    let row = Row {
        prediction: prediction.objectives.into_iter().find(own),
        budget,
        trust: trust(&worths, &name, objective),
        history: Vec::new(),
        check: entry,
    };
    let (violations, more_violations) = violated(manager, call, &row.check, span).await?;
    let exclusions = exclusions::list(manager, &call.asking(&name, "", &[])).await?;
    let (mut exclusions, _) = read_list::<pages::Exclusion>(&exclusions, "exclusions")?;
    exclusions.retain(|own| own.objective.as_deref().is_none_or(|own| own == objective));
    let forecast = match asked.to {
        None => forecast(manager, &name, &row.check).await?,
        Some(_) => None,
    };
    let versions = manager.store.version_times(&name).await.map_err(database)?;
    let page = ObjectivePage {
        sla: name.to_string(),
        version: check.version,
        history: counted(manager, call, &row.check, span).await?,
        left: match has_history {
            true => left(manager, call, &row.check, span).await?,
            false => Vec::new(),
        },
        silent: silent(manager, &name, &row.check, span).await?,
        series: all,
        span,
        asked: asked.typed.or_else(|| {
            let is_default = asked.from.is_none() && asked.to.is_none();
            is_default.then(|| "-3h".to_owned())
        }),
        forecast,
        violations,
        more_violations,
        exclusions,
        versions: versions
            .iter()
            .map(|own| (own.created_at, own.version))
            .collect(),
        row,
    };
    let moment = page.row.check.as_of.map(|found| Moment {
        as_of: found,
        stale: page.row.check.is_stale(),
    });
    let base = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        pages::objective(&frame(call, &base, now, as_of, moment), &page)
    }))
}

/// Gives a group of events the id that its series has.
fn with_id(sla: &SlaName, mut entry: CheckEntry) -> CheckEntry {
    if entry.kind == "events"
        && let Ok(objective) = entry.objective.parse()
    {
        let metric = MetricName::of_objective(sla, &objective);
        let series = Series {
            metric,
            labels: entry.labels.clone(),
        };
        entry.series_id = Some(series.id().to_string());
    }
    entry
}

async fn violated(
    manager: &SlaManager,
    call: &Call,
    entry: &CheckEntry,
    span: Span,
) -> Result<(Vec<Violation>, bool), ApiError> {
    if entry.kind == "events" {
        return Ok((Vec::new(), false));
    }
    let asked = [
        ("objective", entry.objective.clone()),
        ("from", span.start.to_string()),
        ("to", span.end.to_string()),
        ("limit", "200".to_owned()),
    ];
    let reply = violations::answer(manager, &call.asking(&call.name, "", &asked)).await?;
    let (mut violations, next) = read_list::<Violation>(&reply, "violations")?;
    violations.retain(|own| own.labels == entry.labels);
    Ok((violations, next.is_some()))
}

/// The forecast that was made with the evaluation.
async fn forecast(
    manager: &SlaManager,
    sla: &SlaName,
    entry: &CheckEntry,
) -> Result<Option<SeriesForecast>, ApiError> {
    let Some(as_of) = entry.as_of else {
        return Ok(None);
    };
    let metric = match (entry.kind.as_str(), entry.objective.parse()) {
        ("events", Ok(objective)) => MetricName::of_objective(sla, &objective).to_string(),
        _ => entry.metric.clone(),
    };
    let selection = Selection {
        metric: Some(metric),
        labels: entry.labels.clone(),
        from: Some(as_of),
        to: Some(as_of),
        pinned: as_of,
        limit: 20,
    };
    let found = manager
        .store
        .documents::<PredictionDocument>(&selection, false, None);
    let found = found.await.map_err(database)?.rows.into_iter();
    let found = found
        .map(|row| row.document)
        .find(|own| own.series.labels == entry.labels);
    let Some(document) = found else {
        return Ok(None);
    };
    let forecast = document.forecast.known();
    read(&json!({
        "as_of": document.as_of,
        "unit": document.series.unit,
        "min": forecast.map(|own| own.min),
        "max": forecast.map(|own| own.max),
        "average": forecast.map(|own| own.average),
        "intervals": forecast.map(|own| &own.intervals),
        "path": forecast.map(|own| &own.path),
        "model": forecast.map(|own| &own.model),
        "reason": document.forecast.reason(),
    }))
    .map(Some)
}

/// The time in which no sample stood.
async fn silent(
    manager: &SlaManager,
    sla: &SlaName,
    entry: &CheckEntry,
    span: Span,
) -> Result<Vec<Span>, ApiError> {
    if entry.kind == "events" {
        return Ok(Vec::new());
    }
    let ids = [entry.objective.as_str()];
    let histories = manager.store.histories(sla, &ids, span.start).await;
    let histories = histories.map_err(database)?;
    let own = histories.into_iter().find(|own| own.labels == entry.labels);
    let versions = own.into_iter().flat_map(|own| own.versions.into_values());
    Ok(versions.flat_map(|recorded| recorded.gaps).collect())
}

/// What the series was like, bucket by bucket.
pub(super) async fn measured(
    manager: &SlaManager,
    entry: &CheckEntry,
    span: Span,
) -> Result<Vec<HistoryPoint>, ApiError> {
    let series = entry.series_id.as_deref().and_then(|id| id.parse().ok());
    let Some(series) = series else {
        return Ok(Vec::new());
    };
    let length = match span.length().as_secs() / 3600 {
        0..=48 => BucketLength::FiveMinutes,
        _ => BucketLength::Hour,
    };
    let store = &manager.store;
    let found = store.buckets(series, length, (span.start, span.end), MOST_BUCKETS);
    let found = found.await.map_err(database)?;
    Ok(found.iter().filter_map(point).collect())
}

/// A bucket as it is drawn: at its end, where it is known.
pub(super) fn point(bucket: &Bucket) -> Option<HistoryPoint> {
    Some(HistoryPoint {
        start: bucket.end,
        min: bucket.min?,
        max: bucket.max?,
        average: bucket.average?,
        samples: bucket.samples,
    })
}

/// The share of bad events, step by step.
async fn counted(
    manager: &SlaManager,
    call: &Call,
    entry: &CheckEntry,
    span: Span,
) -> Result<Vec<HistoryPoint>, ApiError> {
    if entry.kind != "events" {
        return measured(manager, entry, span).await;
    }
    let step = match span.length().as_secs() / 3600 {
        0..=6 => "1m",
        7..=48 => "5m",
        49..=1_000 => "1h",
        _ => "1d",
    };
    let mut asked = vec![
        ("objective", entry.objective.clone()),
        ("from", span.start.to_string()),
        ("to", span.end.to_string()),
        ("step", step.to_owned()),
        ("provisional", "true".to_owned()),
        ("share", "false".to_owned()),
        ("limit", "1000".to_owned()),
    ];
    let mut points = Vec::new();
    for _ in 0..MOST_PAGES {
        let reply = match history::answer(manager, &call.asking(&call.name, "", &asked)).await {
            Ok(reply) => reply,
            // So fine is not kept for so long.
            Err(ApiError::Invalid(_)) => break,
            Err(error) => return Err(error),
        };
        let (rows, next) = read_list::<Counted>(&reply, "history")?;
        let own = rows.into_iter().filter(|own| own.labels == entry.labels);
        points.extend(own.filter(|own| own.total > 0.0).map(|own| HistoryPoint {
            start: own.start,
            min: own.bad / own.total,
            max: own.bad / own.total,
            average: own.bad / own.total,
            samples: own.total as u64,
        }));
        match next {
            Some(next) => {
                asked.retain(|(name, _)| *name != "cursor");
                asked.push(("cursor", next));
            }
            None => break,
        }
    }
    Ok(points)
}

/// What is read of a point of `/sla/{name}/history`, which ends there.
#[derive(Deserialize)]
struct Left {
    labels: Labels,
    end: Timestamp,
    remaining_share: Option<f64>,
}

/// What was left of the budget at the end of each step, as a share.
async fn left(
    manager: &SlaManager,
    call: &Call,
    entry: &CheckEntry,
    span: Span,
) -> Result<Vec<HistoryPoint>, ApiError> {
    let step = match span.length().as_secs() / 3600 {
        0..=6 => "5m",
        7..=48 => "1h",
        _ => "1d",
    };
    let asked = [
        ("objective", entry.objective.clone()),
        ("from", span.start.to_string()),
        ("to", span.end.to_string()),
        ("step", step.to_owned()),
        ("provisional", "true".to_owned()),
        ("limit", "1000".to_owned()),
    ];
    let reply = match history::answer(manager, &call.asking(&call.name, "", &asked)).await {
        Ok(reply) => reply,
        // So fine is not kept for so long, or the SLA is retired.
        Err(ApiError::Invalid(_) | ApiError::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let (rows, _) = read_list::<Left>(&reply, "history")?;
    let own = rows.into_iter().filter(|own| own.labels == entry.labels);
    let points = own.filter_map(|own| {
        let share = own.remaining_share?;
        Some(HistoryPoint {
            start: own.end,
            min: share,
            max: share,
            average: share,
            samples: 1,
        })
    });
    Ok(points.collect())
}
