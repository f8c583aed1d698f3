//! `/sla/{name}/exclusions`: time that is taken out of an SLA, and taken back.

use std::{collections::HashSet, time::Duration};

use domain::{
    Span, Timestamp,
    sla::{EventsObjective, Exclusion, ExclusionDraft, ObjectiveId, SlaName},
};
use http_api::{ApiError, Call, Fault, Page, Reply, RuleEnd, TimeFilter, reply};
use schemars::JsonSchema;
use serde::Serialize;
use store::{sla::ExclusionOutcome, slices::budgets};

use crate::{
    SlaManager, database, name_in,
    set::{MOST_AT_ONCE, invalid, is_of, missing},
};

/// An exclusion, and what it takes out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExclusionRow")]
pub(crate) struct Shown {
    #[serde(flatten)]
    exclusion: Exclusion,
    /// Of one that does not recur, where it has objectives of events: the start of the first slice that is left out of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<Timestamp>,
    /// Of one that does not recur, where it has objectives of events: the end of the last slice that is left out of them,
    /// as far as is known now. A slice that reaches back into the exclusion is.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_to: Option<Timestamp>,
    /// Of one that recurs: its occurrences, at most 1,000, the first ones first.
    #[serde(skip_serializing_if = "Option::is_none")]
    occurrences: Option<Vec<Occurrence>>,
}

/// An occurrence of a rule.
#[derive(Debug, Serialize, JsonSchema)]
struct Occurrence {
    /// When it begins, inclusive.
    from: Timestamp,
    /// When it ends, exclusive.
    to: Timestamp,
}

impl http_api::Row for Shown {
    const LIST: &'static str = "exclusions";
}

/// Of a rule so many occurrences are listed at most.
const MOST_OCCURRENCES: usize = 10_000;
/// Occurrences are listed for so long before and after now, unless it is said which are wanted.
const LISTED: Duration = Duration::from_secs(366 * 86_400);
/// A page ends once so many times it was asked what an exclusion leaves out of an objective of events.
const MOST_QUESTIONS: usize = 400;

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
            let objectives = events_of(manager, &name).await?;
            let listed = listed(&exclusion, TimeFilter::default(), call.now);
            let made = shown(manager, &name, &objectives, *exclusion, listed).await?;
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
        ExclusionOutcome::TooManyRules { most } => Err(ApiError::Conflict(format!(
            "SLA `{name}` already has {most} exclusions that recur, the greatest number: DELETE some with `from=all`"
        ))),
    }
}

/// The objectives of events in force.
async fn events_of(manager: &SlaManager, name: &SlaName) -> Result<Vec<EventsObjective>, ApiError> {
    let stored = manager.store.sla(name).await.map_err(database)?;
    let events = stored.map(|stored| stored.sla.events);
    let objectives = events.unwrap_or_default().into_iter();
    Ok(objectives.map(|(_, objective)| objective).collect())
}

/// An exclusion as it is answered; `listed`: of a rule, the time of which occurrences are.
async fn shown(
    manager: &SlaManager,
    name: &SlaName,
    objectives: &[EventsObjective],
    exclusion: Exclusion,
    listed: Span,
) -> Result<Shown, ApiError> {
    if exclusion.rule.is_some() {
        let spans = exclusion.spans(listed).into_iter();
        let occurrences = spans.take(MOST_OCCURRENCES).map(|span| Occurrence {
            from: span.start,
            to: span.end,
        });
        let occurrences = Some(occurrences.collect());
        return Ok(Shown {
            exclusion,
            effective_from: None,
            effective_to: None,
            occurrences,
        });
    }
    let left_out = left_out(manager, name, objectives, &exclusion).await?;
    Ok(Shown {
        exclusion,
        effective_from: left_out.map(|span| span.start),
        effective_to: left_out.map(|span| span.end),
        occurrences: None,
    })
}

/// The time of which the occurrences of a rule are listed: what was asked for, else where the rule ends or begins, else a
/// year before and after now.
fn listed(exclusion: &Exclusion, asked: TimeFilter, now: Timestamp) -> Span {
    let start = asked.from.unwrap_or(exclusion.from.max(now - LISTED));
    let end = asked.to.map(|to| to + Duration::from_millis(1));
    let default = if exclusion.to < Timestamp::MAX {
        exclusion.to
    } else {
        start.max(now) + LISTED
    };
    Span {
        start,
        end: end.unwrap_or(default),
    }
}

/// Those of the objectives that an exclusion is about.
fn about<'a>(
    exclusion: &Exclusion,
    objectives: &'a [EventsObjective],
) -> impl Iterator<Item = &'a EventsObjective> {
    let own = exclusion.objective.clone();
    let is_meant =
        move |objective: &&EventsObjective| own.as_ref().is_none_or(|own| *own == objective.id);
    objectives.iter().filter(is_meant)
}

/// What an exclusion leaves out of the objectives of events that it is about, if there are some.
async fn left_out(
    manager: &SlaManager,
    name: &SlaName,
    objectives: &[EventsObjective],
    exclusion: &Exclusion,
) -> Result<Option<Span>, ApiError> {
    let span = Span {
        start: exclusion.from,
        end: exclusion.to,
    };
    let mut all: Option<Span> = None;
    for objective in about(exclusion, objectives) {
        let left_out = budgets::left_out(&manager.store, name, objective, span).await;
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
    let mut before = query.cursor::<u64>().map(|cursor| cursor.after);
    let limit = query.limit();
    let (metric, labels) = (query.metric(), query.labels());
    let TimeFilter { from, to } = query.time();
    query.finish()?;
    let name = name_in(call)?;
    let are_all = metric.is_none() && labels.0.is_empty();
    let about_these = if are_all {
        HashSet::<ObjectiveId>::new()
    } else {
        let stored = manager.store.sla(&name).await.map_err(database)?;
        let mut all = stored.map(|stored| stored.sla.all()).unwrap_or_default();
        all.retain(|own| is_of(&name, own, metric.as_deref(), &labels));
        all.iter().map(|own| own.id().clone()).collect()
    };
    let at_once = if are_all { limit } else { MOST_AT_ONCE };
    // One that names no objective is about each of them.
    let fits = |own: &Exclusion| {
        let named = own.objective.as_ref();
        are_all || named.map_or(!about_these.is_empty(), |id| about_these.contains(id))
    };
    let (mut found, mut more) = (Vec::new(), true);
    while more && found.len() < limit as usize {
        let page = manager
            .store
            .exclusions(&name, (from, to), at_once, before)
            .await
            .map_err(database)?;
        let page = page.ok_or_else(|| missing(&name))?;
        before = page.exclusions.last().map(|own| own.id);
        more = page.more;
        found.extend(page.exclusions.into_iter().filter(fits));
    }
    more |= found.len() > limit as usize;
    found.truncate(limit as usize);
    let ids: Vec<u64> = found.iter().map(|own| own.id).collect();
    let objectives = events_of(manager, &name).await?;
    let (mut rows, mut questions) = (Vec::new(), 0);
    for exclusion in found {
        questions += about(&exclusion, &objectives).count();
        if questions > MOST_QUESTIONS && !rows.is_empty() {
            break;
        }
        let listed = listed(&exclusion, TimeFilter { from, to }, call.now);
        rows.push(shown(manager, &name, &objectives, exclusion, listed).await?);
    }
    let page = Page::of(rows);
    more |= page.len() < ids.len();
    let last = ids[..page.len()].last().filter(|_| more);
    let next = last.map(|last| query.next(call.now, last));
    reply::ok(&page.with_next(next))
}

/// `DELETE /sla/{name}/exclusions/{id}`: takes one back, or ends one that recurs.
pub(crate) async fn delete(manager: &SlaManager, call: &Call) -> Result<Reply, ApiError> {
    let mut query = call.query();
    let from = query.rule_end();
    query.finish()?;
    let name = name_in(call)?;
    let nobody = || {
        let id: String = call.id.chars().take(20).collect();
        ApiError::NotFound(format!("SLA `{name}` has no exclusion {id}"))
    };
    let id: u64 = call.id.parse().map_err(|_| nobody())?;
    let store = &manager.store;
    let known = store.exclusion(&name, id).await.map_err(database)?;
    let exclusion = match (known.ok_or_else(nobody)?.rule, from) {
        (Some(_), None) => store.end_exclusion(&name, id, call.now, call.now).await,
        (Some(_), Some(RuleEnd::At(end))) => store.end_exclusion(&name, id, end, call.now).await,
        (None, Some(RuleEnd::At(_))) => {
            return Err(ApiError::BadParameters(vec![Fault::of(
                "from",
                "must be `all` or left out: this exclusion does not recur",
            )]));
        }
        (Some(_), Some(RuleEnd::All)) | (None, _) => {
            store.delete_exclusion(&name, id, call.now).await
        }
    };
    let exclusion = exclusion.map_err(database)?.ok_or_else(nobody)?;
    let objectives = events_of(manager, &name).await?;
    let listed = listed(&exclusion, TimeFilter::default(), call.now);
    reply::ok(&shown(manager, &name, &objectives, exclusion, listed).await?)
}
