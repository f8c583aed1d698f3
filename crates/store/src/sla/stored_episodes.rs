//! Episodes that began before what one evaluation read: the evaluation reports them from its own first sample on, the stored
//! ones go back to where they began.

use domain::{
    SeriesId, Span,
    evaluation::{Episode, Side},
};
use sqlx::{QueryBuilder, Row, mysql::MySqlRow};

use super::filled;
use crate::{
    Store, StoreError,
    pipeline::StoredEvaluation,
    read::{column_time, read_time, series_id},
};

const ENTRIES_AT_ONCE: usize = 128;

/// Puts the stored first episode into each of `entries`, where its beginning was not seen.
pub(super) async fn complete(
    store: &Store,
    entries: impl Iterator<Item = &mut StoredEvaluation>,
) -> Result<(), StoreError> {
    let mut cut: Vec<&mut StoredEvaluation> = entries
        .filter(|entry| first_unknown(entry).is_some())
        .collect();
    for entries in cut.chunks_mut(ENTRIES_AT_ONCE) {
        let stored = read(store, entries).await?;
        for entry in entries {
            let series = series_of(entry);
            let owner = (
                entry.document.sla.clone(),
                entry.document.objective.id.clone(),
            );
            let Some(told) = entry
                .document
                .episodes
                .iter_mut()
                .find(|episode| !episode.start_known)
            else {
                continue;
            };
            let whole = stored.iter().find(|(sla, (objective, id, episode))| {
                (owner.0.as_str(), owner.1.as_str()) == (sla.as_str(), objective.as_str())
                    && Some(*id) == series
                    && episode.side == told.side
                    && episode.start <= told.start
                    && episode.end >= told.end
            });
            if let Some((_, (_, _, episode))) = whole {
                *told = episode.clone();
            }
        }
    }
    Ok(())
}

fn first_unknown(entry: &StoredEvaluation) -> Option<&Episode> {
    entry
        .document
        .episodes
        .iter()
        .find(|episode| !episode.start_known)
}

fn series_of(entry: &StoredEvaluation) -> Option<SeriesId> {
    entry.document.series.as_ref().map(|series| series.series)
}

async fn read(
    store: &Store,
    entries: &[&mut StoredEvaluation],
) -> Result<Vec<(String, (String, SeriesId, Episode))>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT sla, objective, series_id, side, `start`, `end`, start_known, ongoing, worst, worst_infinite \
         FROM episode WHERE FALSE",
    );
    for entry in filled(entries) {
        let (Some(series), Some(told)) = (series_of(entry), first_unknown(entry)) else {
            continue;
        };
        let document = &entry.document;
        query.push(" OR (sla = ").push_bind(document.sla.as_str());
        query
            .push(" AND objective = ")
            .push_bind(document.objective.id.as_str());
        query.push(" AND version = ").push_bind(document.version);
        query
            .push(" AND series_id = ")
            .push_bind(series.to_string());
        query.push(" AND side = ").push_bind(name(told.side));
        query
            .push(" AND `start` <= ")
            .push_bind(column_time(told.start));
        query
            .push(" AND `end` >= ")
            .push_bind(column_time(told.end))
            .push(")");
    }
    let rows = query.build().fetch_all(store.pool()).await?;
    let owned = rows
        .iter()
        .map(|row| Ok((row.try_get("sla")?, episode(row)?)));
    owned.collect()
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Below => "below",
        Side::Above => "above",
    }
}

/// An episode in a row, its objective and its series.
pub(super) fn episode(row: &MySqlRow) -> Result<(String, SeriesId, Episode), StoreError> {
    let span = Span {
        start: read_time(row.try_get("start")?),
        end: read_time(row.try_get("end")?),
    };
    let side: &str = row.try_get("side")?;
    let episode = Episode {
        start: span.start,
        start_known: row.try_get("start_known")?,
        end: span.end,
        seconds: span.seconds(),
        worst: row.try_get("worst")?,
        worst_infinite: row.try_get("worst_infinite")?,
        side: if side == name(Side::Below) {
            Side::Below
        } else {
            Side::Above
        },
        ongoing: row.try_get("ongoing")?,
    };
    Ok((row.try_get("objective")?, series_id(row)?, episode))
}
