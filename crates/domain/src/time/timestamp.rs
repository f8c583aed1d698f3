use std::{borrow::Cow, fmt, ops, str::FromStr, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::duration::seconds;

/// An instant: milliseconds since the Unix epoch, UTC.
///
/// Written as RFC 3339 with `Z`, with milliseconds only where there are any: `2026-11-23T08:45:00Z`,
/// `2026-11-23T08:45:00.250Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time, or a time outside the years 0 to 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 time such as 2026-11-23T08:45:00Z")]
pub struct InvalidTimestamp(String);

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what RFC 3339 and MySQL's DATETIME can both say.
const MIN_MS: i64 = -62_167_219_200_000;
const MAX_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The last instant there is: the end of the year 9999.
    pub const MAX: Self = Self(MAX_MS);
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The instant `ms` milliseconds after the Unix epoch, or `None` outside the years 0 to 9999.
    pub fn from_millis(ms: i64) -> Option<Self> {
        (MIN_MS..=MAX_MS).contains(&ms).then_some(Self(ms))
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whether the instant falls on a whole second.
    pub fn is_whole_second(self) -> bool {
        self.0.rem_euclid(1000) == 0
    }

    /// The latest whole second that is not after this instant.
    pub fn floor_to_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// The same instant in chrono's terms.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// How long ago `earlier` was, seconds; zero if it is not earlier.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        seconds(self.since(earlier))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis().clamp(MIN_MS, MAX_MS))
    }
}

impl ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms).min(MAX_MS))
    }
}

impl ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(ms).max(MIN_MS))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.is_whole_second() {
            SecondsFormat::Secs
        } else {
            SecondsFormat::Millis
        };
        f.write_str(&self.to_utc().to_rfc3339_opts(format, true))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|time| Self::from_millis(time.timestamp_millis()))
            .ok_or_else(|| InvalidTimestamp(text.chars().take(64).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_written_only_where_there_are_any() {
        for text in [
            "2026-11-23T08:45:00Z",
            "2026-11-23T08:45:00.250Z",
            "1969-12-31T23:59:59.999Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_offset_is_turned_into_utc() {
        let time: Timestamp = "2026-11-23T09:45:00+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-23T08:45:00Z");
    }

    #[test]
    fn a_text_that_is_no_time_is_named_in_the_error() {
        let error = "tomorrow".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("`tomorrow`"));
    }

    #[test]
    fn a_time_before_the_epoch_is_floored_downwards() {
        let time = Timestamp::from_millis(-1).unwrap();
        assert_eq!(time.floor_to_second().millis(), -1000);
    }
}
