//! `GET /sla/{name}/violations`: what is kept of the violations of every version.

use std::time::Duration;

use domain::{Labels, SpanSet, Timestamp, evaluation::Episode};
use http_api::{ApiError, Call, Reply, TimeFilter, reply};
use serde::Serialize;
use store::{
    read::Selection,
    sla::{ViolationKey, ViolationRow},
};

use crate::{Endpoint, SlaManager, database, set::missing};

/// A violation, and how much of it is excluded.
#[derive(Serialize)]
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

#[derive(Serialize)]
struct Violation<'a> {
    objective: &'a str,
    metric: &'a str,
    labels: &'a Labels,
    version: u32,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Serialize)]
struct Violations<'a> {
    violations: Vec<Violation<'a>>,
    next: Option<String>,
}

pub(crate) async fn answer(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
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
        pinned: cursor.as_ref().map_or(now, |cursor| cursor.pinned),
        limit: query.limit(),
    };
    let objective = query.objective();
    query.finish()?;
    let (store, name) = (&manager.store, &call.name);
    if !store.sla_existed(name).await.map_err(database)? {
        return Err(missing(name));
    }
    let after = cursor.map(|cursor| cursor.after);
    let page = store
        .violations(name, objective.as_deref(), &selection, after.as_ref())
        .await
        .map_err(database)?;
    let excluded = store.excluded_time(name).await.map_err(database)?;
    let last = page.rows.last().filter(|_| page.more);
    reply::ok(&Violations {
        next: last.map(|last| query.next(selection.pinned, last.key())),
        violations: page
            .rows
            .iter()
            .map(|row| violation(row, excluded.of(&row.objective)))
            .collect(),
    })
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
