//! `POST /sla/import`: the SLOs of a file of Sloth, Pyrra or OpenSLO as SLAs.

use std::collections::HashSet;

use domain::sla::{AnyObjective, SlaName};
use http_api::{ApiError, Call, Fault, MOST_BODY_BYTES, Place, Reply, Room, reply};
use schemars::JsonSchema;
use serde::Serialize;
use slo_files::{Import, ImportOrigin, ImportedSla, Unreadable};
use store::sla::{Change, Condition, SlaVersion, StoredSla};

use crate::{
    SlaManager, bound, counters, database, events,
    set::{self, NAME_OF_A_ROUTE, SlaDocument},
};

/// What became of a file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SlaImport")]
pub(crate) struct Imported {
    /// The SLAs as `GET /sla/{name}` answers them, or would.
    created: Vec<SlaDocument>,
    /// What the SLAs say in another way than the file, or not at all.
    adapted: Vec<Adapted>,
    /// What became no SLA.
    refused: Vec<Refused>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AdaptedField")]
struct Adapted {
    /// The SLA; null where no SLA comes of it.
    sla: Option<String>,
    /// The document, from 0.
    document: usize,
    /// JSON pointer into it.
    pointer: String,
    /// What became of it.
    what: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RefusedField")]
struct Refused {
    /// The document, from 0.
    document: usize,
    /// JSON pointer into it.
    pointer: String,
    reason: String,
}

impl Refused {
    fn at(place: &slo_files::Place, reason: impl Into<String>) -> Self {
        Self {
            document: place.document,
            pointer: place.pointer.clone(),
            reason: reason.into(),
        }
    }
}

/// An SLA of the file, and what is in force under its name.
struct Planned {
    name: SlaName,
    place: slo_files::Place,
    version: SlaVersion,
    in_force: Option<StoredSla>,
}

impl Planned {
    /// Whether it is in force as it is.
    fn is_unchanged(&self) -> bool {
        self.in_force.as_ref().is_some_and(|stored| {
            stored.about == self.version.about && stored.sla.all() == self.version.objectives
        })
    }
}

pub(crate) async fn import(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let is_dry = query.dry_run();
    let window = query.budget_window();
    query.finish()?;
    let mut read = slo_files::read(call.yaml()?, window).map_err(unreadable)?;
    if !manager.queries_allowed {
        refuse_queries(&mut read);
    }
    let (mut planned, mut imported) = plan(manager, read).await?;
    check_bounds(manager, call, &mut planned, &mut imported).await?;
    let mut room = Room::default();
    let mut made = HashSet::new();
    for planned in planned {
        let name = planned.name.to_string();
        let document = make(manager, call, planned, is_dry, &mut imported.refused).await?;
        let fits = document.as_ref().is_none_or(|document| room.fits(document));
        if !fits && is_dry {
            let reason = format!("makes SLAs of more than {MOST_BODY_BYTES} bytes: divide it");
            return Err(ApiError::Invalid(vec![Fault::at("", reason)]));
        }
        made.extend(document.as_ref().map(|_| name));
        imported.created.extend(document.filter(|_| fits));
    }
    // The name of what was refused may be that of somebody else's SLA.
    for adapted in &mut imported.adapted {
        adapted.sla = adapted.sla.take().filter(|name| made.contains(name));
    }
    reply::ok(&imported)
}

fn unreadable(error: Unreadable) -> ApiError {
    match error {
        Unreadable::TooLong => ApiError::TooLarge {
            limit: slo_files::LONGEST_BODY,
        },
        Unreadable::NotYaml { .. } => ApiError::NotYaml(error.to_string()),
        Unreadable::BeyondBound { .. } => ApiError::Invalid(vec![Fault::at("", error.to_string())]),
    }
}

/// Takes out the objectives with a query.
fn refuse_queries(import: &mut Import) {
    for sla in &mut import.slas {
        let mut places = std::mem::take(&mut sla.places).into_iter();
        sla.draft.objectives.retain(|objective| {
            let place = places.next().unwrap_or_else(|| sla.place.clone());
            let has_query = objective.query().is_some();
            if has_query {
                let reason = format!("becomes a query, which {}", events::NO_QUERIES);
                import.refused.push(slo_files::Refused { place, reason });
            }
            !has_query
        });
    }
    import.slas.retain(|sla| !sla.draft.objectives.is_empty());
}

/// What is to be made, and what the file itself gives reason to refuse.
async fn plan(manager: &SlaManager, import: Import) -> Result<(Vec<Planned>, Imported), ApiError> {
    let mut refused: Vec<Refused> = import
        .refused
        .iter()
        .map(|refused| Refused::at(&refused.place, refused.reason.clone()))
        .collect();
    let mut planned = Vec::new();
    for sla in import.slas {
        let place = sla.place.clone();
        match plan_one(manager, sla).await? {
            Ok(one) => planned.push(one),
            Err(reason) => refused.push(Refused::at(&place, reason)),
        }
    }
    let adapted = import.adapted.into_iter().map(|adapted| Adapted {
        sla: adapted.sla.map(|name| name.to_string()),
        document: adapted.place.document,
        pointer: adapted.place.pointer,
        what: adapted.what,
    });
    let imported = Imported {
        created: Vec::new(),
        adapted: adapted.collect(),
        refused,
    };
    Ok((planned, imported))
}

/// An SLA of the file as it is to be; or why it is refused.
async fn plan_one(
    manager: &SlaManager,
    sla: ImportedSla,
) -> Result<Result<Planned, String>, ApiError> {
    let ImportedSla {
        name,
        draft,
        origin,
        place,
        ..
    } = sla;
    if set::is_a_route(&name) {
        return Ok(Err(format!("`{name}` {NAME_OF_A_ROUTE}")));
    }
    let in_force = manager.store.sla(&name).await.map_err(database)?;
    if let (Some(stored), ImportOrigin::Document(origin)) = (&in_force, &origin)
        && stored.origin.as_ref() != Some(origin)
    {
        return Ok(Err(match &stored.origin {
            None => format!(
                "an SLA `{name}` is in force that was made by hand: rename one of them, or retire it"
            ),
            Some(other) => format!(
                "an SLA `{name}` is in force that comes from another document ({} {} `{}`, namespace `{}`): rename one of them",
                other.format, other.kind, other.name, other.namespace
            ),
        }));
    }
    let about = draft.about.clone();
    let mut objectives = draft.objectives_of(&name);
    if let Err(ApiError::Invalid(faults)) = events::resolve(&mut objectives) {
        let faults: Vec<String> = faults.iter().map(|fault| fault.detail.clone()).collect();
        return Ok(Err(faults.join("; ")));
    }
    let origin = match &in_force {
        Some(stored) => stored.origin.clone(),
        None => Some(origin.of_new(&name)),
    };
    Ok(Ok(Planned {
        name,
        place,
        version: SlaVersion {
            objectives,
            about,
            origin,
        },
        in_force,
    }))
}

/// Refuses what a run could not count, all SLAs of the file together.
///
/// # Errors
/// 422 when the SLAs together are too many for a run.
async fn check_bounds(
    manager: &SlaManager,
    call: &Call,
    planned: &mut Vec<Planned>,
    imported: &mut Imported,
) -> Result<(), ApiError> {
    let changed: Vec<&Planned> = planned.iter().filter(|one| !one.is_unchanged()).collect();
    let names: Vec<&str> = changed.iter().map(|one| &*one.name).collect();
    let mut objectives: Vec<AnyObjective> = Vec::new();
    let mut owners = Vec::new();
    for one in &changed {
        objectives.extend(one.version.objectives.iter().cloned());
        owners.resize(objectives.len(), one.name.clone());
    }
    bound::known_series(manager, &names, &objectives, call.now).await?;
    let counted = counters::known(manager, &names, &objectives).await;
    let faults = match counted {
        Ok(_) => return Ok(()),
        Err(ApiError::Invalid(faults)) => faults,
        Err(error) => return Err(error),
    };
    let mut refused = HashSet::new();
    for fault in &faults {
        let Place::Pointer(pointer) = &fault.place else {
            return Err(ApiError::Invalid(faults));
        };
        let position = pointer
            .split('/')
            .nth(2)
            .and_then(|text| text.parse::<usize>().ok());
        let Some(owner) = position.and_then(|position| owners.get(position)) else {
            // It is about all of them.
            return Err(ApiError::Invalid(faults));
        };
        if let Some(one) = planned.iter().find(|one| one.name == *owner) {
            let reason = format!("SLA `{owner}`: {}", fault.detail);
            imported.refused.push(Refused::at(&one.place, reason));
        }
        refused.insert(owner.clone());
    }
    planned.retain(|one| !refused.contains(&one.name));
    Ok(())
}

/// Makes an SLA, in a transaction of its own, or says what it would be. `None` where somebody else was faster.
async fn make(
    manager: &SlaManager,
    call: &Call,
    planned: Planned,
    is_dry: bool,
    refused: &mut Vec<Refused>,
) -> Result<Option<SlaDocument>, ApiError> {
    if planned.is_unchanged() {
        return Ok(planned.in_force.map(set::unchanged));
    }
    let Planned {
        name,
        place,
        version: wanted,
        in_force,
    } = planned;
    if is_dry {
        let newest = manager
            .store
            .newest_version(&name)
            .await
            .map_err(database)?;
        return Ok(Some(set::planned(&name, &wanted, newest + 1, call.now)));
    }
    let condition = match &in_force {
        Some(stored) => Condition::InForce(vec![stored.sla.version]),
        None => Condition::Absent,
    };
    let objectives = &wanted.objectives;
    let replays = set::replays(manager, objectives, in_force.as_ref(), call.now);
    let change = manager
        .store
        .put_version(&name, &wanted, &replays, &condition, call.now)
        .await;
    let change = change.map_err(database)?;
    match change {
        Change::Created(version) | Change::Replaced(version) => {
            Ok(Some(set::planned(&name, &wanted, version, call.now)))
        }
        Change::Retired(_) | Change::Taken(_) | Change::Missing | Change::OtherVersion(_) => {
            let reason =
                format!("the SLA `{name}` was changed at the same time: import the file again");
            refused.push(Refused::at(&place, reason));
            Ok(None)
        }
    }
}
