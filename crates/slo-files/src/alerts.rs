//! Burn-rate alerts: the pairs of windows that each tool has, and what a file says of them.

use std::time::Duration;

use domain::{duration, sla::AlertPair};
use serde_json::{Map, Value, json};

use crate::{
    fields::Label,
    report::{Note, Place},
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What becomes of the words of an alert that is disabled.
pub(crate) const DISABLED: &str = "is left out: the alert is disabled";

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    Page,
    Ticket,
}

impl Urgency {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A long and a short window, and how fast is too fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) urgency: Urgency,
    pub(crate) long: Duration,
    pub(crate) short: Duration,
    pub(crate) factor: f64,
}

/// What Sloth alerts by: so many percent of the budget of `period` are gone after the long window.
pub(crate) fn of_budget(
    urgency: Urgency,
    percent: f64,
    (long, short): (Duration, Duration),
    period: Duration,
) -> Pair {
    let times = period.as_secs_f64() / long.as_secs_f64();
    Pair {
        urgency,
        long,
        short,
        // The product first: 14.4 is 2 * 720 / 100, and 0.02 * 720 may be something else.
        factor: percent * times / 100.0,
    }
}

/// Sloth's, which are those of *The Site Reliability Workbook* (Beyer et al., 2018, chapter 5) and one of a day: 2, 5, 10
/// and 10 percent of the budget of `period`.
pub(crate) fn sloth(period: Duration) -> Vec<Pair> {
    let windows = [
        (Urgency::Page, 2.0, HOUR, 5 * MINUTE),
        (Urgency::Page, 5.0, 6 * HOUR, 30 * MINUTE),
        (Urgency::Ticket, 10.0, DAY, 2 * HOUR),
        (Urgency::Ticket, 10.0, 3 * DAY, 6 * HOUR),
    ];
    let pair = |(urgency, percent, long, short)| {
        let windows = (Duration::from_secs(long), Duration::from_secs(short));
        of_budget(urgency, percent, windows, period)
    };
    windows.map(pair).into()
}

/// Pyrra's: factors 14, 7, 2 and 1, with the windows that they have for 28 days scaled to `period` and rounded to minutes.
pub(crate) fn pyrra(period: Duration) -> Vec<Pair> {
    let scaled = |parts: u64| {
        let millis = period.as_millis() as u64 / parts;
        let minutes = (millis + 30_000) / 60_000;
        Duration::from_secs(MINUTE * minutes.max(1))
    };
    let windows = [
        (Urgency::Page, 28 * 24, 28 * 24 * 12, 14.0),
        (Urgency::Page, 28 * 4, 28 * 24 * 2, 7.0),
        (Urgency::Ticket, 28, 28 * 12, 2.0),
        (Urgency::Ticket, 7, 28 * 4, 1.0),
    ];
    let pair = |(urgency, long, short, factor)| Pair {
        urgency,
        long: scaled(long),
        short: scaled(short),
        factor,
    };
    windows.map(pair).into()
}

/// What an alert carries beside its windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    pub(crate) name: Option<String>,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) annotations: Vec<(String, String)>,
}

impl Carried {
    /// Gives it a name, where there is one that an alert can have.
    pub(crate) fn call(&mut self, name: Option<Label<'_>>, notes: &mut Vec<Note>) {
        let Some(Label { text, place, .. }) = name else {
            return;
        };
        let longest = AlertPair::LONGEST_NAME;
        let is_name =
            !text.trim().is_empty() && text.len() <= longest && !text.contains(char::is_control);
        if is_name {
            self.name = Some(text);
        } else {
            let what =
                format!("is left out: a name has 1 to {longest} bytes without control characters");
            notes.push(Note::at(place, what));
        }
    }

    /// Adds labels; a later one of the same name counts. What is too much is left out, and noted.
    pub(crate) fn label(&mut self, labels: Vec<Label<'_>>, notes: &mut Vec<Note>) {
        add(&mut self.labels, labels, notes);
    }

    /// Adds annotations, likewise.
    pub(crate) fn annotate(&mut self, annotations: Vec<Label<'_>>, notes: &mut Vec<Note>) {
        add(&mut self.annotations, annotations, notes);
    }
}

fn add(texts: &mut Vec<(String, String)>, more: Vec<Label<'_>>, notes: &mut Vec<Note>) {
    for Label { name, text, place } in more {
        let most = AlertPair::MOST_LABELS;
        let earlier = texts.iter().position(|(earlier, _)| earlier == name);
        match earlier {
            Some(earlier) => texts[earlier].1 = text,
            None if texts.len() < most => texts.push((name.to_owned(), text)),
            None => {
                let what = format!("is left out: an alert has at most {most} of them");
                notes.push(Note::at(place, what));
            }
        }
    }
}

/// The label that says how urgent an alert is.
pub(crate) const SEVERITY: &str = "severity";

/// A pair as an entry of `alerts`. A label `severity` that says the same as the pair is not needed.
pub(crate) fn entry(pair: &Pair, carried: &Carried) -> Value {
    let mut entry = Map::new();
    let mut set = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    set("long", json!(duration::format(pair.long)));
    set("short", json!(duration::format(pair.short)));
    set("factor", json!(pair.factor));
    set(SEVERITY, json!(pair.urgency.word()));
    if let Some(name) = &carried.name {
        set("name", json!(name));
    }
    let is_needed =
        |(name, value): &&(String, String)| name != SEVERITY || value != pair.urgency.word();
    let labels: Map<String, Value> = carried
        .labels
        .iter()
        .filter(is_needed)
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    if !labels.is_empty() {
        set("labels", Value::Object(labels));
    }
    let annotations = carried.annotations.iter();
    let annotations: Map<String, Value> = annotations
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    if !annotations.is_empty() {
        set("annotations", Value::Object(annotations));
    }
    Value::Object(entry)
}

/// The note on a word for how urgent an alert is that slacast does not have.
pub(crate) fn other_severity(place: Place, word: &str, urgency: Urgency) -> Note {
    let urgency = urgency.word();
    Note::at(
        place,
        format!(
            "becomes the severity `{urgency}`; the label `severity` of the alert keeps `{word}`"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pairs: &[Pair]) -> Vec<String> {
        let pairs = pairs.iter().map(|pair| {
            let (long, short) = (duration::format(pair.long), duration::format(pair.short));
            format!("{long} {short} {} {}", pair.factor, pair.urgency.word())
        });
        pairs.collect()
    }

    #[test]
    fn pairs_are_those_of_the_tools() {
        let days = |days| Duration::from_secs(days * DAY);
        assert_eq!(
            written(&sloth(days(30))),
            [
                "1h 5m 14.4 page",
                "6h 30m 6 page",
                "1d 2h 3 ticket",
                "3d 6h 1 ticket"
            ]
        );
        assert_eq!(
            written(&sloth(days(28)))[..2],
            ["1h 5m 13.44 page", "6h 30m 5.6 page"]
        );
        assert_eq!(
            written(&pyrra(days(28))),
            [
                "1h 5m 14 page",
                "6h 30m 7 page",
                "1d 2h 2 ticket",
                "4d 6h 1 ticket"
            ]
        );
        assert_eq!(
            written(&pyrra(days(7))),
            [
                "15m 1m 14 page",
                "1h30m 8m 7 page",
                "6h 30m 2 ticket",
                "1d 1h30m 1 ticket"
            ]
        );
        assert_eq!(
            written(&pyrra(Duration::from_secs(HOUR)))[0],
            "1m 1m 14 page"
        );
    }
}
