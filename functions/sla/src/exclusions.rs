//! `/sla/{name}/exclusions`: time that is taken out of an SLA, and taken back.

use domain::{
    Timestamp,
    sla::{Exclusion, ExclusionDraft},
};
use http_api::{ApiError, Call, Fault, Reply, TimeFilter, reply};
use serde::Serialize;
use store::sla::ExclusionOutcome;

use crate::{
    Endpoint, SlaManager, database,
    set::{invalid, missing},
};

#[derive(Serialize)]
struct Listing {
    exclusions: Vec<Exclusion>,
    next: Option<String>,
}

/// `POST /sla/{name}/exclusions`.
pub(crate) async fn create(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let draft = ExclusionDraft::parse(&call.json()?).map_err(invalid)?;
    let outcome = manager
        .store
        .create_exclusion(&call.name, &draft, now)
        .await
        .map_err(database)?;
    match outcome {
        ExclusionOutcome::Created(exclusion) => {
            let location = format!("/sla/{}/exclusions/{}", call.name, exclusion.id);
            reply::created(&call.path_of(&location), &exclusion)
        }
        ExclusionOutcome::NoSla => Err(missing(&call.name)),
        ExclusionOutcome::NoObjective => Err(ApiError::Invalid(vec![Fault::at(
            "/objective",
            "is no objective of any version of the SLA",
        )])),
        ExclusionOutcome::TooMany { most } => Err(ApiError::Conflict(format!(
            "SLA `{}` has {most} exclusions in effect, the most there may be: DELETE some",
            call.name
        ))),
    }
}

/// `GET /sla/{name}/exclusions`.
pub(crate) async fn list(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let before = query.cursor::<u64>().map(|cursor| cursor.after);
    let limit = query.limit();
    let TimeFilter { from, to } = query.time();
    query.finish()?;
    let page = manager
        .store
        .exclusions(&call.name, (from, to), limit, before)
        .await
        .map_err(database)?;
    let page = page.ok_or_else(|| missing(&call.name))?;
    let last = page.exclusions.last().filter(|_| page.more);
    reply::ok(&Listing {
        next: last.map(|last| query.next(now, last.id)),
        exclusions: page.exclusions,
    })
}

/// `DELETE /sla/{name}/exclusions/{id}`.
pub(crate) async fn delete(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let nobody = || {
        let id: String = call.id.chars().take(20).collect();
        ApiError::NotFound(format!("SLA `{}` has no exclusion {id}", shown(&call.name)))
    };
    let id: u64 = call.id.parse().map_err(|_| nobody())?;
    let exclusion = manager
        .store
        .delete_exclusion(&call.name, id, now)
        .await
        .map_err(database)?;
    reply::ok(&exclusion.ok_or_else(nobody)?)
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}
