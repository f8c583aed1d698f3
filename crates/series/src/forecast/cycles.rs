//! What a series was in the same place of its last cycles.

/// The means over the last cycles.
pub(super) struct Cycles {
    length: usize,
    /// For each index, the mean of the values one, two, ... cycles before it; NaN where there are none.
    means: Vec<f64>,
}

impl Cycles {
    /// The means over up to `count` cycles, for horizons of up to `steps`.
    pub(super) fn new(values: &[f64], length: usize, count: usize, steps: usize) -> Self {
        let mut means = vec![f64::NAN; values.len() + steps.min(length)];
        let end = means.len();
        // So many cycles are whole from here to there.
        for whole in (1..=count).take_while(|whole| whole * length < end) {
            let start = whole * length;
            let next = if whole < count {
                end.min(start + length)
            } else {
                end
            };
            let means = &mut means[start..next];
            let earlier = |cycle: usize| &values[start - cycle * length..next - cycle * length];
            means.copy_from_slice(earlier(1));
            for cycle in 2..=whole {
                for (mean, value) in means.iter_mut().zip(earlier(cycle)) {
                    *mean += value;
                }
            }
            for mean in means {
                *mean /= whole as f64;
            }
        }
        Self { length, means }
    }

    /// By moment, the mean in the place of step `step` (from 0) after it, of cycles that were over by then; NaN where none was.
    pub(super) fn after(&self, step: usize) -> &[f64] {
        &self.means[step % self.length..]
    }

    /// What each value has beside the mean of its place, from the first that has a cycle before it.
    pub(super) fn rest(&self, values: &[f64]) -> Vec<f64> {
        let pairs = values.iter().zip(&self.means).skip(self.length);
        pairs.map(|(value, mean)| value - mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_place_of_earlier_cycles_is_found() {
        let values: Vec<f64> = (0..9).map(f64::from).collect();
        let cycles = Cycles::new(&values, 4, 2, 10);
        // Of index 9, 4 before it is 5 and 8 before it 1; a cycle later it is the same.
        for step in [0, 4, 8] {
            assert!((cycles.after(step)[9] - 3.0).abs() < 1e-12);
        }
        assert!((cycles.after(1)[4] - 1.0).abs() < 1e-12);
        assert!(cycles.after(1)[2].is_nan());
        assert_eq!(cycles.rest(&values), [4.0, 4.0, 4.0, 4.0, 6.0]);
    }
}
