use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{AnyObjective, Draft, EventsObjective, Objective, SlaName};
use crate::{
    fault::{Fault, Faults},
    time::duration,
};

/// Objectives that are tried out: judged, and not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The objectives, 1 to 100, in the order given, ids unique.
    pub objectives: Vec<AnyObjective>,
    /// How far back events are counted, 1h to 30d; default 1d.
    pub over: Duration,
    /// How many violations in 12 h the recommended bounds may give, 0 to 10,000; default 0.
    pub violations: u64,
}

const MOST_OBJECTIVES: usize = 100;
const MOST_VIOLATIONS: u64 = 10_000;
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

impl Trial {
    /// Reads `{"objectives": […], "violations": …?, "over": "1d"?}`, objectives as those of a [`Draft`]; `others` names the fields that
    /// somebody else reads.
    ///
    /// # Errors
    /// With everything that is wrong: that of [`Draft::parse`], an unknown field, more than 100 objectives, `violations`
    /// that is no whole number from 0 to 10,000, `over` that is no duration from 1h to 30d.
    pub fn parse(fields: &Map<String, Value>, others: &[&str]) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let own = ["objectives", "violations", "over"];
        faults.unknown(fields, "", &[&own, others], "this request");
        let violations = match fields.get("violations") {
            None | Some(Value::Null) => 0,
            Some(value) => value
                .as_u64()
                .filter(|count| *count <= MOST_VIOLATIONS)
                .unwrap_or_else(|| {
                    let rule = format!("is not a whole number from 0 to {MOST_VIOLATIONS}");
                    faults.add("/violations", rule);
                    0
                }),
        };
        let over = match fields.get("over") {
            None | Some(Value::Null) => DAY,
            Some(value) => value
                .as_str()
                .and_then(|text| duration::parse(text).ok())
                .filter(|over| (HOUR..=LONGEST).contains(over))
                .unwrap_or_else(|| {
                    faults.add("/over", "is not a duration from 1h to 30d, such as \"7d\"");
                    DAY
                }),
        };
        let objectives = match fields.get("objectives") {
            Some(Value::Array(values)) if values.len() > MOST_OBJECTIVES => {
                let count = values.len();
                let rule = format!("has {count} objectives; {MOST_OBJECTIVES} are the most to try");
                faults.add("/objectives", rule);
                Vec::new()
            }
            Some(given) => drafted(&json!({ "objectives": given }), &mut faults),
            None => {
                faults.add("/objectives", "is missing");
                Vec::new()
            }
        };
        if faults.0.is_empty() {
            Ok(Self {
                objectives,
                over,
                violations,
            })
        } else {
            Err(faults.0)
        }
    }
}

impl Trial {
    /// The objectives of ranges, in the order given.
    pub fn ranges(&self) -> impl Iterator<Item = &Objective> {
        self.objectives
            .iter()
            .filter_map(|objective| match objective {
                AnyObjective::Range(objective) => Some(objective),
                AnyObjective::Events(_) => None,
            })
    }

    /// The objectives of events, in the order given.
    pub fn events(&self) -> impl Iterator<Item = &EventsObjective> {
        self.objectives
            .iter()
            .filter_map(|objective| match objective {
                AnyObjective::Range(_) => None,
                AnyObjective::Events(objective) => Some(objective),
            })
    }
}

fn drafted(document: &Value, faults: &mut Faults) -> Vec<AnyObjective> {
    match Draft::parse(document) {
        Ok(Draft { mut objectives, .. }) => {
            for objective in &mut objectives {
                if let AnyObjective::Range(objective) = objective {
                    objective.belongs_to(&SlaName::trial());
                }
            }
            objectives
        }
        Err(found) => {
            for Fault { pointer, reason } in found {
                faults.add(&pointer, reason);
            }
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(document: Value) -> Result<Trial, Vec<Fault>> {
        Trial::parse(document.as_object().unwrap(), &["as_of"])
    }

    #[test]
    fn a_trial_has_objectives_and_may_say_how_many_violations_are_too_many() {
        let trial = parse(json!({"objectives": [{"metric": "m", "max": 1}], "as_of": 5})).unwrap();
        assert_eq!((trial.objectives.len(), trial.violations), (1, 0));
        let trial = json!({"objectives": [{"metric": "m", "max": 1}], "violations": 3});
        assert_eq!(parse(trial).unwrap().violations, 3);
        let events = json!({"bad": "errors_total", "total": "requests_total"});
        let trial =
            json!({"objectives": [{"metric": "m", "max": 1}, {"events": events}], "over": "7d"});
        let trial = parse(trial).unwrap();
        assert_eq!((trial.ranges().count(), trial.events().count()), (1, 1));
        assert_eq!(trial.over, 7 * DAY);
    }

    #[test]
    fn every_invalid_value_is_named_by_its_pointer() {
        let objective = json!({"metric": "m", "max": 1});
        let many: Vec<Value> = (0..101).map(|k| json!({"metric": "m", "max": k})).collect();
        for (document, pointer) in [
            (json!({}), "/objectives"),
            (json!({"objectives": []}), "/objectives"),
            (json!({"objectives": {}}), "/objectives"),
            (json!({"objectives": many}), "/objectives"),
            (
                json!({"objectives": [{"metric": "m", "min": 2, "max": 1}]}),
                "/objectives/0/min",
            ),
            (
                json!({"objectives": [objective], "violations": -1}),
                "/violations",
            ),
            (
                json!({"objectives": [objective], "violations": 0.5}),
                "/violations",
            ),
            (
                json!({"objectives": [objective], "violations": 10_001}),
                "/violations",
            ),
            (json!({"objectives": [objective], "over": "31d"}), "/over"),
            (json!({"objectives": [objective], "over": 7}), "/over"),
            (json!({"objectives": [objective], "name": "web"}), "/name"),
        ] {
            let faults = parse(document).unwrap_err();
            assert_eq!(faults[0].pointer, pointer, "{}", faults[0]);
        }
    }
}
