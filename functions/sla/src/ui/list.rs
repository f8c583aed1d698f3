//! `GET /ui`: all SLAs, the worst first.

use http_api::{ApiError, Call, Reply, html};
use pages::{Asked, List, Moment, ShownSla, Sort, State, arranged};

use super::{
    frame,
    known::{Known, worths},
};
use crate::{SlaManager, database};

/// SLAs on a page.
const MOST_SHOWN: usize = 200;
const LONGEST_TEXT: usize = 200;

pub(crate) async fn page(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let asked = Asked {
        sort: query
            .word("sort", Sort::WORDS)
            .map_or(Sort::Worst, Sort::of_word),
        state: query.word("state", State::WORDS).and_then(State::of_word),
        text: query.text("q", LONGEST_TEXT),
        skip: query.skip(),
    };
    let as_of = query.moment("as_of", call.now);
    query.finish()?;
    let in_force = manager.store.active_slas().await.map_err(database)?;
    let worths = worths(manager, None, as_of).await;
    let mut slas: Vec<ShownSla> = Vec::new();
    for sla in &in_force {
        match Known::read(manager, call, &sla.name, as_of).await {
            Ok(known) => slas.push(known.shown(&worths)),
            // Retired since the names were read.
            Err(ApiError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let newest = slas.iter().filter_map(|sla| sla.as_of).max();
    let total = slas.len();
    let text = asked.text.as_deref();
    // The counters are of what the text finds, whatever the state.
    let found = arranged(slas, asked.sort, None, text);
    let count = |state| {
        let rows = found.iter().flat_map(|sla| &sla.rows);
        rows.filter(|row| row.check.state == state).count()
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
    let base = call.path_of("");
    let moment = newest.map(|newest| Moment {
        as_of: newest,
        stale: is_stale,
    });
    Ok(html::page(call, |now| {
        pages::list(&frame(call, &base, now, as_of, moment), &list)
    }))
}
