//! Missing values of a series at equal distances, written as NaN: holding, cutting and bridging them.

use crate::Reason;

/// A history may have one missing value in so many.
const RARE: usize = 10;

/// The longest stretch of `values` without a missing one (NaN); of equally long ones the newest. Empty if there is no
/// value.
pub fn longest_complete(values: &[f64]) -> &[f64] {
    let mut longest = 0..0;
    let mut start = 0;
    for (index, value) in values.iter().enumerate() {
        if value.is_nan() {
            start = index + 1;
        } else if index + 1 - start >= longest.len() {
            longest = start..index + 1;
        }
    }
    &values[longest]
}

/// The longest end of `values` of which at most a tenth is missing (NaN), those interpolated linearly.
///
/// # Errors
///
/// [`Reason::TooShort`] if there is no value at all, [`Reason::Stale`] if the last one is missing.
pub fn bridged(values: &[f64]) -> Result<Vec<f64>, Reason> {
    if values.iter().all(|value| value.is_nan()) {
        return Err(Reason::TooShort);
    }
    if values.last().is_some_and(|last| last.is_nan()) {
        return Err(Reason::Stale);
    }
    let mut start = values.len();
    let mut missing = 0;
    for (index, value) in values.iter().enumerate().rev() {
        if value.is_nan() {
            missing += 1;
        } else if RARE * missing <= values.len() - index {
            start = index;
        }
    }
    let mut tail = values[start..].to_vec();
    let mut known = 0;
    for index in 1..tail.len() {
        if tail[index].is_nan() {
            continue;
        }
        let (from, to) = (tail[known], tail[index]);
        let distance = (index - known) as f64;
        for (step, value) in (1..).zip(&mut tail[known + 1..index]) {
            let share = f64::from(step) / distance;
            *value = from * (1.0 - share) + to * share;
        }
        known = index;
    }
    Ok(tail)
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

    #[test]
    fn at_most_a_tenth_of_the_recent_history_is_interpolated() {
        let mut values = vec![1.0; 100];
        values[50..60].fill(f64::NAN);
        assert_eq!(bridged(&values), Ok(vec![1.0; 100]));
        values[49] = f64::NAN;
        assert_eq!(bridged(&values).map(|recent| recent.len()), Ok(40));
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
