//! Time that does not count: planned maintenance, a broken exporter. It is said before or after the fact, once or by a rule
//! that recurs, for one objective or all of them, and holds for every version of the SLA.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    InvalidRecurrence, ObjectiveId, Recurrence,
    fields::{id, text},
};
use crate::{
    fault::{Fault, Faults, below},
    time::{Span, SpanSet, Timestamp, duration},
};

/// Time that does not count, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Exclusion {
    /// Unique among all exclusions.
    pub id: u64,
    /// When it begins, inclusive.
    pub from: Timestamp,
    /// When it ends, exclusive; null for a rule without an end.
    #[serde(serialize_with = "end")]
    #[schemars(with = "Option<Timestamp>")]
    pub to: Timestamp,
    /// Of one that recurs: the rule. Its occurrences count from `from` to `to`.
    #[serde(flatten)]
    #[schemars(with = "Option<WrittenRule>")]
    pub rule: Option<WrittenRule>,
    /// Why, 1 to 1000 characters.
    pub reason: String,
    /// The objective it is about; `None`: all of them.
    pub objective: Option<ObjectiveId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken back; it counts no more from then on, whatever time is asked about.
    pub deleted_at: Option<Timestamp>,
}

/// A rule of an exclusion that recurs, as it is answered.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WrittenRule {
    /// A rule of RFC 5545.
    rrule: String,
    /// The first occurrence, local time.
    starts: String,
    /// How long each occurrence is.
    duration: String,
    /// The same in seconds.
    duration_seconds: f64,
    /// The IANA name of the time zone of `starts`.
    time_zone: String,
    /// What it says.
    #[serde(skip)]
    recurrence: Recurrence,
}

impl WrittenRule {
    /// What it says.
    pub fn recurrence(&self) -> &Recurrence {
        &self.recurrence
    }
}

impl From<Recurrence> for WrittenRule {
    fn from(recurrence: Recurrence) -> Self {
        Self {
            rrule: recurrence.rrule().to_owned(),
            starts: recurrence.starts(),
            duration: duration::format(recurrence.length()),
            duration_seconds: duration::seconds(recurrence.length()),
            time_zone: recurrence.time_zone().to_owned(),
            recurrence,
        }
    }
}

impl Exclusion {
    /// The time that it takes out which lies in `asked`, as it is, not cut at its ends: itself, or the occurrences of its
    /// rule, cut where the rule's own time begins and ends.
    pub fn spans(&self, asked: Span) -> Vec<Span> {
        let own = Span {
            start: self.from,
            end: self.to,
        };
        match &self.rule {
            Some(rule) => occurrences(rule.recurrence(), own, asked),
            None if own.start < asked.end && own.end > asked.start => vec![own],
            None => Vec::new(),
        }
    }
}

/// The occurrences of a rule in `own` that have some time in `asked`.
pub fn occurrences(recurrence: &Recurrence, own: Span, asked: Span) -> Vec<Span> {
    let common = own.intersection(asked);
    if common.start >= common.end {
        return Vec::new();
    }
    let spans = recurrence.spans(common).into_iter();
    spans.map(|span| span.intersection(own)).collect()
}

/// Null for what does not end.
fn end<S: Serializer>(to: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    Some(*to)
        .filter(|to| *to < Timestamp::MAX)
        .serialize(serializer)
}

/// An exclusion as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusionDraft {
    /// When it begins, inclusive; before `to`. Of a rule: where it has not begun before, the first occurrence's start.
    pub from: Timestamp,
    /// When it ends, exclusive. Of a rule: at the latest the last occurrence's end, [`Timestamp::MAX`] where there is none.
    pub to: Timestamp,
    /// Of one that recurs: the rule.
    pub rule: Option<Recurrence>,
    /// Why, 1 to 1000 characters.
    pub reason: String,
    /// The objective it is about; `None`: all of them.
    pub objective: Option<ObjectiveId>,
}

const FIELDS: [&str; 4] = ["from", "to", "reason", "objective"];
/// Those of one that recurs besides.
const RULE_FIELDS: [&str; 4] = ["rrule", "starts", "duration", "time_zone"];
const LONGEST_REASON: usize = 1_000;

impl ExclusionDraft {
    /// Reads `{"from", "to", "reason", "objective"?}`, or `{"rrule", "starts", "duration", "time_zone", "from"?, "to"?,
    /// "reason", "objective"?}`.
    ///
    /// # Errors
    /// With everything that is wrong: a value of another type, an unknown or missing field, `to` not after `from`, a
    /// time before 1970, a reason that is empty or too long, an objective's id that none can have; a rule that is not one
    /// of RFC 5545, recurs more than 366 times in any 366 days, or has not its first occurrence at `starts`.
    pub fn parse(document: &Value) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let Value::Object(fields) = document else {
            faults.add("", "must be an object");
            return Err(faults.0);
        };
        let recurs = RULE_FIELDS.iter().any(|field| fields.contains_key(*field));
        faults.unknown(fields, "", &[&FIELDS, &RULE_FIELDS], "an exclusion");
        let rule = if recurs {
            recurrence(fields, &mut faults)
        } else {
            None
        };
        let given = |field: &str| fields.get(field).is_some_and(|value| !value.is_null());
        let end = |field: &str, default: Option<Timestamp>, faults: &mut Faults| {
            if recurs && !given(field) {
                default
            } else {
                time(fields, field, faults)
            }
        };
        let first = rule.as_ref().map(Recurrence::first);
        // Before its first occurrence a rule takes nothing out.
        let from = end("from", first, &mut faults).max(first);
        let last = rule.as_ref().map(Recurrence::end);
        let to = end("to", last, &mut faults);
        if let Some((from, to)) = from.zip(to)
            && to <= from
        {
            let field = if recurs && !given("to") {
                "/from"
            } else {
                "/to"
            };
            let reason = match field {
                "/to" => format!("is not after `from`: {to}, {from}"),
                _ => format!("is not before the last occurrence ends: {from}, {to}"),
            };
            faults.add(field, reason);
        }
        let reason = reason(fields, &mut faults);
        let objective = id(fields, "", "objective", &mut faults);
        match (from, to, reason) {
            (Some(from), Some(to), Some(reason)) if faults.0.is_empty() => Ok(Self {
                from,
                to: last.map_or(to, |last| to.min(last)),
                rule,
                reason,
                objective,
            }),
            _ => Err(faults.0),
        }
    }
}

fn recurrence(fields: &Map<String, Value>, faults: &mut Faults) -> Option<Recurrence> {
    let before = faults.0.len();
    let mut read = |field: &str| {
        if fields.get(field).is_none_or(Value::is_null) {
            faults.add(&below("", field), "is missing");
        }
        text(fields, "", field, faults).unwrap_or_default()
    };
    let [rrule, starts, length, time_zone] = RULE_FIELDS.map(&mut read);
    if faults.0.len() > before {
        return None;
    }
    let parsed = Recurrence::parse(&rrule, &starts, &length, &time_zone);
    parsed
        .inspect_err(|InvalidRecurrence { field, reason }| {
            faults.add(&below("", field), reason.clone());
        })
        .ok()
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
    fn a_rule_is_read_with_the_time_it_counts_in() {
        let rule = json!({
            "rrule": "FREQ=WEEKLY;BYDAY=SU", "starts": "2026-11-01T02:00:00", "duration": "2h",
            "time_zone": "Europe/Rome", "reason": "backup"
        });
        let with = |fields: Value| {
            let mut document = rule.clone();
            for (name, value) in fields.as_object().unwrap() {
                document[name] = value.clone();
            }
            document
        };
        let read = |fields| ExclusionDraft::parse(&with(fields)).unwrap();
        let draft = read(json!({}));
        assert_eq!(draft.from.to_string(), "2026-11-01T01:00:00Z");
        assert_eq!(draft.to, Timestamp::MAX);
        let draft = read(json!({"from": "2026-11-08T02:00:00Z", "to": "2026-11-15T01:00:01Z"}));
        let own = Span {
            start: draft.from,
            end: draft.to,
        };
        let all = Span {
            start: Timestamp::EPOCH,
            end: Timestamp::MAX,
        };
        let rule = draft.rule.unwrap();
        let spans: Vec<String> = occurrences(&rule, own, all)
            .iter()
            .map(|span| format!("{}/{}", span.start, span.end))
            .collect();
        assert_eq!(
            spans,
            [
                "2026-11-08T02:00:00Z/2026-11-08T03:00:00Z",
                "2026-11-15T01:00:00Z/2026-11-15T01:00:01Z",
            ]
        );
        for (fields, pointer) in [
            (json!({"rrule": null}), "/rrule"),
            (json!({"rrule": 1}), "/rrule"),
            (json!({"rrule": "FREQ=DAILY;BYHOUR=1,2"}), "/rrule"),
            (json!({"rrule": "FREQ=DAILY;UNTIL=20261201"}), "/rrule"),
            (json!({"starts": "2026-11-02T02:00:00"}), "/starts"),
            (json!({"starts": null}), "/starts"),
            (json!({"duration": "8d"}), "/duration"),
            (json!({"duration": 7200}), "/duration"),
            (json!({"time_zone": "Rome"}), "/time_zone"),
            (json!({"from": "x"}), "/from"),
            (
                json!({"from": "2026-12-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}),
                "/to",
            ),
            (
                json!({"rrule": "FREQ=WEEKLY;COUNT=1", "from": "2026-12-01T00:00:00Z"}),
                "/from",
            ),
            (json!({"to": "2026-11-01T01:00:00Z"}), "/to"),
            (json!({"reason": null}), "/reason"),
            (json!({"exdate": "x"}), "/exdate"),
        ] {
            assert_eq!(faults(with(fields.clone())), [pointer], "{fields}");
        }
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
