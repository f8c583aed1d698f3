//! The lists: what is asked for, read and put into a page.

use domain::{Timestamp, message::RunDocument};
use http_api::{ApiError, Call, Query, Reply, TimeFilter, reply};
use serde::{Serialize, de::DeserializeOwned};
use store::{
    Store,
    read::{DocumentRow, Page, RunKey, Selection},
};

use crate::{
    Endpoint,
    answers::{
        Metadata, MetadataPage, Metric, MetricsPage, Prediction, PredictionsPage, RunsPage, Series,
        SeriesPage,
    },
    database,
};

/// A page ends before it has more bytes of documents than this, unless a single one has: a Lambda function may answer
/// 6 MB.
const MOST_BYTES: usize = 4_000_000;

/// A list as it is asked for.
pub(crate) struct Request<K> {
    pub(crate) query: Query,
    pub(crate) selection: Selection,
    pub(crate) after: Option<K>,
}

pub(crate) async fn series(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call, now);
    query.finish()?;
    let page = store.series(&selection, after).await.map_err(database)?;
    let last = page.rows.last().map(|row| row.key());
    reply::ok(&SeriesPage {
        next: next(&query, selection.pinned, page.more, last),
        series: page.rows.iter().map(Series::of).collect(),
    })
}

pub(crate) async fn metrics(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call, now);
    let window = query.window();
    query.finish()?;
    let pinned = pinned(store, &selection, after.is_none()).await?;
    let page = store
        .metrics(&selection, window, after)
        .await
        .map_err(database)?;
    let times = page.rows.iter().map(|row| row.as_of);
    let shown = times.fold(pinned, Ord::max);
    let last = page.rows.last().map(|row| row.key());
    reply::ok(&MetricsPage {
        next: next(&query, shown, page.more, last),
        metrics: page.rows.iter().map(Metric::of).collect(),
    })
}

pub(crate) async fn metadata(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call, now);
    let full = query.full();
    query.finish()?;
    let pinned = pinned(store, &selection, after.is_none()).await?;
    let page = bounded(
        store
            .metadata(&selection, full, after)
            .await
            .map_err(database)?,
    );
    let times = page.rows.iter().map(|row| row.document.as_of);
    let shown = times.fold(pinned, Ord::max);
    let last = page.rows.last().map(DocumentRow::key);
    reply::ok(&MetadataPage {
        next: next(&query, shown, page.more, last),
        metadata: page
            .rows
            .iter()
            .map(|row| Metadata::of(&row.document))
            .collect(),
    })
}

pub(crate) async fn predictions(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call, now);
    let full = query.full();
    query.finish()?;
    let pinned = pinned(store, &selection, after.is_none()).await?;
    let page = bounded(
        store
            .predictions(&selection, full, after)
            .await
            .map_err(database)?,
    );
    let times = page.rows.iter().map(|row| row.document.as_of);
    let shown = times.fold(pinned, Ord::max);
    let last = page.rows.last().map(DocumentRow::key);
    reply::ok(&PredictionsPage {
        next: next(&query, shown, page.more, last),
        predictions: page
            .rows
            .iter()
            .map(|row| Prediction::of(&row.document))
            .collect(),
    })
}

pub(crate) async fn runs(
    store: &Store,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call, now);
    query.finish()?;
    let page: Page<RunDocument> = store.runs(&selection, after).await.map_err(database)?;
    reply::ok(&RunsPage {
        next: next(
            &query,
            selection.pinned,
            page.more,
            page.rows.last().map(RunKey::of),
        ),
        runs: page.rows,
    })
}

/// What all lists take.
pub(crate) fn request<K: DeserializeOwned>(call: &Call<Endpoint>, now: Timestamp) -> Request<K> {
    let mut query = call.query();
    let cursor = query.cursor::<K>();
    let TimeFilter { from, to } = query.time();
    let selection = Selection {
        metric: query.metric(),
        labels: query.labels(),
        from,
        to,
        pinned: cursor.as_ref().map_or(now, |cursor| cursor.pinned),
        limit: query.limit(),
    };
    Request {
        query,
        selection,
        after: cursor.map(|cursor| cursor.after),
    }
}

/// The cursor of the page after this one, if there is one.
pub(crate) fn next<K: Serialize>(
    query: &Query,
    pinned: Timestamp,
    more: bool,
    last: Option<K>,
) -> Option<String> {
    last.filter(|_| more).map(|last| query.next(pinned, last))
}

/// The run that the pages of a list of rows show, as far as it is known before the first of them is read: the newest one
/// that is stored. The first page may show one whose record is still on its way; then that one counts. The clock would
/// not do: a run is about a moment some seconds ago, and one that arrives between two pages would be among the later.
async fn pinned(
    store: &Store,
    selection: &Selection,
    is_first: bool,
) -> Result<Timestamp, ApiError> {
    if !is_first {
        return Ok(selection.pinned);
    }
    let newest = store.newest_run().await.map_err(database)?;
    Ok(newest.map_or(Timestamp::EPOCH, |newest| newest.min(selection.pinned)))
}

/// As much of the page as fits into an answer.
fn bounded<D>(mut page: Page<DocumentRow<D>>) -> Page<DocumentRow<D>> {
    let mut bytes = 0;
    let fitting = page.rows.iter().take_while(|row| {
        bytes += row.bytes;
        bytes <= MOST_BYTES
    });
    let fitting = fitting.count().max(1);
    if fitting < page.rows.len() {
        page.rows.truncate(fitting);
        page.more = true;
    }
    page
}
