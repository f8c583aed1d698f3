//! Time that does not count: planned maintenance, a broken exporter. It is said before or after the fact, for one
//! objective or all of them, and holds for every version of the SLA.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    ObjectiveId,
    fields::{id, text},
};
use crate::{
    fault::{Fault, Faults, below},
    time::{Span, SpanSet, Timestamp},
};

/// Time that does not count, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Exclusion {
    /// Unique among all exclusions.
    pub id: u64,
    /// When it begins, inclusive.
    pub from: Timestamp,
    /// When it ends, exclusive.
    pub to: Timestamp,
    /// Why, 1 to 1000 characters.
    pub reason: String,
    /// The objective it is about; `None`: all of them.
    pub objective: Option<ObjectiveId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken back; it counts no more from then on, whatever time is asked about.
    pub deleted_at: Option<Timestamp>,
}

/// An exclusion as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusionDraft {
    /// When it begins, inclusive; before `to`.
    pub from: Timestamp,
    /// When it ends, exclusive.
    pub to: Timestamp,
    /// Why, 1 to 1000 characters.
    pub reason: String,
    /// The objective it is about; `None`: all of them.
    pub objective: Option<ObjectiveId>,
}

const FIELDS: [&str; 4] = ["from", "to", "reason", "objective"];
const LONGEST_REASON: usize = 1_000;

impl ExclusionDraft {
    /// Reads `{"from", "to", "reason", "objective"?}`.
    ///
    /// # Errors
    /// With everything that is wrong: a value of another type, an unknown or missing field, `to` not after `from`, a
    /// time before 1970, a reason that is empty or too long, an objective's id that none can have.
    pub fn parse(document: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let Value::Object(fields) = document else {
            faults.add("", "is not an object");
            return Err(faults.0);
        };
        for field in fields.keys() {
            if !FIELDS.contains(&field.as_str()) {
                faults.add(&below("", field), "is not a field of an exclusion");
            }
        }
        let from = time(fields, "from", &mut faults);
        let to = time(fields, "to", &mut faults);
        if let Some((from, to)) = from.zip(to)
            && to <= from
        {
            faults.add("/to", format!("is not after `from`: {to}, {from}"));
        }
        let reason = reason(fields, &mut faults);
        let objective = id(fields, "", "objective", &mut faults);
        match (from, to, reason) {
            (Some(from), Some(to), Some(reason)) if faults.0.is_empty() => Ok(Self {
                from,
                to,
                reason,
                objective,
            }),
            _ => Err(faults.0),
        }
    }
}

fn time(fields: &Map<String, Value>, field: &str, faults: &mut Faults) -> Option<Timestamp> {
    let pointer = below("", field);
    if fields.get(field).is_none_or(Value::is_null) {
        faults.add(&pointer, "is missing");
        return None;
    }
    let time = match text(fields, "", field, faults)?.parse::<Timestamp>() {
        Ok(time) if time >= Timestamp::EPOCH => return Some(time),
        Ok(time) => format!("is before {}: {time}", Timestamp::EPOCH),
        Err(error) => error.to_string(),
    };
    faults.add(&pointer, time);
    None
}

fn reason(fields: &Map<String, Value>, faults: &mut Faults) -> Option<String> {
    if fields.get("reason").is_none_or(Value::is_null) {
        faults.add("/reason", "is missing");
        return None;
    }
    let reason = text(fields, "", "reason", faults)?;
    if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON {
        faults.add(
            "/reason",
            format!("must have 1 to {LONGEST_REASON} characters"),
        );
        return None;
    }
    Some(reason)
}

/// The time that exclusions take out of an SLA, by objective; overlaps count once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExcludedTime {
    of_all: SpanSet,
    /// Of objectives with exclusions of their own, those of all included.
    of_objective: HashMap<ObjectiveId, SpanSet>,
}

impl ExcludedTime {
    /// What these exclusions take out: of one objective, or of all where none is named.
    pub fn of_spans(spans: impl IntoIterator<Item = (Option<ObjectiveId>, Span)>) -> Self {
        let mut of_all = Vec::new();
        let mut own = HashMap::<ObjectiveId, Vec<Span>>::new();
        for (objective, span) in spans {
            match objective {
                Some(objective) => own.entry(objective).or_default().push(span),
                None => of_all.push(span),
            }
        }
        let of_all: SpanSet = of_all.into_iter().collect();
        let of_objective = own
            .into_iter()
            .map(|(objective, spans)| (objective, of_all.union(&spans.into_iter().collect())))
            .collect();
        Self {
            of_all,
            of_objective,
        }
    }

    /// The time taken out of an objective.
    pub fn of(&self, objective: &str) -> &SpanSet {
        self.of_objective.get(objective).unwrap_or(&self.of_all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(document: Value) -> Vec<String> {
        let faults = ExclusionDraft::parse(&document).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn an_exclusion_is_read() {
        let document = json!({"from": "2026-11-23T10:00:00+01:00", "to": "2026-11-23T09:00:00.001Z", "reason": "upgrade", "objective": "cpu"});
        let draft = ExclusionDraft::parse(&document).unwrap();
        assert_eq!(draft.from.to_string(), "2026-11-23T09:00:00Z");
        assert_eq!(draft.to.to_string(), "2026-11-23T09:00:00.001Z");
        assert_eq!(
            (draft.reason.as_str(), draft.objective.as_deref()),
            ("upgrade", Some("cpu"))
        );
    }

    #[test]
    fn an_invalid_exclusion_is_told_by_pointer() {
        let with = |fields: Value| {
            let mut document = json!({"from": "2026-11-23T09:00:00Z", "to": "2026-11-23T10:00:00Z", "reason": "upgrade"});
            for (name, value) in fields.as_object().unwrap() {
                document[name] = value.clone();
            }
            faults(document)
        };
        for (fields, pointer) in [
            (json!({"to": "2026-11-23T08:00:00Z"}), "/to"),
            (json!({"to": "2026-11-23T09:00:00Z"}), "/to"),
            (json!({"to": "tomorrow"}), "/to"),
            (json!({"to": null}), "/to"),
            (json!({"from": 1}), "/from"),
            (json!({"from": "1969-12-31T23:59:59Z"}), "/from"),
            (json!({"reason": ""}), "/reason"),
            (json!({"reason": " "}), "/reason"),
            (json!({"reason": null}), "/reason"),
            (json!({"reason": "x".repeat(1_001)}), "/reason"),
            (json!({"objective": "a b"}), "/objective"),
            (json!({"objective": 1}), "/objective"),
            (json!({"id": 1}), "/id"),
        ] {
            assert_eq!(with(fields.clone()), [pointer], "{fields}");
        }
        assert!(with(json!({"reason": "é".repeat(1_000), "objective": null})).is_empty());
        assert_eq!(faults(json!({})), ["/from", "/to", "/reason"]);
        assert_eq!(faults(json!([])), [""]);
    }

    #[test]
    fn overlaps_count_once_and_an_objective_has_its_own() {
        let span = |from: i64, to: i64| Span {
            start: Timestamp::from_millis(from * 1_000).unwrap(),
            end: Timestamp::from_millis(to * 1_000).unwrap(),
        };
        let cpu = || "cpu".parse().ok();
        let excluded = ExcludedTime::of_spans([
            (None, span(0, 10)),
            (None, span(5, 20)),
            (cpu(), span(15, 30)),
        ]);
        assert_eq!(excluded.of("cpu").spans(), [span(0, 30)]);
        assert_eq!(excluded.of("memory").spans(), [span(0, 20)]);
    }
}
