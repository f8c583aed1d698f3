//! The fields of an objective that its budget follows from.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::{
    fault::{Faults, below},
    sla::fields::{number, text},
};

/// `target`: a share of the time, 0 to 1, both exclusive.
pub(super) fn target(
    fields: &Map<String, Value>,
    pointer: &str,
    faults: &mut Faults,
) -> Option<f64> {
    let target = number(fields, pointer, "target", faults)?;
    if target > 0.0 && target < 1.0 {
        return Some(target);
    }
    let reason = match share_of_percent(target) {
        Some(share) => format!("a target is a share; did you mean {share}?"),
        None => "must be greater than 0 and less than 1".to_owned(),
    };
    faults.add(&below(pointer, "target"), reason);
    None
}

/// The share that is meant where a target looks like a percentage. By its digits: a division would add some.
fn share_of_percent(target: f64) -> Option<f64> {
    let is_percentage = (50.0..100.0).contains(&target);
    is_percentage
        .then(|| format!("{target}e-2").parse().ok())
        .flatten()
}

/// `budget_window`, `missing` or `series_end`: one of a few words, or its default.
pub(super) fn term<T: FromStr + Default>(
    fields: &Map<String, Value>,
    pointer: &str,
    field: &str,
    faults: &mut Faults,
) -> T
where
    T::Err: ToString,
{
    match text(fields, pointer, field, faults).map(|text| text.parse()) {
        Some(Ok(term)) => term,
        Some(Err(error)) => {
            faults.add(&below(pointer, field), T::Err::to_string(&error));
            T::default()
        }
        None => T::default(),
    }
}
