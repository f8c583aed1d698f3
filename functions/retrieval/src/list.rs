//! The lists: what is asked for, read and put into a page.

use std::future::Future;

use domain::{
    Timestamp, Window,
    message::{MetadataDocument, PredictionDocument, RunDocument},
};
use http_api::{ApiError, Call, Page, Query, Reply, Row, TimeFilter, reply};
use serde::{Serialize, de::DeserializeOwned};
use store::{
    Store, StoreError,
    read::{
        DocumentKey, DocumentRow, MetricKey, MetricRow, Page as Found, RunKey, Selection,
        SeriesDocument, SeriesKey, SeriesRow,
    },
};

use crate::{
    Retrieval,
    answers::{Metadata, Metric, Prediction, Run, Series},
    database,
};

/// A row of the store that is listed.
pub(crate) trait Listed: Sized + Sync {
    /// Its key, in the order of the list.
    type Key: Serialize + DeserializeOwned + Send;
    /// What is asked beside the filters of every list.
    type Extra: Send + Sync;
    /// How it is shown.
    type Shown<'a>: Row
    where
        Self: 'a;

    fn extra(query: &mut Query) -> Self::Extra;

    fn read(
        store: &Store,
        selection: &Selection,
        extra: Self::Extra,
        after: Option<Self::Key>,
    ) -> impl Future<Output = Result<Found<Self>, StoreError>> + Send;

    fn key(&self) -> Self::Key;

    fn shown(&self) -> Self::Shown<'_>;

    /// The run that it is of, where the pages of the list show one run.
    fn run(&self) -> Option<Timestamp>;
    /// Whether the pages of the list show one run.
    const OF_A_RUN: bool;
}

/// A list as it is asked for.
pub(crate) struct Request<K> {
    pub(crate) query: Query,
    pub(crate) selection: Selection,
    pub(crate) after: Option<K>,
}

/// A page of a list.
pub(crate) async fn answer<L: Listed>(
    retrieval: &Retrieval,
    call: &Call,
) -> Result<Reply, ApiError> {
    let Request {
        mut query,
        selection,
        after,
    } = request(call);
    let extra = L::extra(&mut query);
    query.finish()?;
    let store = &retrieval.store;
    let pinned = if L::OF_A_RUN && after.is_none() {
        newest_run(store, &selection).await?
    } else {
        selection.pinned
    };
    let found = L::read(store, &selection, extra, after)
        .await
        .map_err(database)?;
    let page = Page::of(found.rows.iter().map(L::shown));
    let shown = &found.rows[..page.len()];
    let pinned = shown.iter().filter_map(L::run).fold(pinned, Ord::max);
    let more = found.more || shown.len() < found.rows.len();
    let next = next(&query, pinned, more, shown.last().map(L::key));
    reply::ok(&page.with_next(next))
}

/// What all lists take.
pub(crate) fn request<K: DeserializeOwned>(call: &Call) -> Request<K> {
    let mut query = call.query();
    let cursor = query.cursor::<K>();
    let TimeFilter { from, to } = query.time();
    let selection = Selection {
        metric: query.metric(),
        labels: query.labels(),
        from,
        to,
        pinned: cursor.as_ref().map_or(call.now, |cursor| cursor.pinned),
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
async fn newest_run(store: &Store, selection: &Selection) -> Result<Timestamp, ApiError> {
    let newest = store.newest_run().await.map_err(database)?;
    Ok(newest.map_or(Timestamp::EPOCH, |newest| newest.min(selection.pinned)))
}

impl Listed for SeriesRow {
    type Key = SeriesKey;
    type Extra = ();
    type Shown<'a> = Series<'a>;

    fn extra(_: &mut Query) {}

    async fn read(
        store: &Store,
        selection: &Selection,
        (): (),
        after: Option<SeriesKey>,
    ) -> Result<Found<Self>, StoreError> {
        store.series(selection, after).await
    }

    fn key(&self) -> SeriesKey {
        self.key()
    }

    fn shown(&self) -> Series<'_> {
        Series::of(self)
    }

    fn run(&self) -> Option<Timestamp> {
        None
    }

    const OF_A_RUN: bool = false;
}

impl Listed for MetricRow {
    type Key = MetricKey;
    type Extra = Option<Window>;
    type Shown<'a> = Metric<'a>;

    fn extra(query: &mut Query) -> Option<Window> {
        query.window()
    }

    async fn read(
        store: &Store,
        selection: &Selection,
        window: Option<Window>,
        after: Option<MetricKey>,
    ) -> Result<Found<Self>, StoreError> {
        store.metrics(selection, window, after).await
    }

    fn key(&self) -> MetricKey {
        self.key()
    }

    fn shown(&self) -> Metric<'_> {
        Metric::of(self)
    }

    fn run(&self) -> Option<Timestamp> {
        Some(self.as_of)
    }

    const OF_A_RUN: bool = true;
}

/// A document that is listed, and how it is shown.
pub(crate) trait Shown: SeriesDocument + Send + Sync {
    type As<'a>: Row
    where
        Self: 'a;

    fn shown(&self) -> Self::As<'_>;
}

impl Shown for MetadataDocument {
    type As<'a> = Metadata<'a>;

    fn shown(&self) -> Metadata<'_> {
        Metadata::of(self)
    }
}

impl Shown for PredictionDocument {
    type As<'a> = Prediction<'a>;

    fn shown(&self) -> Prediction<'_> {
        Prediction::of(self)
    }
}

impl<D: Shown> Listed for DocumentRow<D> {
    type Key = DocumentKey;
    type Extra = bool;
    type Shown<'a>
        = D::As<'a>
    where
        D: 'a;

    fn extra(query: &mut Query) -> bool {
        query.full()
    }

    async fn read(
        store: &Store,
        selection: &Selection,
        full: bool,
        after: Option<DocumentKey>,
    ) -> Result<Found<Self>, StoreError> {
        store.documents(selection, full, after).await
    }

    fn key(&self) -> DocumentKey {
        self.key()
    }

    fn shown(&self) -> D::As<'_> {
        self.document.shown()
    }

    fn run(&self) -> Option<Timestamp> {
        Some(self.as_of())
    }

    const OF_A_RUN: bool = true;
}

impl Listed for RunDocument {
    type Key = RunKey;
    type Extra = ();
    type Shown<'a> = Run<'a>;

    fn extra(_: &mut Query) {}

    async fn read(
        store: &Store,
        selection: &Selection,
        (): (),
        after: Option<RunKey>,
    ) -> Result<Found<Self>, StoreError> {
        store.runs(selection, after).await
    }

    fn key(&self) -> RunKey {
        RunKey::of(self)
    }

    fn shown(&self) -> Run<'_> {
        Run(self)
    }

    fn run(&self) -> Option<Timestamp> {
        None
    }

    const OF_A_RUN: bool = false;
}
