//! Some of all series, chosen by their ids.

use serde::{Deserialize, Serialize};

use super::{Labels, MetricName, Series, SeriesId};

/// Some of all series: those whose id leaves the remainder `index` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 0 to `of` - 1.
    pub index: u32,
    /// Into how many parts the series are split.
    pub of: u32,
}

impl Part {
    /// Every series.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether it is every series.
    pub fn is_whole(self) -> bool {
        self.of <= 1
    }

    /// Whether a series belongs to it.
    pub fn owns(self, metric: &MetricName, labels: &Labels) -> bool {
        let series = || Series {
            metric: metric.clone(),
            labels: labels.clone(),
        };
        self.is_whole() || self.owns_id(series().id())
    }

    /// Whether the series of that id belongs to it. The first eight hex digits are divided: part of a digest is as good as
    /// random, and the same everywhere.
    pub fn owns_id(self, series: SeriesId) -> bool {
        self.is_whole() || series.first_digits() % self.of == self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_belongs_to_exactly_one_part() {
        let metric = "m".parse().unwrap();
        for number in 0..200 {
            let labels: Labels = [("node", number.to_string())].into_iter().collect();
            for of in 1..9 {
                let owners =
                    (0..of).filter(|index| Part { index: *index, of }.owns(&metric, &labels));
                assert_eq!(owners.count(), 1);
            }
        }
    }
}
