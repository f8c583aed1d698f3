//! Durations the way Prometheus writes them: `1h30m`, `45s`, `250ms`.
//!
//! Units, each at most once and from the longest to the shortest: `y` (365 days), `w`, `d`, `h`, `m`, `s`, `ms`.

use std::time::Duration;

/// A text that is not a duration in Prometheus' notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration such as 45s, 10m or 1h30m")]
pub struct InvalidDuration(String);

const UNITS: [(&str, u64); 7] = [
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses a duration; `0` alone is zero, as in Prometheus.
///
/// # Errors
/// When the text is empty, has an unknown, repeated or misplaced unit, or exceeds 100 years.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    parse_millis(text)
        .map(Duration::from_millis)
        .ok_or_else(|| InvalidDuration(text.chars().take(64).collect()))
}

const LONGEST_MS: u64 = 100 * 365 * 86_400_000;

fn parse_millis(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let (mut rest, mut total, mut units) = (text, 0u64, UNITS.iter());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_len = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_len);
        let (_, ms) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*ms)?)?;
        rest = after;
    }
    (!text.is_empty() && total <= LONGEST_MS).then_some(total)
}

/// Writes a duration in the same notation, shortest form; parts below a millisecond are dropped.
pub fn format(duration: Duration) -> String {
    let mut ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, size) in UNITS {
        if ms >= size {
            text.push_str(&format!("{}{unit}", ms / size));
            ms %= size;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// Whole milliseconds as seconds: one rounding, so that equal times give equal numbers.
pub fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_accepts_is_accepted() {
        for (text, ms) in [
            ("1h30m", 5_400_000),
            ("45s", 45_000),
            ("250ms", 250),
            ("1w2d", 777_600_000),
            ("1y", 31_536_000_000),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for text in [
            "",
            "m",
            "10",
            "1m1h",
            "1m1m",
            "-1m",
            "1.5h",
            "1 m",
            "1x",
            "99999999999999999999s",
            "101y",
            "36501d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn formatting_is_the_inverse_of_parsing() {
        for text in ["1h30m", "45s", "250ms", "1w2d", "12h"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
        assert_eq!(format(Duration::ZERO), "0s");
    }
}
