//! `GET /sla/{name}/violations`: what is kept of the violations of every version.

use std::time::Duration;

use domain::{Labels, SpanSet, evaluation::Episode};
use http_api::{ApiError, Call, Page, Reply, Row, TimeFilter, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{
    read::Selection,
    sla::{ViolationKey, ViolationRow},
};

use crate::{SlaManager, database, name_in, set::missing};

/// A violation, and how much of it is excluded.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoredEpisode")]
pub(crate) struct Told<'a> {
    #[serde(flatten)]
    episode: &'a Episode,
    excluded_seconds: f64,
}

impl<'a> Told<'a> {
    pub(crate) fn of(episode: &'a Episode, excluded: &SpanSet) -> Self {
        Self {
            episode,
            excluded_seconds: excluded.length_within(episode.span()).as_secs_f64(),
        }
    }
}

/// A stored violation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Violation<'a> {
    objective: &'a str,
    metric: &'a str,
    labels: &'a Labels,
    version: u32,
    #[serde(flatten)]
    told: Told<'a>,
}

impl Row for Violation<'_> {
    const LIST: &'static str = "violations";
}

pub(crate) async fn answer(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let cursor = query.cursor::<ViolationKey>();
    let TimeFilter { from, to } = query.span();
    let run = query.as_of();
    let selection = Selection {
        metric: query.metric(),
        labels: query.labels(),
        // One that goes on at a run ends there, as far as that run knows.
        from: from.max(run.map(|run| run - Duration::from_millis(1))),
        to: [to, run].into_iter().flatten().min(),
        pinned: cursor.as_ref().map_or(call.now, |cursor| cursor.pinned),
        limit: query.limit(),
    };
    let objective = query.objective();
    query.finish()?;
    let (store, name) = (&manager.store, &name_in(call)?);
    if !store.sla_existed(name).await.map_err(database)? {
        return Err(missing(name));
    }
    let after = cursor.map(|cursor| cursor.after);
    let found = store
        .violations(name, objective.as_deref(), &selection, after.as_ref())
        .await
        .map_err(database)?;
    let excluded = store
        .excluded_time(name, call.now)
        .await
        .map_err(database)?;
    let rows = found.rows.iter();
    let page = Page::of(rows.map(|row| violation(row, excluded.of(&row.objective))));
    let more = found.more || page.len() < found.rows.len();
    let last = found.rows[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(selection.pinned, last.key()));
    reply::ok(&page.with_next(next))
}

fn violation<'a>(row: &'a ViolationRow, excluded: &SpanSet) -> Violation<'a> {
    Violation {
        objective: &row.objective,
        metric: &row.series.metric,
        labels: &row.series.labels,
        version: row.version,
        told: Told::of(&row.episode, excluded),
    }
}
