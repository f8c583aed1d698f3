//! The least and the greatest of values, and of every horizon of a series.

/// The least and the greatest value.
pub(super) fn extremes(values: &[f64]) -> (f64, f64) {
    /// So many of each side by side: one after the other would wait for each.
    const LANES: usize = 8;
    let (mut least, mut greatest) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            least[lane] = lesser(least[lane], block[lane]);
            greatest[lane] = greater(greatest[lane], block[lane]);
        }
    }
    let least = least.iter().chain(rest).copied();
    let greatest = greatest.iter().chain(rest).copied();
    (
        least.fold(f64::INFINITY, lesser),
        greatest.fold(f64::NEG_INFINITY, greater),
    )
}

/// The lesser of two numbers; neither is NaN, what `f64::min` would have to look for.
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The greater of two numbers, neither of them NaN.
pub(super) fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The least and the greatest of so many values from each index on, as far as there are as many.
pub(super) struct Extremes {
    pub(super) least: Vec<f64>,
    pub(super) greatest: Vec<f64>,
}

impl Extremes {
    pub(super) fn new(values: &[f64], steps: usize) -> Self {
        Self {
            least: over(values, steps, lesser),
            greatest: over(values, steps, greater),
        }
    }
}

/// What `either` chooses of so many values from each index on: of two, of four, of eight, ... and at last of two of these
/// that overlap.
fn over(values: &[f64], steps: usize, either: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut chosen = values.to_vec();
    let mut width = 1;
    while width < steps {
        let apart = width.min(steps - width);
        let later = chosen.get(apart..).unwrap_or_default();
        let pairs = chosen.iter().zip(later);
        chosen = pairs.map(|(one, other)| either(*one, *other)).collect();
        width += apart;
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_horizon_has_its_own() {
        let values: Vec<f64> = (0..60).map(|t| f64::from(t * 37 % 23)).collect();
        for steps in [1, 2, 7, 8, 40] {
            let found = Extremes::new(&values, steps);
            let pairs = found.least.into_iter().zip(found.greatest);
            let plain = values.windows(steps).map(|window| {
                let sorted = window.iter().copied();
                (
                    sorted.clone().fold(f64::INFINITY, f64::min),
                    sorted.fold(f64::NEG_INFINITY, f64::max),
                )
            });
            assert!(pairs.eq(plain.clone()));
            assert!(values.windows(steps).map(extremes).eq(plain));
        }
    }
}
