//! Noise that is a function of time: the same instant has the same noise, today and after a restart.

/// A value in `[-1, 1)` for each `index` of each `stream`, without memory.
pub(super) fn white(stream: u64, index: i64) -> f64 {
    2.0 * share(stream, index) - 1.0
}

/// A value in `[0, 1)` for each `index` of each `stream`.
pub(super) fn share(stream: u64, index: i64) -> f64 {
    let hash = mixed(mixed(stream) ^ index as u64);
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// Noise in `[-1, 1)` that needs about `period` seconds to change: white noise at the multiples of `period`, joined by
/// the smooth step 3x^2 - 2x^3.
pub(super) fn smooth(stream: u64, seconds: i64, period: i64) -> f64 {
    let index = seconds.div_euclid(period);
    let x = seconds.rem_euclid(period) as f64 / period as f64;
    let (before, after) = (white(stream, index), white(stream, index + 1));
    before + (after - before) * x * x * (3.0 - 2.0 * x)
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014).
fn mixed(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn noise_stays_in_its_range(stream in any::<u64>(), index in any::<i32>()) {
            prop_assert!((-1.0..1.0).contains(&white(stream, index.into())));
            prop_assert!((-1.0..1.0).contains(&smooth(stream, index.into(), 60)));
        }
    }

    #[test]
    fn white_noise_averages_to_nothing() {
        let sum: f64 = (0..10_000).map(|index| white(7, index)).sum();
        assert!(sum.abs() / 10_000.0 < 0.02, "{sum}");
    }
}
