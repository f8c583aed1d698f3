mod accounts;
mod episodes;
mod forecast_risk;
mod properties;
mod reading;
mod windows;

use std::time::Duration;

use super::*;
use crate::{
    series::{Labels, Sample},
    sla::Objective,
    time::{Span, Timestamp},
};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000).unwrap()
}

pub(super) fn sample(seconds: i64, value: f64) -> Sample {
    Sample {
        time: at(seconds),
        value,
    }
}

pub(super) fn samples(samples: &[(i64, f64)]) -> Vec<Sample> {
    samples
        .iter()
        .map(|(seconds, value)| sample(*seconds, *value))
        .collect()
}

pub(super) fn span(start: i64, end: i64) -> Span {
    Span {
        start: at(start),
        end: at(end),
    }
}

/// A range from `min` to `max`, held for `hold` seconds.
pub(super) fn objective(min: Option<f64>, max: Option<f64>, hold: u64) -> Objective {
    let metric = "m".parse().unwrap();
    let hold = Duration::from_secs(hold);
    Objective::new(metric, Labels::default(), (min, max), hold)
}

/// When [`judged`] judges, seconds.
const AS_OF: i64 = 100_000;

/// At most 80, held for `hold` seconds, judged on the samples `(seconds before as_of, value)`.
fn judged(hold: u64, ages: &[(i64, f64)]) -> Judgement {
    let mut read: Vec<_> = ages
        .iter()
        .map(|(age, value)| sample(AS_OF - age, *value))
        .collect();
    read = clean(read);
    evaluate(
        &objective(None, Some(80.0), hold),
        &read,
        STALENESS,
        at(AS_OF),
    )
    .judgement()
    .unwrap()
}
