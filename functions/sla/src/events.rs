//! Objectives of events: whether their sums can be counted. Objectives with a query: whether there may be one.

use domain::sla::{AnyObjective, EventsObjective, SampledQuery};
use http_api::{ApiError, Fault};
use promql::{EventsSum, Query};

/// Why an objective with a query is refused.
pub(crate) const NO_QUERIES: &str =
    "is not allowed here (ALLOW_QUERIES=false): name a metric of metrics.toml";

/// Checks the queries of objectives.
///
/// # Errors
/// 422 with the JSON pointers of queries that are empty, or of all where they are not allowed.
pub(crate) fn check_queries<'a>(
    queries: impl IntoIterator<Item = Option<&'a SampledQuery>>,
    are_allowed: bool,
) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    for (position, query) in queries.into_iter().enumerate() {
        let Some(query) = query else { continue };
        let at = format!("/objectives/{position}/query");
        if !are_allowed {
            faults.push(Fault::at(at, NO_QUERIES));
        } else if Query::parse(&query.text).is_none() {
            faults.push(Fault::at(at, "is empty"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::Invalid(faults))
    }
}

/// Checks the sums of the objectives of events. Where an objective has no `by`, its sums say what it is.
///
/// # Errors
/// 422 with the JSON pointers of what cannot be counted.
pub(crate) fn resolve(objectives: &mut [AnyObjective]) -> Result<(), ApiError> {
    let mut faults = Vec::new();
    for (position, objective) in objectives.iter_mut().enumerate() {
        if let AnyObjective::Events(objective) = objective {
            let pointer = format!("/objectives/{position}/events");
            check(objective, &pointer, &mut faults);
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ApiError::Invalid(faults))
    }
}

fn check(objective: &mut EventsObjective, pointer: &str, faults: &mut Vec<Fault>) {
    let mut by: Option<(&str, Option<Vec<String>>)> = None;
    let mut is_whole = true;
    for (name, text) in objective.events.sums() {
        let at = format!("{pointer}/{name}");
        match EventsSum::parse(text) {
            Ok(sum) => match &by {
                Some((other, earlier)) if *earlier != sum.by => {
                    let reason =
                        format!("has another `by` than {other}: both must have the same labels");
                    faults.push(Fault::at(at, reason));
                    is_whole = false;
                }
                Some(_) => {}
                None => by = Some((name, sum.by)),
            },
            Err(error) => {
                faults.push(Fault::at(at, error.to_string()));
                is_whole = false;
            }
        }
    }
    if let (true, Some((_, Some(by)))) = (is_whole && objective.by.is_empty(), by) {
        let named_by_digest =
            objective.id == EventsObjective::new(objective.events.clone(), Vec::new()).id;
        let with_groups = EventsObjective::new(objective.events.clone(), by);
        if named_by_digest {
            objective.id = with_groups.id;
        }
        objective.by = with_groups.by;
    }
}

#[cfg(test)]
mod tests {
    use domain::sla::Draft;
    use http_api::Place;
    use serde_json::{Value, json};

    use super::*;

    fn resolved(objective: Value) -> Result<EventsObjective, Vec<String>> {
        let draft = Draft::parse(&json!({"objectives": [objective]})).unwrap();
        let mut objectives = draft.objectives;
        match resolve(&mut objectives) {
            Ok(()) => match objectives.remove(0) {
                AnyObjective::Events(objective) => Ok(objective),
                AnyObjective::Range(_) => panic!("a range"),
            },
            Err(ApiError::Invalid(faults)) => Err(faults
                .into_iter()
                .map(|fault| match fault.place {
                    Place::Pointer(pointer) => format!("{pointer}: {}", fault.detail),
                    place => panic!("{place:?}"),
                })
                .collect()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_labels_of_the_sums_are_those_of_the_groups_where_the_objective_has_none() {
        let sums = json!({"bad": "sum by (service) (rate(errors[5m]))", "total": "sum by (service) (requests)"});
        let found = resolved(json!({"events": sums})).unwrap();
        assert_eq!(found.by, ["service"]);
        let written = json!({"events": {"bad": "errors", "total": "requests"}, "by": ["b", "a"]});
        assert_eq!(resolved(written).unwrap().by, ["a", "b"]);
    }

    #[test]
    fn a_sum_that_cannot_be_counted_is_named() {
        let sums = json!({"bad": "rate(x[5m])", "total": "sum by (a) (y)"});
        let faults = resolved(json!({"events": sums})).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0].starts_with("/objectives/0/events/bad: "),
            "{faults:?}"
        );
        let sums = json!({"bad": "sum by (b) (x)", "total": "sum by (a) (y)"});
        let faults = resolved(json!({"events": sums})).unwrap_err();
        assert!(
            faults[0].starts_with("/objectives/0/events/total: has another `by`"),
            "{faults:?}"
        );
    }
}
