//! Times as Prometheus' API takes them.

use std::time::Duration;

use domain::{Timestamp, duration};
use http_api::Query;

use super::Unanswered;

/// The times that are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Milliseconds, at least 1.
    pub(super) step: i64,
}

/// More points of a series are not answered.
const MOST_POINTS: i64 = 11_000;
/// The latest time that can be asked about, in milliseconds: the year 9999.
const LATEST: i64 = 253_402_300_799_000;

impl Span {
    pub(super) fn at(time: Timestamp) -> Self {
        Self {
            start: time,
            end: time,
            step: 1,
        }
    }

    /// `start`, `end` and `step`.
    pub(super) fn read(query: &mut Query) -> Result<Self, Unanswered> {
        let start = required(query, "start")?;
        let end = required(query, "end")?;
        let step = step(query)?;
        if end < start {
            return bad("end timestamp must not be before start time");
        }
        if (end.millis() - start.millis()) / step > MOST_POINTS {
            return bad(
                "exceeded maximum resolution of 11,000 points per timeseries: ask in longer steps (`step`)",
            );
        }
        Ok(Self { start, end, step })
    }

    /// The times, in order.
    pub(super) fn times(self) -> impl Iterator<Item = Timestamp> {
        let count = (self.end.millis() - self.start.millis()) / self.step;
        let count = u32::try_from(count).unwrap_or_default();
        let step = Duration::from_millis(self.step.unsigned_abs());
        (0..=count).map(move |k| self.start + step * k)
    }
}

fn bad<T>(sentence: &str) -> Result<T, Unanswered> {
    Err(Unanswered::BadData(sentence.to_owned()))
}

fn required(query: &mut Query, name: &str) -> Result<Timestamp, Unanswered> {
    let time = instant(query, name)?;
    time.ok_or_else(|| Unanswered::BadData(format!("parameter {name:?} is missing")))
}

/// A time: seconds since the Unix epoch, or RFC 3339.
pub(super) fn instant(query: &mut Query, name: &str) -> Result<Option<Timestamp>, Unanswered> {
    let Some(text) = query.text(name) else {
        return Ok(None);
    };
    let invalid =
        || Unanswered::BadData(format!("invalid parameter {name:?}: {text:?} is no time"));
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = (seconds * 1000.0).round();
        if !(0.0..=LATEST as f64).contains(&millis) {
            return Err(invalid());
        }
        let time = Timestamp::from_millis(millis as i64);
        return time.map(Some).ok_or_else(invalid);
    }
    let time: Timestamp = text.parse().map_err(|_| invalid())?;
    if !(0..=LATEST).contains(&time.millis()) {
        return Err(invalid());
    }
    Ok(Some(time))
}

/// `start` and `end` of questions that are answered as of now, whatever they say.
pub(super) fn check_times(query: &mut Query) -> Result<(), Unanswered> {
    let (start, end) = (instant(query, "start")?, instant(query, "end")?);
    match start.zip(end) {
        Some((start, end)) if end < start => bad("end timestamp must not be before start time"),
        _ => Ok(()),
    }
}

/// `timeout`, which has a bound of its own here.
pub(super) fn check_timeout(query: &mut Query) -> Result<(), Unanswered> {
    match query.text("timeout") {
        Some(text) => milliseconds("timeout", &text).map(drop),
        None => Ok(()),
    }
}

/// `limit`: how many entries are answered at most; 0 for all.
pub(super) fn limit(query: &mut Query) -> Result<usize, Unanswered> {
    let Some(text) = query.text("limit") else {
        return Ok(usize::MAX);
    };
    match text.parse() {
        Ok(0) => Ok(usize::MAX),
        Ok(limit) => Ok(limit),
        Err(_) => bad(&format!(
            "invalid parameter \"limit\": {text:?} is no count"
        )),
    }
}

/// Seconds, or a duration.
fn milliseconds(name: &str, text: &str) -> Result<f64, Unanswered> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Ok((seconds * 1000.0).round());
    }
    match duration::parse(text) {
        Ok(length) => Ok(length.as_millis() as f64),
        Err(error) => bad(&format!("invalid parameter {name:?}: {error}")),
    }
}

/// `step`: seconds, or a duration.
fn step(query: &mut Query) -> Result<i64, Unanswered> {
    let Some(text) = query.text("step") else {
        return bad("parameter \"step\" is missing");
    };
    let millis = milliseconds("step", &text)?;
    if !(1.0..=LATEST as f64).contains(&millis) {
        return bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted",
        );
    }
    Ok(millis as i64)
}
