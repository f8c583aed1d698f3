//! `GET /history`: what series were like, bucket by bucket.

use std::time::Duration;

use domain::{Bucket, BucketLength, Labels, SeriesId, Timestamp};
use http_api::{ApiError, Call, Page, Reply, Room, Row, reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::{Selection, SeriesKey, SeriesRow};

use crate::{Retrieval, database};

/// What a series was like, bucket by bucket.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct History {
    metric: String,
    labels: Labels,
    series: SeriesId,
    /// The buckets that have a sample, in the order of time.
    points: Vec<HistoryPoint>,
}

/// The samples after `start`, up to and including the end of the step.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryPoint {
    start: Timestamp,
    /// The smallest value; null where it is infinite.
    min: Option<f64>,
    /// The greatest value; null where it is infinite.
    max: Option<f64>,
    /// The arithmetic mean; null where it is not finite.
    average: Option<f64>,
    samples: u64,
}

impl Row for History {
    const LIST: &'static str = "history";
}

/// How far a list was shown.
#[derive(Default, Serialize, Deserialize)]
struct Shown {
    /// The last series of which everything is shown.
    series: Option<SeriesKey>,
    /// Up to when the one after it is.
    until: Option<Timestamp>,
}

/// Without `from`: so long before `to`.
const DEFAULT_SPAN: Duration = Duration::from_secs(86_400);
/// A page ends with so many points though there is room for more: somebody waits for them.
const MOST_POINTS: usize = 20_000;

pub(crate) async fn answer(retrieval: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    let store = &retrieval.store;
    let mut query = call.query();
    let cursor = query.cursor::<Shown>();
    let span = query.span();
    let length = match query.word("step", &["5m", "1h"]) {
        Some("1h") => BucketLength::Hour,
        _ => BucketLength::FiveMinutes,
    };
    let pinned = cursor.as_ref().map_or(call.now, |cursor| cursor.pinned);
    let selection = Selection {
        metric: query.metric(),
        labels: query.labels(),
        from: None,
        to: None,
        pinned,
        limit: query.limit(),
    };
    query.finish()?;
    let to = length.end_of(span.to.unwrap_or(pinned));
    let from = length.start_of(span.from.unwrap_or(to - DEFAULT_SPAN));
    let mut shown = cursor.map(|cursor| cursor.after).unwrap_or_default();
    let series = store.series(&selection, shown.series.clone()).await;
    let series = series.map_err(database)?;
    let (mut history, mut room, mut points) = (Vec::new(), Room::default(), 0);
    let mut is_all = !series.more;
    for row in &series.rows {
        let start = shown.until.unwrap_or(from);
        let left = MOST_POINTS - points;
        let buckets = store.buckets(row.id, length, (start, to), left + 1).await;
        let mut buckets = buckets.map_err(database)?;
        let is_cut = buckets.len() > left;
        buckets.truncate(left);
        let last = buckets.last().map(|bucket| bucket.end);
        if !buckets.is_empty() {
            points += buckets.len();
            let entry = History::of(row, &buckets, length);
            if !room.take(&entry) {
                is_all = false;
                break;
            }
            history.push(entry);
        }
        if is_cut {
            shown.until = last.or(shown.until);
            is_all = false;
            break;
        }
        shown = Shown {
            series: Some(row.key()),
            until: None,
        };
    }
    let next = (!is_all).then(|| query.next(pinned, shown));
    reply::ok(&Page::of(history).with_next(next))
}

impl History {
    fn of(row: &SeriesRow, buckets: &[Bucket], length: BucketLength) -> Self {
        let points = buckets.iter().map(|bucket| HistoryPoint {
            start: bucket.end - length.duration(),
            min: bucket.min,
            max: bucket.max,
            average: bucket.average,
            samples: bucket.samples,
        });
        Self {
            metric: row.metric.clone(),
            labels: row.labels.clone(),
            series: row.id,
            points: points.collect(),
        }
    }
}
