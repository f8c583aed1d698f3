use std::ops::{Add, AddAssign, Sub};

/// A sum that does not depend on the order of its terms: a whole number of 2^-60.
///
/// Whole numbers are exact, others to 2^-61 each. Sums stay within 2^67; what is larger stays at that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExactSum(i128);

const SCALE: f64 = (1u64 << 60) as f64;

impl ExactSum {
    /// The sum as a number: the nearest one there is.
    pub fn value(self) -> f64 {
        self.0 as f64 / SCALE
    }
}

impl From<f64> for ExactSum {
    /// A number; NaN counts as 0.
    fn from(value: f64) -> Self {
        // Multiplying by a power of two rounds nothing; the conversion stays within its limits.
        Self((value * SCALE).round() as i128)
    }
}

impl Add for ExactSum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for ExactSum {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for ExactSum {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "whole numbers are exact")]

    use super::*;

    #[test]
    fn whole_numbers_are_exact_and_the_order_does_not_matter() {
        let large = (1u64 << 53) as f64;
        for terms in [
            vec![large, 1.0, 1.0, -large],
            vec![0.1, 1e15, 0.2, -1e15],
            vec![1e-9; 7],
        ] {
            let sum = |terms: &mut dyn Iterator<Item = &f64>| {
                terms.fold(ExactSum::default(), |sum, term| sum + ExactSum::from(*term))
            };
            assert_eq!(
                sum(&mut terms.iter()),
                sum(&mut terms.iter().rev()),
                "{terms:?}"
            );
        }
        let two = ExactSum::from(large) + ExactSum::from(2.0) + ExactSum::from(-large);
        assert_eq!(two.value(), 2.0);
        assert_eq!(ExactSum::from(f64::NAN), ExactSum::default());
    }

    #[test]
    fn a_sum_that_is_too_large_stays_at_the_limit() {
        let most = ExactSum::from(f64::MAX);
        assert_eq!(most + most, most);
    }
}
