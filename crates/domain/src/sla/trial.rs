use serde_json::{Map, Value, json};

use super::{AnyObjective, Draft, Objective, SlaName};
use crate::fault::{Fault, Faults, below};

/// Objectives that are tried out: judged, and not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The objectives, 1 to 100, in the order given, ids unique.
    pub objectives: Vec<Objective>,
    /// How many violations in 12 h the recommended bounds may give, 0 to 10,000; default 0.
    pub violations: u64,
}

const MOST_OBJECTIVES: usize = 100;
const MOST_VIOLATIONS: u64 = 10_000;

impl Trial {
    /// Reads `{"objectives": […], "violations": …?}`, objectives as those of a [`Draft`]; `others` names the fields that
    /// somebody else reads.
    ///
    /// # Errors
    /// With everything that is wrong: that of [`Draft::parse`], an unknown field, more than 100 objectives, `violations`
    /// that is no whole number from 0 to 10,000.
    pub fn parse(fields: &Map<String, Value>, others: &[&str]) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        for field in fields.keys() {
            let known = matches!(field.as_str(), "objectives" | "violations");
            if !known && !others.contains(&field.as_str()) {
                faults.add(&below("", field), "is not a field of this request");
            }
        }
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
                violations,
            })
        } else {
            Err(faults.0)
        }
    }
}

fn drafted(document: &Value, faults: &mut Faults) -> Vec<Objective> {
    match Draft::parse(document) {
        Ok(draft) => {
            for (position, objective) in draft.objectives.iter().enumerate() {
                if matches!(objective, AnyObjective::Events(_)) {
                    let at = format!("/objectives/{position}/events");
                    faults.add(&at, "cannot be tried yet: only ranges can");
                }
            }
            let mut ranges = draft.ranges();
            for objective in &mut ranges {
                objective.belongs_to(&SlaName::trial());
            }
            ranges
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
            (json!({"objectives": [objective], "name": "web"}), "/name"),
        ] {
            let faults = parse(document).unwrap_err();
            assert_eq!(faults[0].pointer, pointer, "{}", faults[0]);
        }
    }
}
