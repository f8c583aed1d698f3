//! Numbers with so many decimal places and no more.
//!
//! A number with few places is short in JSON, in a compressed message and in a packed document. What a place is worth is
//! for the caller to say.

/// So many decimal places; below 0: zeros before the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimals(i8);

/// Powers of ten up to this one are exact.
const MOST: i8 = 22;
/// Fifteen digits: a decimal number of more need not be the nearest one to its float.
const LARGEST: f64 = 1e15;

impl Decimals {
    /// `places` after the point, 22 at most.
    pub const fn new(places: u8) -> Self {
        Self(if places > MOST as u8 {
            MOST
        } else {
            places as i8
        })
    }

    /// The fewest places whose last one is worth `step` or less. `None` where no number of places is: for a step of 0, and
    /// for one that is not finite or out of reach (below 1e-22, from 1e22 on).
    pub fn no_coarser_than(step: f64) -> Option<Self> {
        let places = (-step.log10()).ceil();
        (places.abs() <= f64::from(MOST)).then_some(Self(places as i8))
    }

    /// The number with these places that is nearest to `value`; of two that are equally near the one farther from 0.
    /// Numbers with these places stay what they are, and no two change their order. What would have more than
    /// fifteen digits is returned as it is.
    pub fn round(self, value: f64) -> f64 {
        match self.count(value) {
            // 0 has no sign.
            Some(count) => self.number(count) + 0.0,
            None => value,
        }
    }

    /// How many of the last place `value` is, rounded; `None` where that is no exact whole number.
    pub(crate) fn count(self, value: f64) -> Option<i64> {
        let count = if self.0 < 0 {
            value / self.power()
        } else {
            value * self.power()
        };
        (count.abs() < LARGEST).then(|| count.round() as i64)
    }

    /// So many of the last place, as the float that is nearest to it.
    pub(crate) fn number(self, count: i64) -> f64 {
        // Both are exact, so that the division is rounded once.
        if self.0 < 0 {
            count as f64 * self.power()
        } else {
            count as f64 / self.power()
        }
    }

    fn power(self) -> f64 {
        10_f64.powi(i32::from(self.0.abs()))
    }
}

/// The shares that weights have of their sum, in multiples of `1 / parts`, which add up to 1.
///
/// Each is rounded down, and those that lost most get what is left (the method of largest remainders), the first of those
/// that lost alike.
///
/// Where the weights have no finite sum above 0, or one of them is below 0, they are returned as they are.
pub fn shares(weights: &[f64], parts: u32) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    if !sum.is_finite() || sum <= 0.0 || weights.iter().any(|weight| *weight < 0.0) {
        return weights.to_vec();
    }
    let whole = f64::from(parts);
    let exact: Vec<f64> = weights.iter().map(|weight| weight / sum * whole).collect();
    let mut counts: Vec<f64> = exact.iter().map(|exact| exact.floor()).collect();
    let missing = (whole - counts.iter().sum::<f64>()).max(0.0) as usize;
    let lost = |position: &usize| exact[*position] - exact[*position].floor();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| lost(b).total_cmp(&lost(a)));
    for position in order.into_iter().take(missing) {
        counts[position] += 1.0;
    }
    counts.iter().map(|count| count / whole).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_number_has_as_many_places_as_it_is_given() {
        for (places, value, expected) in [
            (3, 74.309_047_937_383_28, 74.309),
            (3, 0.1, 0.1),
            (0, 2.5, 3.0),
            (0, -2.5, -3.0),
            (-2, 1_234.0, 1_200.0),
            (2, 1e300, 1e300),
            (2, f64::NEG_INFINITY, f64::NEG_INFINITY),
        ] {
            let rounded = Decimals(places).round(value);
            assert_eq!(rounded.to_bits(), f64::to_bits(expected), "{value}");
        }
        let zero = Decimals::new(1).round(-0.01);
        assert_eq!(zero.to_bits(), 0.0_f64.to_bits(), "0 has no sign");
    }

    #[test]
    fn places_follow_from_what_the_last_one_may_be_worth() {
        for (step, expected) in [
            (1.0, Some(0)),
            (0.1, Some(1)),
            (0.04, Some(2)),
            (99.0, Some(-1)),
            (1e-30, None),
            (0.0, None),
            (-1.0, None),
            (f64::INFINITY, None),
            (f64::NAN, None),
        ] {
            let expected = expected.map(Decimals);
            assert_eq!(Decimals::no_coarser_than(step), expected, "{step}");
        }
    }

    #[test]
    fn shares_add_up() {
        for (weights, expected) in [
            (vec![1.0, 1.0, 1.0], vec![0.4, 0.3, 0.3]),
            (vec![0.19, 0.07, 0.74], vec![0.2, 0.1, 0.7]),
            (vec![0.0, 5.0], vec![0.0, 1.0]),
            (vec![0.0], vec![0.0]),
            (vec![f64::NAN], vec![f64::NAN]),
        ] {
            let found = shares(&weights, 10);
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        }
    }

    proptest! {
        #[test]
        fn rounding_keeps_the_order_and_is_done_once(
            values in vec(-1e6..1e6_f64, 2..20),
            places in -4..12_i8,
        ) {
            let decimals = Decimals(places);
            let mut values = values;
            values.sort_by(f64::total_cmp);
            let rounded: Vec<f64> = values.iter().map(|value| decimals.round(*value)).collect();
            prop_assert!(rounded.is_sorted());
            for (value, rounded) in values.iter().zip(&rounded) {
                prop_assert_eq!(decimals.round(*rounded).to_bits(), rounded.to_bits());
                let most = 0.500_1 * decimals.number(1) + value.abs() * f64::EPSILON;
                prop_assert!((value - rounded).abs() <= most);
            }
        }

        #[test]
        fn shares_are_near_their_weights(weights in vec(0.0..1.0_f64, 1..200)) {
            let found = shares(&weights, 10_000);
            let sum: f64 = weights.iter().sum();
            prop_assume!(sum > 0.0);
            prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for (weight, share) in weights.iter().zip(&found) {
                prop_assert!((weight / sum - share).abs() < 1.000_1e-4, "{} {}", weight / sum, share);
            }
        }
    }
}
