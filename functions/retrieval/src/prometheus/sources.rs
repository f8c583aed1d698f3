//! Where series come from: the exposition, what series were like, and what they are forecast to be.

use std::{collections::BTreeMap, time::Duration};

use domain::{Bucket, BucketLength, Labels, SeriesId, Timestamp, forecast::PathPoint};
use promql::Asked;
use store::read::{Selection, SeriesRow};

use super::{
    Unanswered,
    lines::{Line, looked_at},
    parameters::Span,
    points::{LOOKBACK, Point},
};
use crate::{
    Retrieval,
    exposition::{self, Described, Group, Owner, Scope},
};

/// What a bucket says of a series.
type OfBucket = fn(&Bucket) -> Option<f64>;

/// The metrics of what series were like.
const HISTORY: [(&str, &str, OfBucket); 4] = [
    (
        "slacast_history_min",
        "The smallest value of a series in 5 minutes, or in an hour where that is what is kept.",
        |bucket| bucket.min,
    ),
    (
        "slacast_history_max",
        "The greatest value of a series in 5 minutes, or in an hour where that is what is kept.",
        |bucket| bucket.max,
    ),
    (
        "slacast_history_average",
        "The mean value of a series in 5 minutes, or in an hour where that is what is kept.",
        |bucket| bucket.average,
    ),
    (
        "slacast_history_samples",
        "Samples of a series in 5 minutes, or in an hour where that is what is kept.",
        |bucket| Some(bucket.samples as f64),
    ),
];

/// What a point of a forecast says of a series.
type OfPath = fn(&PathPoint) -> f64;

/// The metrics of forecasts, each point at its own time.
const FORECAST: [(&str, OfPath); 3] = [
    ("slacast_forecast_lower", |point| point.lower),
    ("slacast_forecast_middle", |point| point.median),
    ("slacast_forecast_upper", |point| point.upper),
];

/// So many series of what was and is to come are looked at by one question at most.
const MOST_SERIES: usize = 10_000;
/// So many points of them are read by one question at most.
const MOST_POINTS: usize = 1_000_000;
const AT_ONCE: u32 = 1000;

/// Every metric with what it is.
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let exposed = Described::ALL.iter().map(|own| (own.name, own.help));
    exposed.chain(HISTORY.iter().map(|(name, help, _)| (*name, *help)))
}

/// The series that are asked for, with the points that matter to `span`.
pub(super) async fn lines(
    retrieval: &Retrieval,
    asked: &Asked,
    span: Span,
    now: Timestamp,
) -> Result<Vec<Line>, Unanswered> {
    let (first, last) = (
        looked_at(asked, &span, span.start),
        looked_at(asked, &span, span.end),
    );
    // A point counts up to and including the end of its hour.
    let from = first - BucketLength::Hour.duration() - Duration::from_millis(1);
    let mut lines = exposed(retrieval, asked, now).await?;
    lines.extend(forecast(retrieval, asked, now).await?);
    lines.extend(history(retrieval, asked, Some((from, last)), now).await?);
    lines.sort_by(|one, other| one.labels.cmp(&other.labels));
    Ok(lines)
}

/// The series that are asked for, whatever points they have.
pub(super) async fn known(
    retrieval: &Retrieval,
    asked: &Asked,
    now: Timestamp,
) -> Result<Vec<Line>, Unanswered> {
    let mut lines = exposed(retrieval, asked, now).await?;
    lines.extend(forecast(retrieval, asked, now).await?);
    lines.extend(history(retrieval, asked, None, now).await?);
    Ok(lines)
}

/// Those of the exposition: one point each, at the time it is about.
async fn exposed(
    retrieval: &Retrieval,
    asked: &Asked,
    now: Timestamp,
) -> Result<Vec<Line>, Unanswered> {
    let is_forecast = |name: &str| FORECAST.iter().any(|(own, _)| *own == name);
    let named = Described::ALL.iter();
    let named = named.filter(|own| !is_forecast(own.name) && asked.matches_name(own.name));
    let mut groups: Vec<Group> = Vec::new();
    for own in named {
        if !groups.contains(&own.group) {
            groups.push(own.group);
        }
    }
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut scope = Scope::default();
    for (name, value) in asked.equal() {
        match name {
            "sla" => scope.sla = Some(value.to_owned()),
            "objective" => scope.objective = Some(value.to_owned()),
            _ => {}
        }
    }
    if scope.sla.is_some() || scope.objective.is_some() {
        // What is about no SLA has no such label.
        groups.retain(|group| *group != Group::System);
    }
    let gathered = exposition::gather(retrieval, &groups, &scope, now).await?;
    let mut lines = Vec::new();
    for (name, family) in gathered.families {
        if is_forecast(&name) {
            continue;
        }
        for point in family.points {
            let at = Point {
                time: point.time,
                value: point.value,
                counts_for: LOOKBACK,
            };
            let line = Line::new(&name, point.labels, vec![at]);
            if line.is_asked_for(asked) {
                lines.push(line);
            }
        }
    }
    Ok(lines)
}

/// The metric and the labels that a series has to have for sure, by labels that are not among `ours`.
fn wanted(asked: &Asked, ours: &[&str]) -> Scope {
    let mut scope = Scope::default();
    for (name, value) in asked.equal() {
        match name {
            promql::NAME => {}
            "metric" => scope.metric = Some(value.to_owned()),
            own if ours.contains(&own) || own.starts_with("series_") => {}
            label => {
                scope.labels.0.insert(label.to_owned(), value.to_owned());
            }
        }
    }
    scope
}

async fn forecast(
    retrieval: &Retrieval,
    asked: &Asked,
    now: Timestamp,
) -> Result<Vec<Line>, Unanswered> {
    if !FORECAST.iter().any(|(name, _)| asked.matches_name(name)) {
        return Ok(Vec::new());
    }
    let found = exposition::forecasts(retrieval, &wanted(asked, &["horizon"]), now).await?;
    let mut lines = Vec::new();
    for (series, forecast, _) in &found {
        let labels = exposition::forecast_labels(series);
        for (name, value) in FORECAST {
            let line = Line::new(name, labels.clone(), Vec::new());
            if line.is_asked_for(asked) {
                let points = forecast.path.iter().map(|point| Point {
                    time: point.time,
                    value: value(point),
                    counts_for: LOOKBACK,
                });
                let points = points.collect();
                lines.push(Line { points, ..line });
            }
        }
    }
    Ok(lines)
}

async fn history(
    retrieval: &Retrieval,
    asked: &Asked,
    span: Option<(Timestamp, Timestamp)>,
    now: Timestamp,
) -> Result<Vec<Line>, Unanswered> {
    let named: Vec<(&str, OfBucket)> = HISTORY
        .into_iter()
        .filter(|(name, ..)| asked.matches_name(name))
        .map(|(name, _, value)| (name, value))
        .collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let series = all_series(retrieval, &wanted(asked, &[]), now).await?;
    let mut lines = Vec::new();
    for row in &series {
        for (name, value) in &named {
            let line = Line::new(name, about(row), Vec::new());
            if line.is_asked_for(asked) {
                lines.push((row.id, *value, line));
            }
        }
    }
    let mut ids: Vec<SeriesId> = lines.iter().map(|(id, ..)| *id).collect();
    ids.dedup();
    let buckets = match span {
        Some(span) => {
            let read = retrieval.store.stored_buckets(&ids, span, MOST_POINTS);
            read.await?.ok_or_else(too_many_points)?
        }
        None => BTreeMap::new(),
    };
    let with_points = lines.into_iter().map(|(id, value, line)| {
        let own = buckets.get(&id).map_or(&[][..], |buckets| &buckets[..]);
        let points = own.iter().filter_map(|(length, bucket)| {
            Some(Point {
                time: bucket.end,
                value: value(bucket)?,
                counts_for: LOOKBACK.max(length.duration()),
            })
        });
        let points = points.collect();
        Line { points, ..line }
    });
    Ok(with_points.collect())
}

fn about(row: &SeriesRow) -> Labels {
    Owner::of([("metric", row.metric.as_str())])
        .about(&row.labels)
        .labels()
}

async fn all_series(
    retrieval: &Retrieval,
    scope: &Scope,
    now: Timestamp,
) -> Result<Vec<SeriesRow>, Unanswered> {
    let selection = Selection {
        metric: scope.metric.clone(),
        labels: scope.labels.clone(),
        from: None,
        to: None,
        pinned: now,
        limit: AT_ONCE,
    };
    let (mut series, mut after) = (Vec::new(), None);
    loop {
        let page = retrieval.store.series(&selection, after).await?;
        after = page.rows.last().map(SeriesRow::key);
        series.extend(page.rows);
        if series.len() > MOST_SERIES {
            let sentence = "there are more than 10,000 such series: name the metric or labels";
            return Err(Unanswered::Execution(sentence.to_owned()));
        }
        if !page.more {
            return Ok(series);
        }
    }
}

fn too_many_points() -> Unanswered {
    let sentence =
        "there are more than 1,000,000 such points: ask for fewer series, or a shorter time";
    Unanswered::Execution(sentence.to_owned())
}
