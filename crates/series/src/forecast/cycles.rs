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
        let means = (0..values.len() + steps.min(length))
            .map(|index| {
                let whole = (index / length).min(count);
                let earlier = (1..=whole).map(|cycle| values[index - cycle * length]);
                earlier.sum::<f64>() / whole as f64
            })
            .collect();
        Self { length, means }
    }

    /// The mean in the place of step `step` (from 0) after a moment, of cycles that were over by then.
    pub(super) fn at(&self, origin: usize, step: usize) -> Option<f64> {
        let mean = self.means[origin + step % self.length];
        (!mean.is_nan()).then_some(mean)
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
            assert_eq!(cycles.at(9, step), Some(3.0));
        }
        assert_eq!(cycles.at(4, 1), Some(1.0));
        assert_eq!(cycles.at(2, 1), None);
        assert_eq!(cycles.rest(&values), [4.0, 4.0, 4.0, 4.0, 6.0]);
    }
}
