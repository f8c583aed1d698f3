//! How many counters and groups the objectives of events have now, and how many series the queries of others: what a run
//! counts is bounded, and a change that goes beyond is refused rather than cut.

use std::collections::{BTreeMap, HashMap};

use config::Bounds;
use domain::{
    message::{CountRequest, ObjectiveCount, SelectorCount},
    sla::{AnyObjective, EventsObjective, SampledQuery},
};
use http_api::{ApiError, Fault};

use crate::{
    SlaManager,
    advice::{Advice, Warning},
    database,
};

/// What etl calls the query of a range among sums.
const QUERY: &str = "query";

/// What is known of the counters of the objectives of events and of the series of queries, as the next versions of the SLAs
/// `names`: advice on each, by its place among the objectives.
///
/// # Errors
/// 422 when there are too many counters, groups or series of queries; of those of all SLAs together when these would have
/// more of them than they have now.
pub(crate) async fn known(
    manager: &SlaManager,
    names: &[&str],
    objectives: &[AnyObjective],
) -> Result<HashMap<usize, Advice>, ApiError> {
    let own: Vec<(usize, CountRequest)> = objectives
        .iter()
        .enumerate()
        .filter_map(|(place, objective)| match objective {
            AnyObjective::Events(objective) => Some((place, request(objective))),
            AnyObjective::Range(objective) => {
                let query = objective.query.as_ref()?;
                Some((place, of_query(query)))
            }
        })
        .collect();
    if own.is_empty() {
        return Ok(HashMap::new());
    }
    let slas = manager.store.active_slas().await.map_err(database)?;
    // What the others have is asked for where these have something of the kind.
    let is_of_a_kind = |other: &CountRequest| {
        let mut own = own.iter();
        own.any(|(_, one)| one.query.is_some() == other.query.is_some())
    };
    let of_slas = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<CountRequest> {
        let wanted = slas.iter().filter(|sla| is_wanted(&sla.name));
        let requests = wanted.flat_map(|sla| {
            let events = sla.events.iter().map(|(_, objective)| request(objective));
            let ranges = sla.objectives.iter();
            events.chain(ranges.filter_map(|range| range.query.as_ref().map(of_query)))
        });
        requests.filter(is_of_a_kind).collect()
    };
    let requests: Vec<CountRequest> = own.iter().map(|(_, one)| one.clone()).collect();
    let replaced = of_slas(&|other| names.contains(&other));
    let others = of_slas(&|other| !names.contains(&other));
    let all = [&requests[..], &replaced, &others].concat();
    let Some(counted) = manager.evaluator.count(&all).await else {
        return Ok(own
            .iter()
            .map(|(place, _)| (*place, not_counted()))
            .collect());
    };
    let (counts, rest) = counted.counts.split_at(requests.len());
    let (before, others) = rest.split_at(replaced.len());
    let mut faults = Vec::new();
    for ((place, _), count) in own.iter().zip(counts) {
        let pointer = format!("/objectives/{place}");
        check(count, manager.bounds, &pointer, &mut faults);
    }
    for (what, sum, most) in [
        (
            "counters of events",
            counters as fn(&[&[ObjectiveCount]]) -> u64,
            manager.bounds.counters_of(counted.is_query_only),
        ),
        ("groups of events", groups, manager.bounds.groups),
        (
            "pairs of an objective and a series of its query",
            pairs,
            manager.bounds.judged_pairs,
        ),
    ] {
        let (now, then) = (sum(&[counts, others]), sum(&[before, others]));
        if now > most && now > then {
            let reason = format!(
                "with these, all SLAs together have {now} {what}, more than {most}: give the selectors more labels"
            );
            faults.push(Fault::at("/objectives", reason));
        }
    }
    if faults.is_empty() {
        let advice = own
            .iter()
            .zip(counts)
            .map(|((place, _), count)| (*place, advice(count)));
        Ok(advice.collect())
    } else {
        Err(ApiError::Invalid(faults))
    }
}

fn request(objective: &EventsObjective) -> CountRequest {
    CountRequest {
        events: objective.events.clone(),
        by: objective.by.clone(),
        query: None,
    }
}

fn of_query(query: &SampledQuery) -> CountRequest {
    CountRequest {
        query: Some(query.text.clone()),
        ..CountRequest::default()
    }
}

/// The bounds of one objective.
fn check(count: &ObjectiveCount, bounds: Bounds, pointer: &str, faults: &mut Vec<Fault>) {
    let most = bounds.groups_of_objective;
    if let Some(groups) = count.groups.filter(|groups| *groups > most) {
        let reason = format!("makes {groups} groups, more than {most}");
        faults.push(Fault::at(format!("{pointer}/by"), reason));
    }
}

/// The counters of all selectors, each selector once.
fn counters(counts: &[&[ObjectiveCount]]) -> u64 {
    let selectors = counts
        .iter()
        .copied()
        .flatten()
        .flat_map(|count| &count.selectors)
        .filter(|selector| selector.sum != QUERY);
    let distinct: BTreeMap<&str, u64> = selectors
        .map(|selector| (selector.selector.as_str(), selector.series.unwrap_or(0)))
        .collect();
    distinct.values().sum()
}

fn groups(counts: &[&[ObjectiveCount]]) -> u64 {
    let counts = counts.iter().copied().flatten();
    counts.map(|count| count.groups.unwrap_or(0)).sum()
}

/// An objective without a series is judged too.
fn pairs(counts: &[&[ObjectiveCount]]) -> u64 {
    let counts = counts.iter().copied().flatten();
    let queries = counts.filter_map(of_a_query);
    queries.map(|query| query.series.unwrap_or(0).max(1)).sum()
}

/// What was found of an objective's query.
fn of_a_query(count: &ObjectiveCount) -> Option<&SelectorCount> {
    count
        .selectors
        .iter()
        .find(|selector| selector.sum == QUERY)
}

fn advice(count: &ObjectiveCount) -> Advice {
    let mut warnings = Vec::new();
    for selector in &count.selectors {
        let (sum, text) = (&selector.sum, &selector.selector);
        match selector.series {
            Some(0) => warnings.push(Warning::NoSeries {
                detail: format!("`{sum}`: no series matches {text} now"),
            }),
            Some(_) => {}
            None => warnings.push(Warning::NotCounted {
                detail: format!("`{sum}`: Prometheus does not say how many series match {text}"),
            }),
        }
        if selector.metric_type.as_deref() == Some("gauge") {
            warnings.push(Warning::Gauge {
                detail: format!("`{sum}`: {text} is a gauge, and events are counted by counters"),
            });
        }
    }
    Advice {
        matches: match of_a_query(count) {
            Some(query) => query.series.unwrap_or(0),
            None => counters(&[std::slice::from_ref(count)]),
        },
        groups: count.groups,
        warnings,
    }
}

fn not_counted() -> Advice {
    Advice {
        matches: 0,
        groups: None,
        warnings: vec![Warning::NotCounted {
            detail: "etl did not say how many counters there are: a run over too many leaves the objective out".to_owned(),
        }],
    }
}
