//! What things are called on a page.

use domain::Labels;
use maud::{Markup, html};

use crate::{CheckEntry, number};

/// A longer name is cut: the whole one stands in the title.
const LONGEST: usize = 90;
const LONGEST_SENTENCE: usize = 400;
/// Labels that say by themselves where a series is from.
const PLACES: [&str; 6] = ["nodeName", "instance", "node", "host", "pod", "service"];

/// `demo`, or `{code="5xx", method="get"}`: where a series is from, in few words.
pub(crate) fn place(labels: &Labels) -> String {
    let known = PLACES.iter().find_map(|name| labels.0.get(*name));
    match (known, labels.0.len()) {
        (_, 0) => String::new(),
        (Some(place), 1) => cut(place),
        (None, 1) => labels
            .0
            .iter()
            .map(|(name, value)| cut(&format!("{name}={value}")))
            .collect(),
        (Some(place), _) if labels.0.len() <= 3 => cut(place),
        _ => cut(&pairs(labels)),
    }
}

/// `code=5xx, method=get`.
pub(crate) fn pairs(labels: &Labels) -> String {
    let pairs = labels.0.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(", ")
}

/// `cpuUsage on demo`: an objective on a series.
pub(crate) fn of_entry(entry: &CheckEntry) -> String {
    let labels = if entry.labels.0.is_empty() {
        &entry.selector
    } else {
        &entry.labels
    };
    let name = match entry.kind.as_str() {
        "events" => &entry.objective,
        _ => &entry.metric,
    };
    with_place(name, labels)
}

/// `cpuUsage on demo`.
pub(crate) fn with_place(metric: &str, labels: &Labels) -> String {
    match place(labels).as_str() {
        "" => cut(metric),
        place => format!("{} on {place}", cut(metric)),
    }
}

/// `between 0 and 70 % for 1 m`.
pub(crate) fn rule(entry: &CheckEntry) -> String {
    let unit = entry.unit.as_deref();
    let shown = |value| number::value(value, unit);
    let range = match (entry.min, entry.max) {
        (Some(min), Some(max)) => {
            format!("{} to {}", number::plain_beside(min, max, unit), shown(max))
        }
        (Some(min), None) => format!("at least {}", shown(min)),
        (None, Some(max)) => format!("at most {}", shown(max)),
        (None, None) => return String::new(),
    };
    match entry.for_seconds {
        seconds if seconds > 0.0 => format!("{range}, bad after {}", number::duration(seconds)),
        _ => range,
    }
}

/// A reason of the API in words.
pub(crate) fn reason(reason: &str) -> String {
    match reason {
        "not_evaluated_yet" => "not evaluated yet".to_owned(),
        "no_series" => "no series matches".to_owned(),
        "no_sample" => "no sample stands".to_owned(),
        "stale" => "known too long ago".to_owned(),
        "too_short" => "needs more history".to_owned(),
        "step_exceeds_horizon" => "its samples are too far apart".to_owned(),
        "not_among_the_worst" => "others are worse".to_owned(),
        "not_asked" => "its own page says".to_owned(),
        "refused" => "its last message was set aside".to_owned(),
        "gone" => "its series is gone".to_owned(),
        other => cut(&other.replace('_', " ")),
    }
}

/// At most so much of a text.
pub(crate) fn cut(text: &str) -> String {
    cut_to(LONGEST, text)
}

fn cut_to(longest: usize, text: &str) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(longest - 1).collect();
    short.push('…');
    short
}

/// A sentence with names in backticks, those as code.
pub(crate) fn sentence(text: &str) -> Markup {
    let text = cut_to(LONGEST_SENTENCE, text);
    let pieces: Vec<&str> = text.split('`').collect();
    // One backtick alone is around nothing.
    let are_pairs = pieces.len() % 2 == 1;
    html! {
        @if are_pairs {
            @for (position, piece) in pieces.iter().enumerate() {
                @if position % 2 == 1 { code { (piece) } } @else { (piece) }
            }
        } @else { (text) }
    }
}

/// One segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
