//! What receivers took against what was published: each change at least once, in order, and nothing resolved that is not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    answers::{Entry, SILENT},
    load::SLA,
    receiver::Message,
    record::Record,
    verdict::Verdict,
};

const FIRING: &str = "alert.firing";
const RESOLVED: &str = "alert.resolved";
const VIOLATION: &str = "SlacastViolation";

/// What a receiver took of one alert, in its order; what is said again at once is one.
type Course<'a> = Vec<&'a Message>;

/// Compares what one receiver took.
pub(super) fn compare(
    verdict: &mut Verdict,
    record: &Record,
    name: &str,
    taken: &[Message],
    deliveries: &[Value],
) {
    let courses = courses(taken);
    for (fingerprint, course) in &courses {
        in_order(verdict, name, fingerprint, course);
        for message in course.iter().filter(|message| message.kind == RESOLVED) {
            truly_resolved(verdict, record, name, message);
        }
    }
    let changes: usize = courses.values().map(Vec::len).sum();
    verdict.took(name, changes, taken.len());
    every_change(verdict, name, &courses, deliveries);
    as_it_ended(verdict, record, name, &courses);
}

fn courses(taken: &[Message]) -> BTreeMap<&str, Course<'_>> {
    let mut courses: BTreeMap<&str, Course<'_>> = BTreeMap::new();
    let of_alerts = taken
        .iter()
        .filter(|own| own.kind == FIRING || own.kind == RESOLVED);
    for message in of_alerts {
        let fingerprint = message.data["fingerprint"].as_str().unwrap_or_default();
        let course = courses.entry(fingerprint).or_default();
        if course.last().is_none_or(|last| last.id != message.id) {
            course.push(message);
        }
    }
    courses
}

/// Firing and resolved take turns, under ids that do not come back.
fn in_order(verdict: &mut Verdict, name: &str, fingerprint: &str, course: &[&Message]) {
    let ids: BTreeSet<&str> = course.iter().map(|message| &*message.id).collect();
    let mut kinds = course.iter().map(|message| &*message.kind);
    let take_turns = kinds.all({
        let mut expected = FIRING;
        move |kind| {
            let is_right = kind == expected;
            expected = if kind == FIRING { RESOLVED } else { FIRING };
            is_right
        }
    });
    if ids.len() < course.len() || !take_turns {
        let ids: Vec<_> = course.iter().map(|message| &*message.id).collect();
        verdict.wrong(format!(
            "{name} received changes of {fingerprint} out of order: {ids:?}"
        ));
    }
}

/// A violation is resolved as of an evaluation that was published and in which its series does not fire. Two runs at one time
/// may differ: then one of them has to say so.
fn truly_resolved(verdict: &mut Verdict, record: &Record, name: &str, message: &Message) {
    let Some((objective, labels)) = violation(message) else {
        return;
    };
    let at = message.data["ends_at"].as_str().unwrap_or_default();
    // A firing that began a second after another one is over when it begins.
    let is_at_once = message.data["ends_at"] == message.data["starts_at"];
    let mut evaluations = record.whole(objective, at).peekable();
    if evaluations.peek().is_none() && !is_at_once {
        verdict.wrong(format!(
            "{name} received that {} is resolved at {at}, when no whole evaluation was published",
            message.id
        ));
    }
    let fires = |evaluation: &BTreeSet<Entry>| {
        let mut own = evaluation.iter().filter(|entry| entry.labels == labels);
        own.any(|entry| entry.state == "firing")
    };
    if evaluations.peek().is_some() && evaluations.all(fires) {
        verdict.wrong(format!(
            "{name} received that {} is resolved at {at}, when its series fires",
            message.id
        ));
    }
}

/// The objective of the SLA and the labels of the series that a violation is about.
fn violation(message: &Message) -> Option<(&str, String)> {
    let labels = message.data["labels"].as_object()?;
    if labels.get("alertname")? != VIOLATION || labels.get("sla")? != SLA {
        return None;
    }
    let own = ["alertname", "sla", "objective", "severity"];
    let mut series = labels.clone();
    series.retain(|name, _| !own.contains(&name.as_str()));
    Some((
        labels["objective"].as_str()?,
        Value::Object(series).to_string(),
    ))
}

/// What is noted as delivered was taken, each change under one id.
fn every_change(
    verdict: &mut Verdict,
    name: &str,
    courses: &BTreeMap<&str, Course<'_>>,
    deliveries: &[Value],
) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut noted: BTreeMap<(String, String), usize> = BTreeMap::new();
    for delivery in deliveries.iter().filter(|own| own["receiver"] == name) {
        let (fingerprint, kind) = (text(&delivery["fingerprint"]), text(&delivery["type"]));
        if kind != FIRING && kind != RESOLVED {
            continue;
        }
        if delivery["state"] != "delivered" {
            verdict.missing(format!(
                "{name} has not received yet that {fingerprint} has {kind}: {}",
                delivery["state"]
            ));
        }
        *noted.entry((fingerprint, kind)).or_default() += 1;
    }
    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (fingerprint, course) in courses {
        for message in course {
            let key = ((*fingerprint).to_owned(), message.kind.clone());
            *taken.entry(key).or_default() += 1;
        }
    }
    let keys: BTreeSet<_> = noted.keys().chain(taken.keys()).collect();
    for key in keys {
        let [noted, taken] = [&noted, &taken].map(|counts| counts.get(key).copied().unwrap_or(0));
        if noted != taken {
            verdict.missing(format!(
                "{name} received {taken} messages {} of {}, and {noted} such changes are noted",
                key.1, key.0
            ));
        }
    }
}

/// What a receiver took last is so in the newest evaluation.
fn as_it_ended(
    verdict: &mut Verdict,
    record: &Record,
    name: &str,
    courses: &BTreeMap<&str, Course<'_>>,
) {
    let Some(newest) = record.newest() else {
        return;
    };
    let mut last = BTreeMap::new();
    for message in courses.values().filter_map(|course| course.last()) {
        if let Some((objective, labels)) = violation(message) {
            last.insert((objective.to_owned(), labels), message.kind == FIRING);
        }
    }
    let objectives: BTreeSet<&str> = record.evaluations.keys().map(|key| &*key.0).collect();
    for objective in objectives {
        for entry in record.whole(objective, newest).flatten() {
            // One without series is no violation, and a silent one stays as it was.
            if entry.labels == "{}" || entry.state == SILENT {
                continue;
            }
            let key = (objective.to_owned(), entry.labels.clone());
            let (fires, said) = (
                entry.state == "firing",
                last.get(&key).copied().unwrap_or(false),
            );
            if fires != said {
                verdict.missing(format!(
                    "{name} received last that {objective} of {} {}, and it is {}",
                    entry.labels,
                    if said { "fires" } else { "does not fire" },
                    entry.state
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::answers::Entry, *};

    const SERIES: &str = r#"{"n":"1"}"#;

    /// `f` fires, or is resolved at a time.
    fn message(id: &str, resolved_at: Option<&str>) -> Message {
        let labels = json!({"alertname": VIOLATION, "sla": SLA, "objective": "o", "severity": "page", "n": "1"});
        Message {
            id: id.to_owned(),
            kind: if resolved_at.is_some() {
                RESOLVED
            } else {
                FIRING
            }
            .to_owned(),
            data: json!({"fingerprint": "f", "labels": labels, "ends_at": resolved_at}),
        }
    }

    /// At 1 the series fires, at 2 it does not.
    fn record() -> Record {
        let mut record = Record::default();
        for (at, state) in [("1", "firing"), ("2", "ok")] {
            let run = format!("r{at}");
            let entry = Entry {
                labels: SERIES.to_owned(),
                state: state.to_owned(),
            };
            let evaluation = [(run.clone(), [entry].into())].into();
            record
                .evaluations
                .insert(("o".to_owned(), at.to_owned()), evaluation);
            record.runs.insert(run, json!({"as_of": at}));
        }
        record
    }

    fn delivery(kind: &str, state: &str) -> Value {
        json!({"receiver": "r", "fingerprint": "f", "type": kind, "state": state})
    }

    #[test]
    fn a_change_that_is_lost_comes_twice_under_two_ids_or_out_of_order_is_found() {
        let fires = message("f-1-firing", None);
        let resolved = message("f-1-resolved", Some("2"));
        let both = [
            delivery(FIRING, "delivered"),
            delivery(RESOLVED, "delivered"),
        ];
        let waiting = [delivery(FIRING, "delivered"), delivery(RESOLVED, "waiting")];
        let other = message("other", None);
        for (what, taken, deliveries, wrong, missing) in [
            ("each once", vec![&fires, &resolved], &both[..], 0, 0),
            ("one again", vec![&fires, &fires, &resolved], &both, 0, 0),
            ("the last one waits", vec![&fires], &waiting, 0, 3),
            ("the last one is lost", vec![&fires], &both, 0, 2),
            ("another id", vec![&fires, &other, &resolved], &both, 1, 1),
            (
                "an order that is wrong",
                vec![&resolved, &fires],
                &both,
                1,
                1,
            ),
            (
                "one comes back",
                vec![&fires, &resolved, &fires, &resolved],
                &both,
                1,
                2,
            ),
            (
                "resolved too early",
                vec![&fires, &message("x", Some("1"))],
                &both,
                1,
                0,
            ),
            (
                "resolved by nothing",
                vec![&fires, &message("x", Some("3"))],
                &both,
                1,
                0,
            ),
        ] {
            let mut verdict = Verdict::default();
            let taken: Vec<_> = taken.into_iter().cloned().collect();
            compare(&mut verdict, &record(), "r", &taken, deliveries);
            assert_eq!(verdict.counts(), (missing, wrong), "{what}: {verdict}");
        }
    }
}
