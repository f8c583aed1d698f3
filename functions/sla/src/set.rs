//! The SLA set: create, list, get, replace, retire.

use domain::{
    Timestamp,
    sla::{Draft, Objective, SlaName},
};
use http_api::{ApiError, Call, Fault, Reply, reply};
use serde::Serialize;
use serde_json::Value;
use store::sla::{Change, Condition, StoredSla};

use crate::{
    Endpoint, SlaManager,
    advice::{self, Advice},
    bound, database,
    evaluator::Request,
};

/// An SLA as it is answered.
#[derive(Serialize)]
struct SlaDocument {
    name: String,
    version: u32,
    created_at: Timestamp,
    objectives: Vec<ObjectiveDocument>,
    /// Whether etl was asked to evaluate it; after a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation: Option<Request>,
}

#[derive(Serialize)]
struct ObjectiveDocument {
    #[serde(flatten)]
    objective: Objective,
    for_seconds: f64,
    /// After a change.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    advice: Option<Advice>,
}

#[derive(Serialize)]
struct Listing {
    slas: Vec<SlaDocument>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Retired<'a> {
    name: &'a str,
    version: u32,
    retired_at: Timestamp,
}

/// `POST /sla`. Without a name the default SLA is meant, which is made or replaced, whichever it takes.
pub(crate) async fn create(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let draft = draft(&call.json()?)?;
    let (name, condition) = match draft.name {
        Some(name) => (name, Condition::Absent),
        None => (SlaName::default_name(), Condition::Any),
    };
    put(manager, call, name, draft.objectives, &condition, now).await
}

/// `GET /sla`.
pub(crate) async fn list(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let after = query.cursor::<String>().map(|cursor| cursor.after);
    let limit = query.limit();
    let metric = query.metric();
    query.finish()?;
    let page = manager
        .store
        .slas(metric.as_deref(), limit, after.as_deref())
        .await
        .map_err(database)?;
    let last = page.slas.last().filter(|_| page.more);
    reply::ok(&Listing {
        next: last.map(|last| query.next(now, &last.sla.name)),
        slas: page.slas.into_iter().map(document).collect(),
    })
}

/// `GET /sla/{name}`.
pub(crate) async fn get(manager: &SlaManager, call: &Call<Endpoint>) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let stored = manager.store.sla(&call.name).await.map_err(database)?;
    let stored = stored.ok_or_else(|| missing(&call.name))?;
    let version = stored.sla.version;
    Ok(reply::with_version(reply::ok(&document(stored))?, version))
}

/// `PUT /sla/{name}`.
pub(crate) async fn replace(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let condition = Condition::InForce(call.if_match()?);
    let draft = draft(&call.json()?)?;
    if draft.name.is_some_and(|name| name != call.name.as_str()) {
        return Err(ApiError::Invalid(vec![Fault::at(
            "/name",
            "is not the name in the path",
        )]));
    }
    let name = SlaName::parse(&*call.name).map_err(|_| missing(&call.name))?;
    put(manager, call, name, draft.objectives, &condition, now).await
}

/// `DELETE /sla/{name}`.
pub(crate) async fn retire(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let condition = Condition::InForce(call.if_match()?);
    let change = manager
        .store
        .retire_sla(&call.name, &condition, now)
        .await
        .map_err(database)?;
    let version = made(change, &call.name)?;
    reply::ok(&Retired {
        name: &call.name,
        version,
        retired_at: now,
    })
}

async fn put(
    manager: &SlaManager,
    call: &Call<Endpoint>,
    name: SlaName,
    objectives: Vec<Objective>,
    condition: &Condition,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    // What may fail is asked before the change, so that a change that was made is also answered.
    let known = bound::known_series(manager, &name, &objectives, now).await?;
    let change = manager
        .store
        .put_sla(&name, &objectives, condition, now)
        .await
        .map_err(database)?;
    let version = made(change, &name)?;
    let advice = advice::on(&objectives, &known);
    let document = SlaDocument {
        version,
        created_at: now,
        objectives: objectives
            .into_iter()
            .zip(advice)
            .map(|(objective, advice)| ObjectiveDocument {
                advice: Some(advice),
                ..objective_document(objective)
            })
            .collect(),
        evaluation: Some(manager.evaluator.evaluate(&name).await),
        name: name.into(),
    };
    let reply = match change {
        Change::Created(_) => {
            let location = call.path_of(&format!("/sla/{}", document.name));
            reply::created(&location, &document)?
        }
        _ => reply::ok(&document)?,
    };
    Ok(reply::with_version(reply, version))
}

/// The version a change made, or why it made none.
fn made(change: Change, name: &str) -> Result<u32, ApiError> {
    match change {
        Change::Created(version) | Change::Replaced(version) | Change::Retired(version) => {
            Ok(version)
        }
        Change::Taken(version) => Err(ApiError::Conflict(format!(
            "an SLA `{name}` is in force already, as version {version}: PUT /sla/{name} replaces it"
        ))),
        Change::Missing => Err(missing(name)),
        Change::OtherVersion(version) => Err(ApiError::PreconditionFailed(format!(
            "SLA `{name}` is at version {version}, not at one that If-Match names"
        ))),
    }
}

/// That there is no SLA of that name.
pub(crate) fn missing(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    ApiError::NotFound(format!("there is no SLA `{name}`"))
}

fn draft(document: &Value) -> Result<Draft, ApiError> {
    Draft::parse(document).map_err(invalid)
}

/// What is wrong with a body.
pub(crate) fn invalid(faults: Vec<domain::fault::Fault>) -> ApiError {
    ApiError::Invalid(faults.into_iter().map(Fault::from).collect())
}

fn document(stored: StoredSla) -> SlaDocument {
    SlaDocument {
        name: stored.sla.name.into(),
        version: stored.sla.version,
        created_at: stored.created_at,
        objectives: stored
            .sla
            .objectives
            .into_iter()
            .map(objective_document)
            .collect(),
        evaluation: None,
    }
}

fn objective_document(objective: Objective) -> ObjectiveDocument {
    ObjectiveDocument {
        for_seconds: objective.hold.as_secs_f64(),
        objective,
        advice: None,
    }
}
