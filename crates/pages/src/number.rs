//! Numbers as people read them: three digits that matter, a narrow space before the unit, a real minus.

use std::fmt::Write;

/// Between a number and its unit: a narrow space that does not break.
const SPACE: char = '\u{202f}';
/// What is not known.
pub(crate) const UNKNOWN: &str = "–";

/// A value with its unit.
pub(crate) fn value(value: f64, unit: Option<&str>) -> String {
    if !value.is_finite() {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}∞");
    }
    let (scaled, word) = scaled(value, unit);
    let number = plain(scaled);
    if word.is_empty() {
        number
    } else {
        format!("{number}{SPACE}{word}")
    }
}

/// A value that may be unknown.
pub(crate) fn value_or_unknown(known: Option<f64>, unit: Option<&str>) -> String {
    known.map_or_else(|| UNKNOWN.to_owned(), |known| value(known, unit))
}

/// A value beside a greater one of the same unit: without the unit where both have the same.
pub(crate) fn plain_beside(number: f64, greater: f64, unit: Option<&str>) -> String {
    let (own, word) = scaled(number, unit);
    let same = scaled(greater, unit).1 == word || number == 0.0;
    match same && number.is_finite() {
        true => plain(own),
        false => value(number, unit),
    }
}

/// The value in a unit of a size that people read, and that unit's word.
fn scaled(value: f64, unit: Option<&str>) -> (f64, String) {
    match unit {
        Some(unit @ ("bytes" | "bytes/s")) => {
            let rest = unit.strip_prefix("bytes").unwrap_or_default();
            let (mut scaled, mut prefix) = (value, "");
            for larger in ["Ki", "Mi", "Gi", "Ti", "Pi"] {
                if scaled.abs() < 1024.0 {
                    break;
                }
                scaled /= 1024.0;
                prefix = larger;
            }
            (scaled, format!("{prefix}B{rest}"))
        }
        Some("seconds") if value.abs() < 1.0 && value != 0.0 => (value * 1000.0, "ms".to_owned()),
        Some("seconds") => (value, "s".to_owned()),
        Some("ratio") => (100.0 * value, "%".to_owned()),
        Some("percent") => (value, "%".to_owned()),
        Some("celsius") => (value, "°C".to_owned()),
        Some(other) => (value, other.chars().take(20).collect()),
        None => (value, String::new()),
    }
}

/// Three digits that matter, thousands apart.
pub(crate) fn plain(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size < 1e-4 && size > 0.0) {
        return format!("{value:.2e}").replace('-', "−");
    }
    let digits = match size {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.0995 => 2,
        0.0 => 0,
        _ => 4,
    };
    let text = format!("{size:.digits$}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part = part.trim_end_matches('0');
    let mut shown = String::new();
    if value < 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        shown.push('−');
    }
    for (position, digit) in whole.chars().enumerate() {
        let left = whole.len() - position;
        if position > 0 && left % 3 == 0 && whole.len() > 4 {
            shown.push(SPACE);
        }
        shown.push(digit);
    }
    if !part.is_empty() {
        // Writing to a text does not fail.
        let _ = write!(shown, ".{part}");
    }
    shown
}

/// A share as `97.7 %`; as many digits as it takes to see that it is not the whole.
pub(crate) fn share(share: f64) -> String {
    let percent = 100.0 * share;
    let missing = (100.0 - percent).abs();
    let digits = match missing {
        missing if missing >= 10.0 => 0,
        missing if missing >= 1.0 => 1,
        missing if missing >= 0.1 => 2,
        missing if missing > 0.0 => 3,
        _ => 0,
    };
    let text = format!("{:.digits$}", percent.abs());
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    let sign = if percent < 0.0 { "−" } else { "" };
    format!("{sign}{text}{SPACE}%")
}

/// A share of a budget that is left, in whole percent; negative if it is overspent.
pub(crate) fn left(share: f64) -> String {
    let percent = (100.0 * share).round();
    let sign = if percent < 0.0 { "−" } else { "" };
    format!("{sign}{}{SPACE}%", plain(percent.abs()))
}

/// A probability: `12 %`, `under 1 %`, `over 99 %`, never 0 or 100.
pub(crate) fn probability(probability: f64) -> String {
    match 100.0 * probability {
        percent if percent < 1.0 => format!("under 1{SPACE}%"),
        percent if percent > 99.0 => format!("over 99{SPACE}%"),
        percent => format!("{percent:.0}{SPACE}%"),
    }
}

/// How many times as fast.
pub(crate) fn times(factor: f64) -> String {
    format!("{}×", plain(factor))
}

/// `45 s`, `3 m 30 s`, `2 h 5 m`, `3 d 4 h`: two parts at most.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "∞".to_owned();
    }
    let total = seconds.abs().round() as u64;
    let parts = [
        (total / 86_400, "d"),
        (total / 3600 % 24, "h"),
        (total / 60 % 60, "m"),
        (total % 60, "s"),
    ];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2);
    let shown = shown.filter(|(count, unit)| *count > 0 || (total == 0 && *unit == "s"));
    let words: Vec<String> = shown
        .map(|(count, unit)| format!("{count}{SPACE}{unit}"))
        .collect();
    let sign = if seconds < 0.0 && total > 0 {
        "−"
    } else {
        ""
    };
    format!("{sign}{}", words.join(" "))
}

/// A number and its noun.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{} {many}", plain(number as f64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_and_their_unit() {
        for (number, unit, expected) in [
            (43.04, Some("percent"), "43\u{202f}%"),
            (43.06, Some("percent"), "43.1\u{202f}%"),
            (0.0, None, "0"),
            (-0.000_04, None, "−4.00e−5"),
            (-12.5, None, "−12.5"),
            (1234.0, None, "1234"),
            (12_345.0, None, "12\u{202f}345"),
            (1e21, None, "1.00e21"),
            (2_147_483_648.0, Some("bytes"), "2\u{202f}GiB"),
            (20_000_000.0, Some("bytes/s"), "19.1\u{202f}MiB/s"),
            (0.4, Some("seconds"), "400\u{202f}ms"),
            (f64::INFINITY, Some("bytes"), "∞"),
            (f64::NEG_INFINITY, None, "−∞"),
        ] {
            assert_eq!(value(number, unit), expected, "{number} {unit:?}");
        }
    }

    #[test]
    fn shares_show_what_is_missing_to_the_whole() {
        for (number, expected) in [
            (1.0, "100\u{202f}%"),
            (0.9774, "97.7\u{202f}%"),
            (0.999_34, "99.934\u{202f}%"),
            (0.5, "50\u{202f}%"),
            (0.99, "99\u{202f}%"),
            (0.0, "0\u{202f}%"),
        ] {
            assert_eq!(share(number), expected);
        }
        assert_eq!(left(-0.426), "−43\u{202f}%");
        assert_eq!(left(-0.001), "0\u{202f}%");
    }

    #[test]
    fn a_probability_is_never_certain() {
        for (number, expected) in [
            (0.0, "under 1\u{202f}%"),
            (0.12, "12\u{202f}%"),
            (1.0, "over 99\u{202f}%"),
        ] {
            assert_eq!(probability(number), expected);
        }
    }

    #[test]
    fn durations_have_two_parts_at_most() {
        for (seconds, expected) in [
            (0.0, "0\u{202f}s"),
            (45.0, "45\u{202f}s"),
            (210.0, "3\u{202f}m 30\u{202f}s"),
            (7_200.0, "2\u{202f}h"),
            (7_201.0, "2\u{202f}h"),
            (273_600.0, "3\u{202f}d 4\u{202f}h"),
            (-111.0, "−1\u{202f}m 51\u{202f}s"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
