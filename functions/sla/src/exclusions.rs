//! `/sla/{name}/exclusions`: time that is taken out of an SLA, and taken back.

use domain::sla::{Exclusion, ExclusionDraft};
use http_api::{ApiError, Call, Fault, Page, Reply, TimeFilter, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::sla::ExclusionOutcome;

use crate::{
    SlaManager, database, name_in,
    set::{invalid, missing},
};

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
            reply::created(&call.path_of(&location), &exclusion)
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
