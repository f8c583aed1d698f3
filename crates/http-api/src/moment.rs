use std::time::Duration;

use domain::{Timestamp, time::duration};

/// A time as people type it: RFC 3339, `now`, `-3h` (so long ago), or `08:12` (the newest such time in UTC that is not in the
/// future).
///
/// # Errors
/// When it is no time; the text says what it must be.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Some(ago) = text.strip_prefix('-') {
        return ago_from(ago, now).ok_or_else(|| invalid(text));
    }
    if let Some(into_the_day) = clock(text) {
        let today = now.millis() - now.millis().rem_euclid(DAY);
        let time = today + into_the_day;
        let newest = if time <= now.millis() {
            time
        } else {
            time - DAY
        };
        return Timestamp::from_millis(newest).ok_or_else(|| invalid(text));
    }
    text.parse().map_err(|_| invalid(text))
}

const DAY: i64 = 86_400_000;

fn ago_from(text: &str, now: Timestamp) -> Option<Timestamp> {
    let ago: Duration = duration::parse(text).ok()?;
    let ago = i64::try_from(ago.as_millis()).ok()?;
    Timestamp::from_millis(now.millis().checked_sub(ago)?)
}

/// Milliseconds from midnight to `08:12` or `08:12:30`.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && part.len() <= 2)
            .then(|| part.parse::<i64>().ok())
            .flatten()
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = match parts.next() {
        Some(seconds) => seconds?,
        None => 0,
    };
    let is_time = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    is_time.then_some(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

fn invalid(text: &str) -> String {
    let text: String = text.chars().take(40).collect();
    format!("must be a time such as 2026-11-23T08:45:00Z, now, -3h or 08:12, not {text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let now: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-22T07:00:00+01:00", "2026-11-22T06:00:00Z"),
            ("now", "2026-11-23T08:45:00Z"),
            ("-3h", "2026-11-23T05:45:00Z"),
            ("-1h30m", "2026-11-23T07:15:00Z"),
            ("08:12", "2026-11-23T08:12:00Z"),
            ("08:45", "2026-11-23T08:45:00Z"),
            ("8:46", "2026-11-22T08:46:00Z"),
            ("23:59:59", "2026-11-22T23:59:59Z"),
            (" 08:12 ", "2026-11-23T08:12:00Z"),
        ] {
            assert_eq!(parse(text, now), Ok(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let now: Timestamp = "2026-11-23T08:45:00Z".parse().unwrap();
        for text in [
            "",
            "-",
            "-3",
            "3h",
            "24:00",
            "08:60",
            "8:",
            ":12",
            "08:12:00:00",
            "tomorrow",
            "-99999999999999999y",
            "2026-11-23",
        ] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }
}
