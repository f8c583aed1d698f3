use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};

use domain::Timestamp;

/// How many seconds a row of `slice` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Length {
    Minute,
    FiveMinutes,
    Hour,
    Day,
}

impl Length {
    /// All of them, shortest first.
    pub(crate) const ALL: [Self; 4] = [Self::Minute, Self::FiveMinutes, Self::Hour, Self::Day];

    pub(crate) fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::FiveMinutes => 5,
            Self::Hour => 60,
            Self::Day => 1_440,
        }
    }

    /// As the column `length` has it.
    pub(crate) fn seconds(self) -> u32 {
        60 * self.minutes() as u32
    }

    pub(crate) fn of_seconds(seconds: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|length| length.seconds() == seconds)
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds()))
    }

    /// The end of the row that holds an instant.
    pub(crate) fn end_of(self, time: Timestamp) -> Timestamp {
        let length = i64::from(self.seconds()) * 1_000;
        let count = -(-time.millis()).div_euclid(length);
        Timestamp::from_millis(count * length).unwrap_or(Timestamp::MAX)
    }
}

/// Minutes since the epoch, as a column holds the time.
pub(super) fn column_minute(minute: i64) -> NaiveDateTime {
    let time = DateTime::from_timestamp(minute.saturating_mul(60), 0);
    time.unwrap_or(DateTime::UNIX_EPOCH).naive_utc()
}

/// The minutes since the epoch of a time in a column.
pub(super) fn read_minute(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp().div_euclid(60)
}
