//! The SLA set: create, list, get, replace, retire.

use domain::{
    Labels, MetricName, Timestamp,
    sla::{About, AnyObjective, Draft, Objective, Origin, SlaName},
};
use http_api::{ApiError, Call, Fault, MOST_BODY_BYTES, Page, Reply, Room, Row, TimeFilter, reply};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::{
    replay::NewReplay,
    sla::{Change, Condition, SlaVersion, StoredSla},
};

use crate::{
    SlaManager,
    advice::{self, Advice},
    bound, counters, database,
    evaluator::Request,
    events, export, name_in, replay,
};

/// Rows of a list that are looked through at once for what the database does not look for.
pub(crate) const MOST_AT_ONCE: u32 = 1_000;

/// An SLA as it is answered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sla")]
pub(crate) struct SlaDocument {
    name: String,
    version: u32,
    created_at: Timestamp,
    #[serde(flatten)]
    about: About,
    /// The document that it was imported from; an SLA that was made by hand has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    objectives: Vec<ObjectiveDocument>,
    /// After an import: whether it is in force as it is, so that nothing changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    unchanged: Option<bool>,
    /// After a change: the first how many objectives have `matches` and `warnings`. All do, unless there is no room for
    /// more of them in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    advised: Option<usize>,
    /// Whether etl was asked to evaluate it; after a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation: Option<Request>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SlaObjective")]
struct ObjectiveDocument {
    #[serde(flatten)]
    objective: AnyObjective,
    /// Of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    for_seconds: Option<f64>,
    /// After a change.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    advice: Option<Advice>,
}

impl Row for SlaDocument {
    const LIST: &'static str = "slas";
}

/// An SLA that was retired.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Retired<'a> {
    name: &'a str,
    version: u32,
    retired_at: Timestamp,
}

/// `POST /sla`. Without a name the default SLA is meant, which is made or replaced, whichever it takes.
pub(crate) async fn create(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let evaluate = evaluate(call)?;
    let draft = draft(&call.json()?)?;
    let (name, condition) = match draft.name.clone() {
        Some(name) if is_a_route(&name) => {
            return Err(ApiError::Invalid(vec![Fault::at("/name", NAME_OF_A_ROUTE)]));
        }
        Some(name) => (name, Condition::Absent),
        None => (SlaName::default_name(), Condition::Any),
    };
    put(
        manager,
        call,
        SlaChange::of(draft, name, condition, evaluate),
    )
    .await
}

/// `GET /sla`.
pub(crate) async fn list(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let mut after = query.cursor::<SlaName>().map(|cursor| cursor.after);
    let limit = query.limit();
    let metric = query.metric();
    let labels = query.labels();
    let TimeFilter { from, to } = query.time();
    query.finish()?;
    let at_once = if labels.0.is_empty() {
        limit
    } else {
        MOST_AT_ONCE
    };
    let (mut found, mut more) = (Vec::new(), true);
    // Without labels the database ends a page where it gets too long.
    while more && (found.is_empty() || !labels.0.is_empty() && found.len() < limit as usize) {
        let page = manager
            .store
            .slas(metric.as_deref(), (from, to), at_once, after.as_deref())
            .await
            .map_err(database)?;
        after = page.slas.last().map(|own| own.sla.name.clone());
        more = page.more;
        let fits = |own: &StoredSla| {
            let (sla, mut objectives) = (&own.sla, own.sla.all().into_iter());
            labels.0.is_empty()
                || objectives.any(|own| is_of(&sla.name, &own, metric.as_deref(), &labels))
        };
        found.extend(page.slas.into_iter().filter(fits));
    }
    more |= found.len() > limit as usize;
    found.truncate(limit as usize);
    let names: Vec<SlaName> = found.iter().map(|own| own.sla.name.clone()).collect();
    let page = Page::of(found.into_iter().map(document));
    more |= page.len() < names.len();
    let last = names[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(call.now, last));
    reply::ok(&page.with_next(next))
}

/// Whether an objective is of a metric and of labels that are asked for. One of events asks for no labels.
pub(crate) fn is_of(
    sla: &SlaName,
    objective: &AnyObjective,
    metric: Option<&str>,
    labels: &Labels,
) -> bool {
    let is_of_metric = |own: &str| metric.is_none_or(|metric| own == metric);
    match objective {
        AnyObjective::Range(own) => {
            let mut wanted = labels.0.iter();
            is_of_metric(&own.metric)
                && wanted.all(|(name, value)| own.labels.0.get(name) == Some(value))
        }
        AnyObjective::Events(own) => {
            is_of_metric(&MetricName::of_objective(sla, &own.id)) && labels.0.is_empty()
        }
    }
}

/// `GET /sla/{name}`.
pub(crate) async fn get(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let is_openslo = query.is_openslo();
    query.finish()?;
    let name = name_in(call)?;
    let stored = manager.store.sla(&name).await.map_err(database)?;
    let stored = stored.ok_or_else(|| missing(&name))?;
    let version = stored.sla.version;
    if is_openslo || call.accepts_yaml() {
        return Ok(reply::with_version(export::export(&stored)?, version));
    }
    Ok(reply::with_version(reply::ok(&document(stored))?, version))
}

/// `PUT /sla/{name}`.
pub(crate) async fn replace(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let evaluate = evaluate(call)?;
    let condition = Condition::InForce(call.if_match()?);
    let draft = draft(&call.json()?)?;
    let name = name_in(call)?;
    if draft.name.as_ref().is_some_and(|other| *other != name) {
        return Err(ApiError::Invalid(vec![Fault::at(
            "/name",
            "must be the name in the path",
        )]));
    }
    put(
        manager,
        call,
        SlaChange::of(draft, name, condition, evaluate),
    )
    .await
}

/// `DELETE /sla/{name}`.
pub(crate) async fn retire(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let condition = Condition::InForce(call.if_match()?);
    let name = name_in(call)?;
    let change = manager
        .store
        .retire_sla(&name, &condition, call.now)
        .await
        .map_err(database)?;
    let version = made(change, &name)?;
    reply::ok(&Retired {
        name: &name,
        version,
        retired_at: call.now,
    })
}

/// Whether the SLA is to be evaluated at once.
fn evaluate(call: &Call) -> Result<bool, ApiError> {
    let mut query = call.query();
    let evaluate = query.evaluate();
    query.finish()?;
    Ok(evaluate)
}

/// An SLA as it is to be.
struct SlaChange {
    name: SlaName,
    about: About,
    objectives: Vec<AnyObjective>,
    condition: Condition,
    evaluate: bool,
    replay: bool,
}

impl SlaChange {
    fn of(draft: Draft, name: SlaName, condition: Condition, evaluate: bool) -> Self {
        Self {
            about: draft.about.clone(),
            replay: draft.replay,
            objectives: draft.objectives_of(&name),
            name,
            condition,
            evaluate,
        }
    }
}

/// `GET /sla/import` is no SLA's.
pub(crate) fn is_a_route(name: &str) -> bool {
    name == "import"
}

/// Why no SLA is made of that name.
pub(crate) const NAME_OF_A_ROUTE: &str = "is the name of a route: choose another one";

async fn put(manager: &SlaManager, call: &Call, change: SlaChange) -> Result<Reply, ApiError> {
    let SlaChange {
        name,
        about,
        mut objectives,
        condition,
        evaluate,
        replay,
    } = change;
    events::check_queries(
        objectives.iter().map(AnyObjective::query),
        manager.queries_allowed,
    )?;
    events::resolve(&mut objectives)?;
    let version = SlaVersion {
        objectives,
        about,
        origin: None,
    };
    let mut document = planned(&name, &version, 0, call.now);
    let objectives = &version.objectives;
    let mut room = Room::default();
    if !room.fits(&document) {
        return Err(ApiError::Invalid(vec![Fault::at(
            "/objectives",
            format!("must not take more than {MOST_BODY_BYTES} bytes in an answer"),
        )]));
    }
    // What may fail is asked before the change, so that a change that was made is also answered.
    let known = bound::known_series(manager, &[&name], objectives, call.now).await?;
    let counted = counters::known(manager, &[&name], objectives).await?;
    let before = manager.store.sla(&document.name).await.map_err(database)?;
    let replays = if replay {
        replays(manager, objectives, before.as_ref(), call.now)
    } else {
        Vec::new()
    };
    let change = manager
        .store
        .put_version(&document.name, &version, &replays, &condition, call.now)
        .await
        .map_err(database)?;
    document.version = made(change, &document.name)?;
    let advice = room.fitting(advice::on(objectives, &known, counted));
    document.advised = Some(advice.len());
    for (objective, advice) in document.objectives.iter_mut().zip(advice) {
        objective.advice = Some(advice);
    }
    document.evaluation = Some(if evaluate {
        manager.evaluator.evaluate(&document.name).await
    } else {
        Request::not_wanted()
    });
    let reply = match change {
        Change::Created(_) => {
            let location = call.path_of(&format!("/sla/{}", document.name));
            reply::created(&location, &document)?
        }
        _ => reply::ok(&document)?,
    };
    Ok(reply::with_version(reply, document.version))
}

/// Has what is new judged and counted for the time before: all objectives of an SLA that was created, and those that a change
/// adds or defines anew. Events are counted as they are defined now; ranges are judged by the version that was in force.
pub(crate) fn replays(
    manager: &SlaManager,
    objectives: &[AnyObjective],
    before: Option<&StoredSla>,
    now: Timestamp,
) -> Vec<NewReplay> {
    let is_new = |objective: &&AnyObjective| match (before, objective) {
        (None, _) => true,
        (Some(before), AnyObjective::Range(objective)) => {
            let mut known = before.sla.objectives.iter();
            !known.any(|before| is_defined_alike(before, objective))
        }
        (Some(before), AnyObjective::Events(objective)) => {
            !before.sla.events.iter().any(|(_, before)| {
                before.id == objective.id && before.definition() == objective.definition()
            })
        }
    };
    let new = objectives.iter().filter(is_new);
    replay::over_windows(manager, new, before.is_none(), now)
}

/// Whether two objectives of ranges are the same, and report the same violations.
fn is_defined_alike(one: &Objective, other: &Objective) -> bool {
    let rule = |own: &Objective| (own.min, own.max, own.hold);
    one.id == other.id
        && one.metric == other.metric
        && one.query == other.query
        && one.labels == other.labels
        && rule(one) == rule(other)
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

/// That a list ends because the SLA that it is of has another version since its last page.
pub(crate) fn changed_since() -> ApiError {
    let detail =
        "is of another version of the SLA, which has changed since: begin at the first page";
    ApiError::BadParameters(vec![Fault::of("cursor", detail)])
}

fn draft(document: &Value) -> Result<Draft, ApiError> {
    Draft::parse(document).map_err(invalid)
}

/// What is wrong with a body.
pub(crate) fn invalid(faults: Vec<domain::fault::Fault>) -> ApiError {
    ApiError::Invalid(faults.into_iter().map(Fault::from).collect())
}

/// An SLA as it will be, made at `now`.
pub(crate) fn planned(
    name: &SlaName,
    planned: &SlaVersion,
    version: u32,
    now: Timestamp,
) -> SlaDocument {
    let objectives = planned.objectives.iter().cloned();
    SlaDocument {
        name: name.to_string(),
        version,
        created_at: now,
        about: planned.about.clone(),
        origin: planned.origin.clone(),
        objectives: objectives.map(objective_document).collect(),
        unchanged: None,
        advised: None,
        evaluation: None,
    }
}

/// An SLA that is in force as it is to be.
pub(crate) fn unchanged(stored: StoredSla) -> SlaDocument {
    SlaDocument {
        unchanged: Some(true),
        ..document(stored)
    }
}

fn document(stored: StoredSla) -> SlaDocument {
    let objectives = stored.sla.all();
    SlaDocument {
        name: stored.sla.name.into(),
        version: stored.sla.version,
        created_at: stored.created_at,
        about: stored.about,
        origin: stored.origin,
        unchanged: None,
        objectives: objectives.into_iter().map(objective_document).collect(),
        advised: None,
        evaluation: None,
    }
}

fn objective_document(objective: AnyObjective) -> ObjectiveDocument {
    let for_seconds = match &objective {
        AnyObjective::Range(objective) => Some(objective.hold.as_secs_f64()),
        AnyObjective::Events(_) => None,
    };
    ObjectiveDocument {
        for_seconds,
        objective,
        advice: None,
    }
}
