//! Missing values of a series at equal distances, written as NaN: holding, cutting and bridging them.

use std::ops::Range;

use crate::{Reason, reason::are_all};

/// A history may have one missing value in so many; in more, only if so few leave too little of it.
const RARE: [usize; 3] = [10, 4, 2];
/// How many known values are enough: what a forecast can be tried on.
const ENOUGH: usize = 64;

/// The longest stretch of `values` without a missing one (NaN); of equally long ones the newest. Empty if there is no
/// value.
pub fn longest_complete(values: &[f64]) -> &[f64] {
    &values[longest_stretch(values)]
}

/// The indices of [`longest_complete`].
pub fn longest_stretch(values: &[f64]) -> Range<usize> {
    if !misses_any(values) {
        return 0..values.len();
    }
    let mut longest = 0..0;
    let mut start = 0;
    for (index, value) in values.iter().enumerate() {
        if value.is_nan() {
            start = index + 1;
        } else if index + 1 - start >= longest.len() {
            longest = start..index + 1;
        }
    }
    longest
}

/// Whether a value is missing.
fn misses_any(values: &[f64]) -> bool {
    !are_all(values, |value| !value.is_nan())
}

/// The longest end of `values` of which at most a tenth is missing (NaN), those interpolated linearly.
///
/// Where that leaves fewer than 64 known values, a quarter may be missing, then a half, then as many as are.
///
/// # Errors
///
/// [`Reason::TooShort`] if there is no value at all, [`Reason::Stale`] if the last one is missing.
pub fn bridged(values: &[f64]) -> Result<Vec<f64>, Reason> {
    let Some(first) = values.iter().position(|value| !value.is_nan()) else {
        return Err(Reason::TooShort);
    };
    if values.last().is_some_and(|last| last.is_nan()) {
        return Err(Reason::Stale);
    }
    if !misses_any(values) {
        return Ok(values.to_vec());
    }
    let is_enough = |end: &&[f64]| end.iter().filter(|value| !value.is_nan()).count() >= ENOUGH;
    let end = RARE
        .into_iter()
        .map(|rare| longest_end(values, rare))
        .find(is_enough)
        .or_else(|| Some(&values[first..]).filter(is_enough))
        // A short series has no more to give: but most of it should be known.
        .unwrap_or_else(|| longest_end(values, RARE[RARE.len() - 1]));
    Ok(interpolated(end))
}

/// The longest end of which at most one value in `rare` is missing, from a known value on.
fn longest_end(values: &[f64], rare: usize) -> &[f64] {
    let mut start = values.len();
    let mut missing = 0;
    for (index, value) in values.iter().enumerate().rev() {
        if value.is_nan() {
            missing += 1;
        } else if rare * missing <= values.len() - index {
            start = index;
        }
    }
    &values[start..]
}

/// The values, those missing between known ones on the line between these.
fn interpolated(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    let mut known = 0;
    for index in 1..values.len() {
        if values[index].is_nan() {
            continue;
        }
        let (from, to) = (values[known], values[index]);
        let distance = (index - known) as f64;
        for (step, value) in (1..).zip(&mut values[known + 1..index]) {
            let share = f64::from(step) / distance;
            *value = from * (1.0 - share) + to * share;
        }
        known = index;
    }
    values
}

/// Fills short gaps of a regular series in place: a value stands for fewer than `points` steps after it.
pub fn hold(values: &mut [f64], points: usize) {
    let mut newest = f64::NAN;
    let mut age = 0;
    for value in values {
        if value.is_nan() {
            age += 1;
            if age < points {
                *value = newest;
            }
        } else {
            newest = *value;
            age = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(values: usize, is_missing: impl Fn(usize) -> bool) -> Vec<f64> {
        let value = |index| if is_missing(index) { f64::NAN } else { 1.0 };
        (0..values).map(value).collect()
    }

    #[track_caller]
    fn check(values: &[f64], bridged_values: usize) {
        assert_eq!(bridged(values), Ok(vec![1.0; bridged_values]));
    }

    #[test]
    fn at_most_a_tenth_of_the_recent_history_is_interpolated() {
        check(&without(1000, |index| (500..600).contains(&index)), 1000);
        check(&without(1000, |index| (499..600).contains(&index)), 400);
    }

    #[test]
    fn more_is_interpolated_where_too_little_would_be_left() {
        check(&without(1000, |index| index % 7 == 3), 1000);
        check(&without(1000, |index| matches!(index % 5, 1 | 2)), 1000);
        check(&without(1000, |index| index % 10 > 3 && index != 999), 1000);
        check(&without(40, |index| index % 7 == 3), 40);
    }

    #[test]
    fn two_values_and_a_great_gap_between_them_are_no_history() {
        check(&without(1000, |index| !(index == 0 || index == 999)), 1);
    }

    #[test]
    fn a_value_stands_for_fewer_steps_than_asked() {
        let mut values = [f64::NAN, 1.0, f64::NAN, f64::NAN, f64::NAN, 2.0];
        hold(&mut values, 3);
        assert!(values[0].is_nan() && values[4].is_nan());
        assert_eq!(longest_complete(&values).len(), 3);
    }

    #[test]
    fn of_equally_long_stretches_the_newest_is_taken() {
        assert_eq!(longest_complete(&[1.0, f64::NAN, 2.0]), [2.0]);
        assert!(longest_complete(&[f64::NAN]).is_empty());
    }
}
