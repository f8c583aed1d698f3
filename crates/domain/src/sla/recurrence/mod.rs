//! Spans that recur by a rule of RFC 5545, in the local time of a zone.

mod occurrences;
mod rule;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::local_time::{LOCAL_TIME, TIME_ZONE, instant, local_time, zone, zone_name};
use crate::time::{Span, Timestamp, duration};
use occurrences::Occurrences;
use rule::Rule;

/// A rule, where it starts, and how long each of its occurrences is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recurrence {
    /// As it was given.
    rrule: String,
    rule: Rule,
    /// The first occurrence, local time.
    starts: DateTime,
    length: Duration,
    /// An IANA name.
    time_zone: &'static str,
}

/// What is wrong with a recurrence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct InvalidRecurrence {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// An occurrence lasts at most so long.
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 86_400);
/// Occurrences in any so many days.
const MOST: usize = 366;
const DAYS: i32 = 366;
/// No change of a clock leaves out more than a day.
const LONGEST_GAP: Duration = Duration::from_secs(86_400);
/// Within so many years each date has fallen on each day of the week, so that what a rule does is known.
const YEARS: i16 = 28;
/// How many recurrences are kept with their occurrences.
const MOST_KEPT: usize = 1_000;
/// Occurrences are worked out up to multiples of so long, so that they need not be for each question.
const KEPT_UNTIL: i64 = 64 * 86_400_000;

/// The occurrences of recurrences that were asked for, and until when they are complete.
type Kept = HashMap<Recurrence, (Timestamp, Arc<[Span]>)>;
static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

impl Recurrence {
    /// Reads `{"rrule": "FREQ=WEEKLY;BYDAY=SU", "starts": "2026-11-01T02:00:00", "duration": "2h", "time_zone":
    /// "Europe/Rome"}`: a rule of RFC 5545 with at most 366 occurrences in any 366 days, whose first one is at `starts`,
    /// local time in whole seconds of the years 1970 to 9000.
    ///
    /// # Errors
    /// With the first field that is wrong.
    pub fn parse(
        rrule: &str,
        starts: &str,
        length: &str,
        time_zone: &str,
    ) -> Result<Self, InvalidRecurrence> {
        let recurrence = Self::read(rrule, starts, length, time_zone)?;
        recurrence.check()?;
        Ok(recurrence)
    }

    /// Reads what was parsed before: what the rule does over the years is not looked at again.
    fn read(
        rrule: &str,
        starts: &str,
        length: &str,
        time_zone: &str,
    ) -> Result<Self, InvalidRecurrence> {
        let wrong = |field, reason: &str| InvalidRecurrence {
            field,
            reason: reason.to_owned(),
        };
        let rule = Rule::parse(rrule).map_err(|reason| wrong("rrule", &reason))?;
        let starts = local_time(starts).ok_or_else(|| wrong("starts", LOCAL_TIME))?;
        let length =
            duration::parse(length).map_err(|error| wrong("duration", &error.to_string()))?;
        if length.is_zero() || length > LONGEST {
            return Err(wrong("duration", "must be longer than 0s, at most 7d"));
        }
        let time_zone = zone_name(time_zone).ok_or_else(|| wrong("time_zone", TIME_ZONE))?;
        Ok(Self {
            rrule: rrule.to_owned(),
            rule,
            starts,
            length,
            time_zone,
        })
    }

    /// The rule, as it was given.
    pub fn rrule(&self) -> &str {
        &self.rrule
    }

    /// Where it starts, local time.
    pub fn starts(&self) -> String {
        self.starts.to_string()
    }

    /// How long each occurrence is.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// The IANA name of the time zone.
    pub fn time_zone(&self) -> &'static str {
        self.time_zone
    }

    /// When the first occurrence begins.
    pub fn first(&self) -> Timestamp {
        instant(self.starts, &zone(self.time_zone)).unwrap_or(Timestamp::EPOCH)
    }

    /// When the last occurrence is over; [`Timestamp::MAX`] where there is no last one, or not for decades.
    pub fn end(&self) -> Timestamp {
        let known = self.known_until();
        let spans = self.spans(Span {
            start: Timestamp::EPOCH,
            end: known,
        });
        let is_over = match (self.rule.count, self.rule.until) {
            (Some(count), _) => spans.len() as u64 >= count,
            (None, Some(until)) => until < known,
            (None, None) => false,
        };
        let last = spans.iter().map(|span| span.end).max();
        last.filter(|_| is_over).unwrap_or(Timestamp::MAX)
    }

    /// The occurrences that have some time in a span, whole, in order.
    pub fn spans(&self, asked: Span) -> Vec<Span> {
        let all = self.until(asked.end);
        let touches = |span: &&Span| span.start < asked.end && span.end > asked.start;
        all.iter().filter(touches).copied().collect()
    }

    /// All occurrences that begin before an instant, and perhaps some after it.
    fn until(&self, instant: Timestamp) -> Arc<[Span]> {
        let rounded = instant
            .millis()
            .div_euclid(KEPT_UNTIL)
            .saturating_add(1)
            .saturating_mul(KEPT_UNTIL);
        let until = Timestamp::from_millis(rounded).unwrap_or(Timestamp::MAX);
        let lock = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, spans)) = lock().get_or_insert_default().get(self)
            && *known >= until
        {
            return spans.clone();
        }
        let spans: Arc<[Span]> = self.expand(until).into();
        let mut kept = lock();
        let kept = kept.get_or_insert_default();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(self.clone(), (until, spans.clone()));
        spans
    }

    /// The occurrences that begin before `end`, in order.
    fn expand(&self, end: Timestamp) -> Vec<Span> {
        let zone = zone(self.time_zone);
        let last = self.rule.until.unwrap_or(Timestamp::MAX);
        let mut starts: Vec<Timestamp> = Occurrences::new(&self.rule, self.starts)
            .map_while(|local| instant(local, &zone))
            // A local time in a gap comes after later ones that are behind it.
            .take_while(|start| *start - LONGEST_GAP <= end.min(last))
            .filter(|start| *start < end && *start <= last)
            .collect();
        starts.sort_unstable();
        let spans = starts.into_iter().map(|start| Span {
            start,
            end: start + self.length,
        });
        spans.collect()
    }

    /// Until when what the rule does is looked at.
    fn known_until(&self) -> Timestamp {
        let year = (self.starts.year() + YEARS).min(9_999);
        let end = DateTime::new(year, 12, 31, 0, 0, 0, 0).unwrap_or(DateTime::MAX);
        instant(end, &zone(self.time_zone)).unwrap_or(Timestamp::MAX)
    }

    /// Whether the rule begins with the start and does not recur too often. Local times count, in which days are alike.
    fn check(&self) -> Result<(), InvalidRecurrence> {
        let not_first = || InvalidRecurrence {
            field: "starts",
            reason: "must be an occurrence of the rule, the first one".to_owned(),
        };
        if self.rule.until.is_some_and(|until| until < self.first()) {
            return Err(InvalidRecurrence {
                field: "rrule",
                reason: "must not have an UNTIL before `starts`".to_owned(),
            });
        }
        let last_year = self.starts.year() + YEARS;
        let mut newest: Vec<DateTime> = Vec::new();
        let mut locals = Occurrences::new(&self.rule, self.starts);
        let first = locals.next().ok_or_else(not_first)?;
        if first != self.starts {
            return Err(not_first());
        }
        newest.push(first);
        let known = locals.take_while(|local| local.year() <= last_year);
        for local in known {
            if newest.len() >= MOST {
                let before = newest[newest.len() - MOST];
                let span = jiff::Span::new().days(DAYS);
                if before.checked_add(span).is_ok_and(|next| local < next) {
                    return Err(InvalidRecurrence {
                        field: "rrule",
                        reason: format!(
                            "must not have more than {MOST} occurrences in any {DAYS} days"
                        ),
                    });
                }
            }
            newest.push(local);
        }
        Ok(())
    }
}

/// As JSON.
#[derive(Serialize, Deserialize)]
struct Written {
    rrule: String,
    starts: String,
    duration: String,
    time_zone: String,
}

impl Serialize for Recurrence {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            rrule: self.rrule.clone(),
            starts: self.starts(),
            duration: duration::format(self.length),
            time_zone: self.time_zone.to_owned(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Recurrence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let Written {
            rrule,
            starts,
            duration,
            time_zone,
        } = written;
        Self::read(&rrule, &starts, &duration, &time_zone).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
