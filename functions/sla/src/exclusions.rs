//! `/sla/{name}/exclusions`: time that is taken out of an SLA, and taken back.

use domain::{
    Span, Timestamp,
    sla::{Exclusion, ExclusionDraft, ObjectiveId, SlaName},
};
use http_api::{ApiError, Call, Fault, Page, Reply, TimeFilter, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{sla::ExclusionOutcome, slices::budgets};

use crate::{
    SlaManager, database, name_in,
    set::{invalid, missing},
};

/// An exclusion that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    exclusion: Exclusion,
    /// Where it has objectives of events: the start of the first slice that is left out of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<Timestamp>,
    /// Where it has objectives of events: the end of the last slice that is left out of them, as far as is known now. A
    /// slice that reaches back into the exclusion is.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_to: Option<Timestamp>,
}

/// An exclusion in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "ExclusionRow")]
pub(crate) struct Row(Exclusion);

impl http_api::Row for Row {
    const LIST: &'static str = "exclusions";
}

/// `POST /sla/{name}/exclusions`.
pub(crate) async fn create(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let draft = ExclusionDraft::parse(&call.json()?).map_err(invalid)?;
    let name = name_in(call)?;
    let outcome = manager
        .store
        .create_exclusion(&name, &draft, call.now)
        .await
        .map_err(database)?;
    match outcome {
        ExclusionOutcome::Created(exclusion) => {
            let location = format!("/sla/{name}/exclusions/{}", exclusion.id);
            let left_out = left_out(manager, &name, &exclusion).await?;
            let made = Made {
                exclusion,
                effective_from: left_out.map(|span| span.start),
                effective_to: left_out.map(|span| span.end),
            };
            reply::created(&call.path_of(&location), &made)
        }
        ExclusionOutcome::NoSla => Err(missing(&name)),
        ExclusionOutcome::NoObjective => Err(ApiError::Invalid(vec![Fault::at(
            "/objective",
            "must be the id of an objective of some version of the SLA",
        )])),
        ExclusionOutcome::TooMany { most } => Err(ApiError::Conflict(format!(
            "SLA `{name}` already has {most} exclusions in effect, the greatest number: DELETE some"
        ))),
    }
}

/// What an exclusion leaves out of the objectives of events in force that it is about, if there are some.
async fn left_out(
    manager: &SlaManager,
    name: &SlaName,
    exclusion: &Exclusion,
) -> Result<Option<Span>, ApiError> {
    let store = &manager.store;
    let Some(stored) = store.sla(name).await.map_err(database)? else {
        return Ok(None);
    };
    let span = Span {
        start: exclusion.from,
        end: exclusion.to,
    };
    let mut all: Option<Span> = None;
    for (_, objective) in &stored.sla.events {
        let is_meant = |id: &ObjectiveId| *id == objective.id;
        if !exclusion.objective.as_ref().is_none_or(is_meant) {
            continue;
        }
        let left_out = budgets::left_out(store, name, objective, span).await;
        let left_out = left_out.map_err(database)?;
        all = Some(all.map_or(left_out, |all| Span {
            start: all.start.min(left_out.start),
            end: all.end.max(left_out.end),
        }));
    }
    Ok(all)
}

/// `GET /sla/{name}/exclusions`.
pub(crate) async fn list(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let before = query.cursor::<u64>().map(|cursor| cursor.after);
    let limit = query.limit();
    let TimeFilter { from, to } = query.time();
    query.finish()?;
    let name = name_in(call)?;
    let found = manager
        .store
        .exclusions(&name, (from, to), limit, before)
        .await
        .map_err(database)?;
    let found = found.ok_or_else(|| missing(&name))?;
    let ids: Vec<u64> = found.exclusions.iter().map(|own| own.id).collect();
    let page = Page::of(found.exclusions.into_iter().map(Row));
    let more = found.more || page.len() < ids.len();
    let last = ids[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(call.now, last));
    reply::ok(&page.with_next(next))
}

/// `DELETE /sla/{name}/exclusions/{id}`.
pub(crate) async fn delete(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let name = name_in(call)?;
    let nobody = || {
        let id: String = call.id.chars().take(20).collect();
        ApiError::NotFound(format!("SLA `{name}` has no exclusion {id}"))
    };
    let id: u64 = call.id.parse().map_err(|_| nobody())?;
    let exclusion = manager
        .store
        .delete_exclusion(&name, id, call.now)
        .await
        .map_err(database)?;
    reply::ok(&exclusion.ok_or_else(nobody)?)
}
