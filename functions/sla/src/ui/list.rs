//! `GET /ui`: all SLAs, the worst first.

use std::time::Duration;

use domain::{BucketLength, SeriesId};
use http_api::{ApiError, Call, Reply, html};
use pages::{Asked, List, Moment, Row, ShownSla, Sort, State, arranged};

use super::{
    frame,
    known::{Known, worths},
    objective::point,
};
use crate::{SlaManager, database};

/// SLAs on a page.
const MOST_SHOWN: usize = 200;
const LONGEST_TEXT: usize = 200;

/// What is drawn of a series.
const DRAWN: Duration = Duration::from_secs(3 * 3600);
/// Buckets of all series of a list.
const MOST_BUCKETS: usize = 20_000;

/// Adds what the series of the objectives of ranges were like, as far as there are not too many.
async fn add_history(manager: &SlaManager, slas: &mut [ShownSla]) -> Result<(), ApiError> {
    let Some(newest) = slas.iter().filter_map(|sla| sla.as_of).max() else {
        return Ok(());
    };
    let id = |row: &Row| -> Option<SeriesId> { row.check.series_id.as_deref()?.parse().ok() };
    let ids: Vec<SeriesId> = slas
        .iter()
        .flat_map(|sla| &sla.rows)
        .filter_map(id)
        .collect();
    let found = manager
        .store
        .stored_buckets(&ids, (newest - DRAWN, newest), MOST_BUCKETS)
        .await
        .map_err(database)?;
    let found = found.unwrap_or_default();
    for row in slas.iter_mut().flat_map(|sla| &mut sla.rows) {
        let own = id(row).and_then(|id| found.get(&id));
        let five_minutes = own
            .into_iter()
            .flatten()
            .filter(|(length, _)| *length == BucketLength::FiveMinutes);
        row.history = five_minutes
            .filter_map(|(_, bucket)| point(bucket))
            .collect();
    }
    Ok(())
}

pub(crate) async fn page(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let asked = Asked {
        sort: query
            .typed_word("sort", Sort::WORDS)
            .map_or(Sort::Worst, Sort::of_word),
        state: query
            .typed_word("state", State::WORDS)
            .and_then(State::of_word),
        text: query.typed("q", LONGEST_TEXT),
        skip: query.skip(),
    };
    let as_of = query.moment("as_of", call.now);
    query.finish()?;
    let known = Known::read_all(manager, call, as_of).await?;
    let worths = worths(manager, None, as_of).await;
    let mut slas: Vec<ShownSla> = known
        .into_iter()
        .map(|known| known.shown(&worths))
        .collect();
    add_history(manager, &mut slas).await?;
    let newest = slas.iter().filter_map(|sla| sla.as_of).max();
    let total = slas.len();
    let text = asked.text.as_deref();
    // The counters are of what the text finds, whatever the state.
    let found = arranged(slas, asked.sort, None, text);
    let count = |state| {
        let rows = found.iter().flat_map(|sla| &sla.rows);
        rows.filter(|row| row.is(state)).count()
    };
    let counts = State::ALL.map(|state| (state, count(state))).to_vec();
    let is_stale = !found.is_empty() && found.iter().all(|sla| sla.stale);
    let shown = match asked.state {
        Some(state) => arranged(found, asked.sort, Some(state), None),
        None => found,
    };
    let fitting = shown.len();
    let slas = shown
        .into_iter()
        .skip(asked.skip)
        .take(MOST_SHOWN)
        .collect();
    let list = List {
        slas,
        counts,
        total,
        fitting,
        asked,
    };
    let base = (call.path_of(""), call.base_url());
    let moment = newest.map(|newest| Moment {
        as_of: newest,
        stale: is_stale,
    });
    Ok(html::page(call, |now| {
        pages::list(&frame(call, &base, now, as_of, moment), &list)
    }))
}
