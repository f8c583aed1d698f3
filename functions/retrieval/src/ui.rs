//! The pages about series and runs: what the routes answer, as HTML.

use std::time::Duration;

use domain::{
    BucketLength, SeriesId, Span, Timestamp,
    message::{MetadataDocument, PredictionDocument, RunDocument},
};
use http_api::{ApiError, Call, Reply, html};
use lambda_http::Body;
use pages::{Frame, HistoryPoint, Moment, SeriesPage};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::read::{DocumentRow, MetricRow, SeriesRow};

use crate::{Retrieval, database, list};

const LONGEST_TEXT: usize = 255;
const LONGEST_CURSOR: usize = 2_000;
/// Rows of a page.
const LIMIT: &str = "200";
/// Those of an hour are kept for 400 days.
const MOST_BUCKETS: usize = 9_700;
/// The time that is shown of a series where nobody chose another.
const SHOWN: Duration = Duration::from_secs(3 * 3600);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// What is around a page of a system at `base`, its path and its address; `now` is `None` where it is made for its tag.
fn frame<'a>(
    call: &Call,
    base: &'a (String, String),
    now: Option<Timestamp>,
    pinned: Option<Timestamp>,
    moment: Option<Moment>,
) -> Frame<'a> {
    Frame {
        base: &base.0,
        address: &base.1,
        now,
        pinned,
        moment,
        is_signed_in: !call.is_open(),
    }
}

/// The rows of a list and its `next`, as their page reads them.
fn read_list<T: DeserializeOwned>(
    reply: &Reply,
    list: &str,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let Body::Text(text) = reply.body() else {
        return Err(ApiError::internal("a list without a document"));
    };
    let mut document: Value = serde_json::from_str(text).map_err(ApiError::internal)?;
    let rows = serde_json::from_value(document[list].take()).map_err(ApiError::internal)?;
    Ok((rows, document["next"].as_str().map(str::to_owned)))
}

/// When the newest run was, unless the reader asked about another moment.
async fn moment(
    retrieval: &Retrieval,
    call: &Call,
    pinned: Option<Timestamp>,
) -> Result<Option<Moment>, ApiError> {
    let newest = retrieval.store.newest_run().await.map_err(database)?;
    let oldest = call.now - 3 * retrieval.schedule_interval;
    Ok(pinned.or(newest).map(|as_of| Moment {
        as_of,
        stale: pinned.is_none() && as_of < oldest,
    }))
}

/// `GET /ui/series`.
pub(crate) async fn series(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let text = query.typed("q", LONGEST_TEXT);
    let cursor = query.typed("cursor", LONGEST_CURSOR);
    let as_of = query.moment("as_of", call.now);
    query.finish()?;
    let mut asked = vec![("limit", LIMIT.to_owned())];
    asked.extend(text.clone().map(|text| ("metric", text)));
    asked.extend(as_of.map(|as_of| ("to", as_of.to_string())));
    asked.extend(cursor.map(|cursor| ("cursor", cursor)));
    let reply = list::answer::<SeriesRow>(retrieval, &call.asking("", "", &asked)).await?;
    let (rows, next) = read_list(&reply, "series")?;
    let moment = moment(retrieval, call, as_of).await?;
    let base = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        let frame = frame(call, &base, now, as_of, moment);
        pages::series_list(&frame, &rows, text.as_deref(), next.as_deref())
    }))
}

/// `GET /ui/series/{id}`.
pub(crate) async fn one_series(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let as_of = query.moment("as_of", call.now);
    let asked_span = query.shown_span(as_of.unwrap_or(call.now));
    query.finish()?;
    let nobody = || {
        let id: String = call.id.chars().take(40).collect();
        ApiError::NotFound(format!("there is no series `{id}`"))
    };
    let id = call.id.parse().map_err(|_| nobody())?;
    let named = retrieval.store.series_named([id].into()).await;
    let own = named.map_err(database)?.remove(&id).ok_or_else(nobody)?;
    let labels: Vec<(String, String)> = own
        .labels
        .0
        .iter()
        .take(20)
        .map(|(name, value)| (format!("label.{name}"), value.clone()))
        .collect();
    let mut asked = vec![
        ("metric", own.metric.to_string()),
        ("limit", "50".to_owned()),
    ];
    asked.extend(
        labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone())),
    );
    let mut newest = asked.clone();
    if let Some(as_of) = as_of {
        let before = call.asking("", "", &up_to(&asked, as_of));
        let reply = list::answer::<MetricRow>(retrieval, &before).await?;
        let (rows, _) = read_list::<Value>(&reply, "metrics")?;
        let times = rows.iter().filter_map(|row| row["as_of"].as_str());
        if let Some(last) = times.max() {
            newest.push(("as_of", last.to_owned()));
        }
    }
    let of_series = |rows: Vec<Value>| {
        let own = rows
            .into_iter()
            .filter(|row| row["series"] == id.to_string());
        own.collect::<Vec<Value>>()
    };
    let reply = list::answer::<SeriesRow>(retrieval, &call.asking("", "", &asked)).await?;
    let (rows, _) = read_list::<Value>(&reply, "series")?;
    let series = rows.into_iter().find(|row| row["id"] == id.to_string());
    let series = series.ok_or_else(nobody)?;
    let series: pages::Series = serde_json::from_value(series).map_err(ApiError::internal)?;
    let asked = call.asking("", "", &newest);
    let reply = list::answer::<MetricRow>(retrieval, &asked).await?;
    let summaries = of_series(read_list(&reply, "metrics")?.0);
    let summaries = serde_json::from_value(summaries.into()).map_err(ApiError::internal)?;
    let reply = list::answer::<DocumentRow<PredictionDocument>>(retrieval, &asked).await?;
    let forecast = of_series(read_list(&reply, "predictions")?.0)
        .into_iter()
        .next();
    let forecast: Option<pages::SeriesForecast> = forecast
        .map(serde_json::from_value)
        .transpose()
        .map_err(ApiError::internal)?;
    let reply = list::answer::<DocumentRow<MetadataDocument>>(retrieval, &asked).await?;
    let traits = of_series(read_list(&reply, "metadata")?.0)
        .into_iter()
        .next();
    let found = forecast.as_ref().map(|own| own.as_of);
    let newest = found.or(as_of).unwrap_or(series.last_seen);
    // What is asked for may begin after the newest forecast: then it is about now.
    let is_later = asked_span.from.is_some_and(|from| from >= newest);
    let until = if is_later {
        BucketLength::FiveMinutes.start_of(call.now) + FIVE_MINUTES
    } else {
        newest
    };
    let end = asked_span.to.unwrap_or(until);
    let start = asked_span.from.unwrap_or(end - SHOWN);
    let span = Span {
        start: start.min(end - Duration::from_secs(1)),
        end,
    };
    let is_default = asked_span.from.is_none() && asked_span.to.is_none();
    let page = SeriesPage {
        series,
        summaries,
        // What follows the newest time is no part of another one.
        forecast: forecast.filter(|_| asked_span.to.is_none()),
        span,
        asked: asked_span
            .typed
            .or_else(|| is_default.then(|| "-3h".to_owned())),
        history: measured(retrieval, id, span).await?,
        traits: traits.as_ref().map(traits_of).unwrap_or_default(),
    };
    let oldest = call.now - 3 * retrieval.schedule_interval;
    let moment = found.map(|found| Moment {
        as_of: found,
        stale: as_of.is_none() && found < oldest,
    });
    let base = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        pages::one_series(&frame(call, &base, now, as_of, moment), &page)
    }))
}

/// What a series was like in a time: by the hour where it is long.
async fn measured(
    retrieval: &Retrieval,
    series: SeriesId,
    span: Span,
) -> Result<Vec<HistoryPoint>, ApiError> {
    let store = &retrieval.store;
    let length = match span.length().as_secs() / 3600 {
        0..=48 => BucketLength::FiveMinutes,
        _ => BucketLength::Hour,
    };
    let found = store.buckets(series, length, (span.start, span.end), MOST_BUCKETS);
    let points = found
        .await
        .map_err(database)?
        .into_iter()
        .filter_map(|bucket| {
            Some(HistoryPoint {
                start: bucket.end,
                min: bucket.min?,
                max: bucket.max?,
                average: bucket.average?,
                samples: bucket.samples,
            })
        });
    Ok(points.collect())
}

/// What was asked, of runs up to a time.
fn up_to<'a>(asked: &[(&'a str, String)], as_of: Timestamp) -> Vec<(&'a str, String)> {
    let to = ("to", as_of.to_string());
    asked.iter().cloned().chain([to]).collect()
}

/// What a series is like, in a few words each.
fn traits_of(metadata: &Value) -> Vec<(&'static str, String)> {
    let text = |pointer: &str| {
        let value = metadata.pointer(pointer)?;
        match value {
            Value::String(text) => Some(text.replace('_', " ")),
            Value::Number(seconds) if pointer.ends_with("_seconds") => {
                seconds.as_f64().map(pages::duration)
            }
            Value::Number(number) => number.as_f64().map(|number| format!("{number:.2}")),
            Value::Bool(flag) => Some(if *flag { "yes" } else { "no" }.to_owned()),
            _ => None,
        }
    };
    let shown = [
        ("Kind", "/stationarity/verdict"),
        ("Kind is not known", "/stationarity/error"),
        ("Seasonal period", "/seasonality/period_seconds"),
        ("Strength of the season", "/seasonality/season_strength"),
        ("Season is not known", "/seasonality/error"),
        ("Step", "/step_seconds"),
    ];
    let shown = shown.into_iter();
    shown
        .filter_map(|(words, pointer)| Some((words, text(pointer)?)))
        .collect()
}

/// `GET /ui/runs`.
pub(crate) async fn runs(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let cursor = query.typed("cursor", LONGEST_CURSOR);
    let as_of = query.moment("as_of", call.now);
    query.finish()?;
    let mut asked = vec![("limit", "100".to_owned())];
    asked.extend(as_of.map(|as_of| ("to", as_of.to_string())));
    asked.extend(cursor.map(|cursor| ("cursor", cursor)));
    let reply = list::answer::<RunDocument>(retrieval, &call.asking("", "", &asked)).await?;
    let (runs, next) = read_list(&reply, "runs")?;
    let moment = moment(retrieval, call, as_of).await?;
    let base = (call.path_of(""), call.base_url());
    Ok(html::page(call, |now| {
        pages::runs(
            &frame(call, &base, now, as_of, moment),
            &runs,
            next.as_deref(),
        )
    }))
}
