//! What receivers of single changes get.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    alert::{Alert, AlertState, Annotations, Fingerprint},
};
use serde::Serialize;

/// The body of a message, below 20 kB.
#[derive(Clone, Debug, Serialize)]
struct Message {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Data,
}

#[derive(Clone, Debug, Serialize)]
struct Data {
    fingerprint: Fingerprint,
    labels: BTreeMap<String, String>,
    annotations: Annotations,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    reason: Option<String>,
}

const LONGEST_BODY: usize = 20_000;
/// How long the longest text may be, tried one after the other until the body fits.
const LENGTHS: [usize; 6] = [4_096, 1_024, 256, 128, 64, 16];
/// Labels and annotations left in the end.
const MOST_TEXTS: usize = 64;

/// That an alert fires, or is resolved.
pub(crate) fn of_change(alert: &Alert, now: Timestamp) -> String {
    let resolved = alert.state == AlertState::Resolved;
    let kind = if resolved {
        "alert.resolved"
    } else {
        "alert.firing"
    };
    fitting(Message {
        r#type: kind,
        timestamp: now,
        data: Data {
            fingerprint: alert.fingerprint,
            labels: alert.labels.0.clone(),
            annotations: alert.annotations.clone(),
            starts_at: alert.since,
            ends_at: alert.resolved_at.filter(|_| resolved),
            reason: alert.reason.clone().filter(|_| resolved),
        },
    })
}

/// That everything works.
pub(crate) fn of_watchdog(watchdog: &Alert, now: Timestamp) -> String {
    fitting(Message {
        r#type: "alert.watchdog",
        timestamp: now,
        data: Data {
            fingerprint: watchdog.fingerprint,
            labels: watchdog.labels.0.clone(),
            annotations: watchdog.annotations.clone(),
            starts_at: watchdog.since,
            ends_at: None,
            reason: None,
        },
    })
}

/// That somebody wants to know whether messages arrive.
pub(crate) fn of_test(dashboard: String, now: Timestamp) -> (Fingerprint, String) {
    let labels = [("alertname", "SlacastTest"), ("severity", "none")];
    let labels = labels.into_iter().collect();
    let fingerprint = Fingerprint::of(&labels);
    let summary = "A test of the way alerts take: nothing is wrong".to_owned();
    let annotations = [
        ("summary".to_owned(), summary),
        ("dashboard".to_owned(), dashboard),
    ];
    let body = fitting(Message {
        r#type: "alert.test",
        timestamp: now,
        data: Data {
            fingerprint,
            labels: labels.0,
            annotations: annotations.into(),
            starts_at: now,
            ends_at: None,
            reason: None,
        },
    });
    (fingerprint, body)
}

/// The message as JSON; texts that are too long for it end with `…`.
fn fitting(mut message: Message) -> String {
    // Texts and times alone: it is always written.
    let written = |message: &Message| serde_json::to_string(message).unwrap_or_default();
    let mut body = written(&message);
    for longest in LENGTHS {
        if body.len() < LONGEST_BODY {
            return body;
        }
        let data = &mut message.data;
        for text in data
            .annotations
            .values_mut()
            .chain(data.labels.values_mut())
        {
            cut(text, longest);
        }
        body = written(&message);
    }
    let labels = std::mem::take(&mut message.data.labels).into_iter();
    message.data.labels = labels
        .filter(|(name, _)| name.len() <= LENGTHS[2])
        .take(MOST_TEXTS)
        .collect();
    written(&message)
}

fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Labels,
        alert::{AlertName, Scope},
    };

    use super::*;

    fn alert(labels: Labels) -> Alert {
        let at: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
        Alert {
            fingerprint: Fingerprint::of(&labels),
            scope: Scope::of(AlertName::Violation, "web", "cpu"),
            labels,
            series: None,
            annotations: [("summary".to_owned(), "s".to_owned())].into(),
            state: AlertState::Firing,
            frozen: false,
            since: at,
            as_of: at,
            resolved_at: None,
            reason: None,
        }
    }

    #[test]
    fn a_message_is_as_the_contract_says() {
        let firing = alert([("alertname", "SlacastViolation")].into_iter().collect());
        let body = of_change(&firing, firing.since);
        let fingerprint = firing.fingerprint;
        let expected = format!(
            r#"{{"type":"alert.firing","timestamp":"2026-11-23T08:45:00Z","data":{{"fingerprint":"{fingerprint}","labels":{{"alertname":"SlacastViolation"}},"annotations":{{"summary":"s"}},"starts_at":"2026-11-23T08:45:00Z","ends_at":null,"reason":null}}}}"#
        );
        assert_eq!(body, expected);
        let resolved = Alert {
            state: AlertState::Resolved,
            resolved_at: Some(firing.since),
            reason: Some("ended".to_owned()),
            ..firing
        };
        let body = of_change(&resolved, resolved.since);
        assert!(
            body.contains(r#""ends_at":"2026-11-23T08:45:00Z","reason":"ended""#),
            "{body}"
        );
    }

    #[test]
    fn a_body_is_below_20_kb_whatever_the_labels_are() {
        for (count, name, value) in [(64, 10, 4_096), (64, 4_000, 4_096), (3, 4_000, 9_000)] {
            let labels = (0..count).map(|number| {
                (
                    format!("{number:03}{}", "n".repeat(name)),
                    "é\"".repeat(value / 3),
                )
            });
            let body = of_change(&alert(labels.collect()), Timestamp::EPOCH);
            assert!(body.len() < LONGEST_BODY, "{}", body.len());
            assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
        }
    }
}
