//! `/sla/{name}/replay`: time that is judged and counted after the fact. etl works it off.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Span, Timestamp,
    events::Minute,
    fault::{Fault, below},
    message::ReplayFailure,
    sla::{AnyObjective, ObjectiveId, Sla},
};
use http_api::{ApiError, Call, Reply, Room, reply};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::replay::{NewReplay, Replay, ReplayOutcome};

use crate::{
    SlaManager, database, name_in,
    set::{invalid, missing},
};

/// A replay.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Replay")]
pub(crate) struct Shown {
    id: u64,
    /// Where its time begins, exclusive.
    from: Timestamp,
    /// Where its time ends, inclusive.
    to: Timestamp,
    /// These objectives alone; null for all.
    objectives: Option<Vec<ObjectiveId>>,
    /// Whether what is final or was judged is replaced.
    replace: bool,
    state: State,
    /// It falls from `to` to `from`.
    done_until: Timestamp,
    /// What could not be read, the first hundred or a few more.
    failures: Vec<ReplayFailure>,
    created_at: Timestamp,
    stopped_at: Option<Timestamp>,
}

/// How a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReplayState", inline)]
enum State {
    /// Nothing is done yet.
    Waiting,
    /// A part is done.
    Running,
    /// All is done.
    Done,
    /// It was stopped before.
    Stopped,
    /// All is done that could be: see `failures`.
    Failed,
}

/// One replay.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct One {
    replay: Shown,
}

/// The replays of an SLA, the newest first, at most 100.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Replays {
    replays: Vec<Shown>,
}

/// Before that a sample may still come late.
const SETTLES: Duration = Duration::from_secs(5 * 60);
/// Slices are kept for so long.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);
const FIELDS: [&str; 4] = ["from", "to", "objectives", "replace"];
const MOST_OBJECTIVES: usize = 10_000;

/// `POST /sla/{name}/replay`.
pub(crate) async fn create(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let name = name_in(call)?;
    let asked = parse(&call.json()?, newest(manager, call.now), call.now).map_err(invalid)?;
    let stored = manager.store.sla(&name).await.map_err(database)?;
    let sla = stored.ok_or_else(|| missing(&name))?.sla;
    let faults = unknown(&asked, &sla);
    if !faults.is_empty() {
        return Err(invalid(faults));
    }
    let created = manager.store.create_replay(&name, asked, call.now).await;
    match created.map_err(database)? {
        ReplayOutcome::Created(replay) => reply::accepted(&One {
            replay: Shown::from(replay),
        }),
        ReplayOutcome::TooMany(most) => Err(ApiError::Conflict(format!(
            "SLA `{name}` already has {most} replays that are not over, the greatest number: wait, or DELETE some"
        ))),
    }
}

/// `GET /sla/{name}/replay`.
pub(crate) async fn list(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let name = name_in(call)?;
    let found = manager.store.replays(&name).await.map_err(database)?;
    if found.is_empty() && !manager.store.sla_existed(&name).await.map_err(database)? {
        return Err(missing(&name));
    }
    let replays: Vec<Shown> = found.into_iter().map(Shown::from).collect();
    let mut room = Room::default();
    reply::ok(&Replays {
        replays: room.fitting(replays),
    })
}

/// `DELETE /sla/{name}/replay/{id}`: stops it.
pub(crate) async fn stop(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let name = name_in(call)?;
    let nobody = || {
        let id: String = call.id.chars().take(20).collect();
        ApiError::NotFound(format!("SLA `{name}` has no replay {id}"))
    };
    let id: u64 = call.id.parse().map_err(|_| nobody())?;
    let stopped = manager.store.stop_replay(&name, id, call.now).await;
    let replay = stopped.map_err(database)?.ok_or_else(nobody)?;
    reply::ok(&One {
        replay: Shown::from(replay),
    })
}

/// The replays of what is new in a version: all objectives of an SLA that is created, over the longest of their budget windows;
/// else each over its own.
pub(crate) fn over_windows<'a>(
    manager: &SlaManager,
    objectives: impl Iterator<Item = &'a AnyObjective>,
    is_created: bool,
    now: Timestamp,
) -> Vec<NewReplay> {
    let end = newest(manager, now);
    let mut windows = BTreeMap::<Timestamp, Vec<ObjectiveId>>::new();
    for objective in objectives {
        let window = match objective {
            AnyObjective::Range(objective) => objective.budget_window,
            AnyObjective::Events(objective) => objective.budget_window,
        };
        let start = window.period(end).start.max(now - LONGEST);
        let ids = windows.entry(Minute::ended_by(start).end()).or_default();
        ids.push(objective.id().clone());
    }
    windows.retain(|start, _| *start < end);
    let replays = windows.into_iter().map(|(start, ids)| NewReplay {
        span: Span { start, end },
        objectives: (!is_created).then_some(ids),
        replace: false,
    });
    let mut replays: Vec<NewReplay> = replays.collect();
    if is_created {
        // The first is the longest, and about all objectives.
        replays.truncate(1);
    }
    replays
}

/// The newest time that is replayed: what comes after it is still counted by runs.
fn newest(manager: &SlaManager, now: Timestamp) -> Timestamp {
    Minute::ended_by(now - manager.settle - SETTLES).end()
}

/// Reads `{"from", "to"?, "objectives"?, "replace"?}`.
fn parse(document: &Value, newest: Timestamp, now: Timestamp) -> Result<NewReplay, Vec<Fault>> {
    let fault = |pointer: &str, reason: &str| Fault {
        pointer: pointer.to_owned(),
        reason: reason.to_owned(),
    };
    let Value::Object(fields) = document else {
        return Err(vec![fault("", "must be an object")]);
    };
    let mut faults: Vec<Fault> = fields
        .keys()
        .filter(|name| !FIELDS.contains(&name.as_str()))
        .take(100)
        .map(|name| fault(&below("", name), "is not a field of a replay"))
        .collect();
    let mut time = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => None,
        Some(value) => {
            let text = value.as_str().ok_or_else(|| "must be a string".to_owned());
            let read = text.and_then(|text| {
                let read = text.parse::<Timestamp>();
                read.map_err(|error| error.to_string())
            });
            let read = read.map_err(|reason| faults.push(fault(&below("", field), &reason)));
            Some(read.ok())
        }
    };
    let (from, to) = (time("from"), time("to"));
    if from.is_none() {
        faults.push(fault("/from", "is missing"));
    }
    // Minutes are replayed whole.
    let start = from.flatten().map(|from| Minute::ended_by(from).end());
    let end = match to {
        None => Some(newest),
        Some(to) => to.map(|to| Minute::holding(to).end().min(newest)),
    };
    if let Some(Some(to)) = to
        && to > now
    {
        faults.push(fault("/to", "must not be in the future"));
    }
    if let Some(start) = start
        && start < now - LONGEST
    {
        faults.push(fault("/from", "must not be more than 400 days ago"));
    }
    if let Some((start, end)) = start.zip(end)
        && start >= end
    {
        let (field, reason) = match to {
            Some(_) => (
                "/to",
                "must be at least a minute after `from`, which must be 5 minutes ago",
            ),
            None => ("/from", "must be at least 6 minutes ago"),
        };
        faults.push(fault(field, reason));
    }
    let replace = match fields.get("replace") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(replace)) => *replace,
        Some(_) => {
            faults.push(fault("/replace", "must be true or false"));
            false
        }
    };
    let objectives = objectives(fields.get("objectives"), &mut faults);
    match start.zip(end) {
        Some((start, end)) if faults.is_empty() => Ok(NewReplay {
            span: Span { start, end },
            objectives,
            replace,
        }),
        _ => Err(faults),
    }
}

fn objectives(value: Option<&Value>, faults: &mut Vec<Fault>) -> Option<Vec<ObjectiveId>> {
    let mut wrong = |pointer: String, reason: String| faults.push(Fault { pointer, reason });
    let listed = match value {
        None | Some(Value::Null) => return None,
        Some(Value::Array(listed)) if (1..=MOST_OBJECTIVES).contains(&listed.len()) => listed,
        Some(_) => {
            let reason = format!("must be a list of 1 to {MOST_OBJECTIVES} objectives' ids");
            wrong("/objectives".to_owned(), reason);
            return None;
        }
    };
    let mut ids = Vec::new();
    for (place, value) in listed.iter().enumerate() {
        match value.as_str().map(ObjectiveId::parse) {
            Some(Ok(id)) if ids.contains(&id) => {}
            Some(Ok(id)) => ids.push(id),
            _ if place < 100 => {
                let reason = "must be an objective's id".to_owned();
                wrong(format!("/objectives/{place}"), reason);
            }
            _ => {}
        }
    }
    Some(ids)
}

/// The objectives that are asked for and that the version in force does not have.
fn unknown(asked: &NewReplay, sla: &Sla) -> Vec<Fault> {
    let known = sla.clone().all();
    let ids = asked.objectives.iter().flatten().enumerate();
    let unknown = ids.filter(|(_, id)| !known.iter().any(|objective| objective.id() == *id));
    unknown
        .take(100)
        .map(|(place, _)| Fault {
            pointer: format!("/objectives/{place}"),
            reason: "must be the id of an objective of the version in force".to_owned(),
        })
        .collect()
}

impl From<Replay> for Shown {
    fn from(replay: Replay) -> Self {
        let span = replay.asked.span;
        let state = if replay.is_over() && replay.failures.is_empty() {
            State::Done
        } else if replay.is_over() {
            State::Failed
        } else if replay.stopped_at.is_some() {
            State::Stopped
        } else if replay.done_until < span.end {
            State::Running
        } else {
            State::Waiting
        };
        Self {
            id: replay.id,
            from: span.start,
            to: span.end,
            objectives: replay.asked.objectives,
            replace: replay.asked.replace,
            state,
            done_until: replay.done_until.max(span.start),
            failures: replay.failures,
            created_at: replay.created_at,
            stopped_at: replay.stopped_at,
        }
    }
}
