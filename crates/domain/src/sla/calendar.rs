//! Budget windows that follow a calendar: weeks, months, quarters and years of a time zone.

use std::fmt;

use jiff::{Span, civil::DateTime, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{
    BudgetPeriod, UnknownTerm,
    local_time::{LOCAL_TIME, TIME_ZONE, instant, local_time, zone, zone_name},
};
use crate::time::Timestamp;

/// Periods of a calendar, one after the other, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Calendar {
    unit: CalendarUnit,
    /// When a period starts, local time; the others are counted from there.
    starts: DateTime,
    /// An IANA name.
    time_zone: &'static str,
}

/// How long the periods are.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum CalendarUnit {
    /// A week.
    #[serde(rename = "1w")]
    Week,
    /// A month.
    #[serde(rename = "1M")]
    Month,
    /// A quarter of a year.
    #[serde(rename = "1Q")]
    Quarter,
    /// A year.
    #[serde(rename = "1Y")]
    Year,
}

/// What is wrong with a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidCalendar {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Calendar {
    /// Reads `{"calendar": "1M", "starts": "2026-01-01T00:00:00", "time_zone": "Europe/Rome"}`: `unit`, `starts` in whole
    /// seconds of the years 1970 to 9000, and the zone's IANA name.
    ///
    /// # Errors
    /// With the field that is wrong.
    pub fn parse(unit: &str, starts: &str, time_zone: &str) -> Result<Self, InvalidCalendar> {
        let wrong = |field, reason: &str| InvalidCalendar {
            field,
            reason: reason.to_owned(),
        };
        let unit = CalendarUnit::ALL
            .into_iter()
            .find(|one| one.name() == unit)
            .ok_or_else(|| InvalidCalendar {
                field: "calendar",
                reason: UnknownTerm::new(unit, "1w, 1M, 1Q, 1Y").to_string(),
            })?;
        let starts = local_time(starts).ok_or_else(|| wrong("starts", LOCAL_TIME))?;
        let time_zone = zone_name(time_zone).ok_or_else(|| wrong("time_zone", TIME_ZONE))?;
        Ok(Self {
            unit,
            starts,
            time_zone,
        })
    }

    /// The period that holds an instant; its start belongs to it.
    pub fn period(self, as_of: Timestamp) -> BudgetPeriod {
        let zone = zone(self.time_zone);
        let elapsed = as_of.millis() - self.start(0, &zone).millis();
        let mut number = elapsed.div_euclid(self.unit.about_ms());
        while self.start(number, &zone) > as_of {
            number -= 1;
        }
        while self.start(number + 1, &zone) <= as_of {
            number += 1;
        }
        let (start, end) = (self.start(number, &zone), self.start(number + 1, &zone));
        BudgetPeriod {
            start,
            length: end.since(start),
            end: Some(end),
        }
    }

    /// Where a period starts. A local time that does not exist is taken with the offset before the gap, of one that exists
    /// twice the first.
    fn start(self, number: i64, zone: &TimeZone) -> Timestamp {
        let count = |units: i64| number.saturating_mul(units);
        let span = match self.unit {
            CalendarUnit::Week => Span::new().try_weeks(count(1)),
            CalendarUnit::Month => Span::new().try_months(count(1)),
            CalendarUnit::Quarter => Span::new().try_months(count(3)),
            CalendarUnit::Year => Span::new().try_years(count(1)),
        };
        // A day that a month lacks becomes its last one.
        let local = span.and_then(|span| self.starts.checked_add(span));
        let beyond = if number < 0 {
            Timestamp::EPOCH
        } else {
            Timestamp::MAX
        };
        local
            .ok()
            .and_then(|local| instant(local, zone))
            .unwrap_or(beyond)
    }
}

impl CalendarUnit {
    const ALL: [Self; 4] = [Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// Its name: `1w`, `1M`, `1Q`, `1Y`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Week => "1w",
            Self::Month => "1M",
            Self::Quarter => "1Q",
            Self::Year => "1Y",
        }
    }

    /// How long one is about.
    fn about_ms(self) -> i64 {
        let days = match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 91,
            Self::Year => 365,
        };
        days * 86_400_000
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, starts) = (self.unit.name(), self.starts);
        write!(f, "{unit} from {starts} in {}", self.time_zone)
    }
}

/// As JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    calendar: CalendarUnit,
    starts: String,
    time_zone: String,
}

impl Serialize for Calendar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            calendar: self.unit,
            starts: self.starts.to_string(),
            time_zone: self.time_zone.to_owned(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Calendar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        Self::parse(written.calendar.name(), &written.starts, &written.time_zone)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(unit: &str, starts: &str, zone: &str) -> Calendar {
        Calendar::parse(unit, starts, zone).unwrap()
    }

    #[test]
    fn a_period_is_counted_from_where_the_first_one_starts() {
        for (unit, starts, zone, as_of, start, end) in [
            (
                "1M",
                "2026-01-01T00:00:00",
                "Europe/Rome",
                "2026-11-23T08:45:00Z",
                "2026-10-31T23:00:00Z",
                "2026-11-30T23:00:00Z",
            ),
            // With the change to summer time, which takes an hour.
            (
                "1M",
                "2026-01-01T00:00:00",
                "Europe/Rome",
                "2026-03-30T00:00:00Z",
                "2026-02-28T23:00:00Z",
                "2026-03-31T22:00:00Z",
            ),
            // The start belongs to the period.
            (
                "1M",
                "2026-01-01T00:00:00",
                "UTC",
                "2026-02-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
                "2026-03-01T00:00:00Z",
            ),
            // The last day where the day is missing, and the day again where it is not.
            (
                "1M",
                "2026-01-31T00:00:00",
                "UTC",
                "2026-03-01T00:00:00Z",
                "2026-02-28T00:00:00Z",
                "2026-03-31T00:00:00Z",
            ),
            (
                "1M",
                "2026-01-31T00:00:00",
                "UTC",
                "2026-03-31T00:00:00Z",
                "2026-03-31T00:00:00Z",
                "2026-04-30T00:00:00Z",
            ),
            // Backwards alike.
            (
                "1M",
                "2026-03-31T00:00:00",
                "UTC",
                "2026-02-28T12:00:00Z",
                "2026-02-28T00:00:00Z",
                "2026-03-31T00:00:00Z",
            ),
            (
                "1Y",
                "2024-02-29T00:00:00",
                "UTC",
                "2026-11-23T00:00:00Z",
                "2026-02-28T00:00:00Z",
                "2027-02-28T00:00:00Z",
            ),
            (
                "1Q",
                "2026-01-01T00:00:00",
                "UTC",
                "2025-12-31T23:59:59Z",
                "2025-10-01T00:00:00Z",
                "2026-01-01T00:00:00Z",
            ),
            (
                "1w",
                "2026-01-05T00:00:00",
                "Europe/Rome",
                "2026-10-26T00:00:00Z",
                "2026-10-25T23:00:00Z",
                "2026-11-01T23:00:00Z",
            ),
            // 02:30 does not exist on 29 March, so it is 03:30 there.
            (
                "1w",
                "2026-03-22T02:30:00",
                "Europe/Rome",
                "2026-03-29T02:00:00Z",
                "2026-03-29T01:30:00Z",
                "2026-04-05T00:30:00Z",
            ),
            // 02:30 exists twice on 25 October: the first counts.
            (
                "1w",
                "2026-10-18T02:30:00",
                "Europe/Rome",
                "2026-10-25T01:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-11-01T01:30:00Z",
            ),
        ] {
            let [as_of, start, end] = [as_of, start, end].map(|time| time.parse().unwrap());
            let period = calendar(unit, starts, zone).period(as_of);
            assert_eq!(
                (period.start, period.end),
                (start, Some(end)),
                "{unit} {starts} {as_of}"
            );
            assert_eq!(period.length, end.since(start));
        }
    }

    #[test]
    fn a_calendar_names_what_is_wrong_with_it() {
        for (unit, starts, zone, field) in [
            ("1m", "2026-01-01T00:00:00", "UTC", "calendar"),
            ("2M", "2026-01-01T00:00:00", "UTC", "calendar"),
            ("1M", "2026-01-01", "UTC", "starts"),
            ("1M", "2026-02-30T00:00:00", "UTC", "starts"),
            ("1M", "2026-01-01T00:00:00Z", "UTC", "starts"),
            ("1M", "2026-01-01T00:00:00+01:00", "UTC", "starts"),
            ("1M", "2026-01-01T00:00:00.5", "UTC", "starts"),
            ("1M", "0001-01-01T00:00:00", "UTC", "starts"),
            ("1M", "2026-01-01T00:00:00", "Rome", "time_zone"),
            ("1M", "2026-01-01T00:00:00", "", "time_zone"),
        ] {
            let wrong = Calendar::parse(unit, starts, zone).unwrap_err();
            assert_eq!(wrong.field, field, "{unit} {starts} {zone}");
        }
        let whole = calendar("1Q", "2026-01-01T06:30:00", "America/New_York");
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(
            text,
            r#"{"calendar":"1Q","starts":"2026-01-01T06:30:00","time_zone":"America/New_York"}"#
        );
        assert_eq!(serde_json::from_str::<Calendar>(&text).unwrap(), whole);
    }
}
