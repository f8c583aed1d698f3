//! Schedule expressions: `rate(…)` and `cron(…)`.

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

/// When a schedule has its events, in UTC and whole seconds.
///
/// `rate(VALUE UNIT)` with minutes, hours, days, and seconds, which EventBridge does not have; `cron(MINUTES HOURS
/// DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)` with Sunday as 1 and `?` in exactly one of the two days, as EventBridge wants
/// it. `L`, `W` and `#` are not known.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleExpression(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Rate(TimeDelta),
    Cron(Box<cron::Schedule>),
}

/// Why a text is no schedule expression.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSchedule {
    /// It is neither of the two kinds.
    #[error(
        "{0:?} is neither rate(VALUE UNIT) nor cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR)"
    )]
    Kind(String),
    /// The rate's value or unit.
    #[error(
        "{0:?} is no rate: a whole number above 0 and second(s), minute(s), hour(s) or day(s), singular for 1 only"
    )]
    Rate(String),
    /// The number of cron's fields.
    #[error("cron has six fields, not {0}")]
    Fields(usize),
    /// Cron's two days.
    #[error("one of cron's day-of-month and day-of-week is ? and the other is not")]
    Days,
    /// A wildcard that is not known here.
    #[error("{0:?}: L, W and # are not known here")]
    Wildcard(String),
    /// One of cron's fields.
    #[error("a field of cron is malformed")]
    Cron(#[source] cron::error::Error),
}

impl ScheduleExpression {
    /// One event every `interval`, cut to whole seconds; at least one second.
    pub fn every(interval: Duration) -> Self {
        let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
        let seconds = seconds.clamp(1, 366 * 24 * 3600);
        Self(Kind::Rate(TimeDelta::seconds(seconds)))
    }

    /// The first event after `time`, which for a rate is the time of the event before. `None` if there is none.
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.0 {
            Kind::Rate(interval) => time.checked_add_signed(*interval),
            Kind::Cron(schedule) => schedule.after(&time).next(),
        }
    }

    /// The first event after `last` that is not before `now`, and how many are.
    pub(super) fn next_due(
        &self,
        last: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, u64)> {
        let mut due = self.next_after(last)?;
        let mut skipped = 0;
        while due < now {
            due = self.next_after(due)?;
            skipped += 1;
        }
        Some((due, skipped))
    }
}

impl FromStr for ScheduleExpression {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inside = |name: &str| {
            let rest = text.trim().strip_prefix(name)?.strip_prefix('(')?;
            rest.strip_suffix(')').map(str::trim)
        };
        if let Some(rate) = inside("rate") {
            parse_rate(rate).map(|interval| Self(Kind::Rate(interval)))
        } else if let Some(cron) = inside("cron") {
            parse_cron(cron).map(|schedule| Self(Kind::Cron(Box::new(schedule))))
        } else {
            Err(InvalidSchedule::Kind(text.to_owned()))
        }
    }
}

fn parse_rate(text: &str) -> Result<TimeDelta, InvalidSchedule> {
    let invalid = || InvalidSchedule::Rate(text.to_owned());
    let (value, unit) = text.split_once(' ').ok_or_else(invalid)?;
    let value: u32 = value.parse().map_err(|_| invalid())?;
    let unit = unit.trim();
    let singular = if value == 1 {
        Some(unit)
    } else {
        unit.strip_suffix('s')
    };
    let seconds = match singular {
        Some("second") => 1,
        Some("minute") => 60,
        Some("hour") => 3600,
        Some("day") => 86400,
        _ => return Err(invalid()),
    };
    if value == 0 {
        return Err(invalid());
    }
    Ok(TimeDelta::seconds(i64::from(value) * seconds))
}

fn parse_cron(text: &str) -> Result<cron::Schedule, InvalidSchedule> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [_, _, day_of_month, _, day_of_week, _] = fields[..] else {
        return Err(InvalidSchedule::Fields(fields.len()));
    };
    if (day_of_month == "?") == (day_of_week == "?") {
        return Err(InvalidSchedule::Days);
    }
    let special = |day: &str| day.contains('#') || day == "LW" || day.ends_with(['L', 'W']);
    if let Some(day) = [day_of_month, day_of_week]
        .into_iter()
        .find(|day| special(day))
    {
        return Err(InvalidSchedule::Wildcard(day.to_owned()));
    }
    // EventBridge has no seconds.
    format!("0 {text}").parse().map_err(InvalidSchedule::Cron)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_is_an_interval() {
        let cases = [
            ("rate(1 minute)", 60),
            ("rate(5 minutes)", 300),
            ("rate(30 seconds)", 30),
            ("rate(1 hour)", 3600),
            (" rate( 2 days ) ", 172_800),
        ];
        for (text, seconds) in cases {
            let expression: ScheduleExpression = text.parse().unwrap();
            assert_eq!(
                expression,
                ScheduleExpression::every(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn cron_follows_the_rules_of_eventbridge() {
        // 2026-11-23 is a Monday.
        let now = time("2026-11-23T08:47:12Z");
        let cases = [
            ("cron(0/15 * * * ? *)", "2026-11-23T09:00:00Z"),
            ("cron(0 10 * * ? *)", "2026-11-23T10:00:00Z"),
            ("cron(15 12 * * ? *)", "2026-11-23T12:15:00Z"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-23T18:00:00Z"),
            ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00Z"),
            ("cron(0 0 ? * 1 *)", "2026-11-29T00:00:00Z"),
            ("cron(0 0 ? * 7 *)", "2026-11-28T00:00:00Z"),
            ("cron(0 0 ? * SUN *)", "2026-11-29T00:00:00Z"),
            ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-23T08:50:00Z"),
            ("cron(0 0 29 FEB ? 2028)", "2028-02-29T00:00:00Z"),
            ("cron(30 6,18 * JAN,DEC ? *)", "2026-12-01T06:30:00Z"),
        ];
        for (text, expected) in cases {
            let expression: ScheduleExpression = text.parse().unwrap();
            assert_eq!(expression.next_after(now), Some(time(expected)), "{text}");
        }
        let over: ScheduleExpression = "cron(0 0 1 1 ? 2020)".parse().unwrap();
        assert_eq!(over.next_after(now), None);
    }

    #[test]
    fn what_eventbridge_refuses_is_refused() {
        let cases = [
            ("", "Kind"),
            ("every minute", "Kind"),
            ("rate(1 minute", "Kind"),
            ("rate(0 minutes)", "Rate"),
            ("rate(1 minutes)", "Rate"),
            ("rate(5 minute)", "Rate"),
            ("rate(-1 minutes)", "Rate"),
            ("rate(1.5 hours)", "Rate"),
            ("rate(minute)", "Rate"),
            ("cron(0 10 * * ?)", "Fields"),
            ("cron(0 10 * * * *)", "Days"),
            ("cron(0 10 ? * ? *)", "Days"),
            ("cron(0 0 L * ? *)", "Wildcard"),
            ("cron(0 0 ? * 6#3 *)", "Wildcard"),
            ("cron(0 0 3W * ? *)", "Wildcard"),
            ("cron(61 0 * * ? *)", "Cron"),
            ("cron(? 0 * * ? *)", "Cron"),
        ];
        for (text, kind) in cases {
            let error = text.parse::<ScheduleExpression>().unwrap_err();
            assert!(format!("{error:?}").starts_with(kind), "{text}: {error:?}");
        }
    }

    #[test]
    fn times_that_are_over_are_skipped_and_counted() {
        let expression = ScheduleExpression::every(Duration::from_secs(30));
        let last = time("2026-11-23T08:00:00Z");
        let cases = [
            ("2026-11-23T08:00:01Z", "2026-11-23T08:00:30Z", 0),
            ("2026-11-23T08:00:30Z", "2026-11-23T08:00:30Z", 0),
            ("2026-11-23T08:00:31Z", "2026-11-23T08:01:00Z", 1),
            ("2026-11-23T08:05:29Z", "2026-11-23T08:05:30Z", 10),
        ];
        for (now, due, skipped) in cases {
            assert_eq!(
                expression.next_due(last, time(now)),
                Some((time(due), skipped)),
                "{now}"
            );
        }
    }
}
