//! A part of a run: some of the series, chosen by their ids. The types of the invocation that asks for one.

use domain::{
    Labels, MetricName, Series, SeriesId, Timestamp,
    message::{EvaluatedObjective, Failure, RunId, Stage},
};
use serde::{Deserialize, Serialize};

/// Which series a run is about: those whose id leaves the remainder `index` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 0 to `of` - 1.
    pub index: u32,
    /// Into how many the run is split.
    pub of: u32,
}

/// What one invocation asks another to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRequest {
    /// Which series.
    pub part: Part,
    /// The run that it is a part of.
    pub run_id: RunId,
    /// The run's.
    pub as_of: Timestamp,
    /// The run's.
    pub metrics: Option<Vec<String>>,
    /// The run's.
    pub sla: Option<String>,
    /// In how many milliseconds the part has to be back. `None`: as long as its own invocation may take.
    #[serde(default)]
    pub left_ms: Option<u64>,
}

/// What became of a part. The run's own record adds all of them up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartDocument {
    /// As in the run's record.
    pub series: u64,
    /// As in the run's record.
    pub samples: u64,
    /// As in the run's record.
    pub bytes: u64,
    /// As in the run's record.
    pub messages: u64,
    /// As in the run's record.
    pub failures: Vec<Failure>,
    /// As in the run's record.
    pub stages: Vec<Stage>,
    /// As in the run's record.
    pub warnings: Vec<String>,
    /// What became of each objective on the series of this part. `rows` is 0 where it was evaluated and none of the series
    /// is of this part.
    #[serde(default)]
    pub evaluated: Vec<EvaluatedObjective>,
    /// Whether Prometheus answered nothing.
    pub prometheus_away: bool,
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

    /// Whether the series of that id belongs to it.
    pub fn owns_id(self, series: SeriesId) -> bool {
        if self.is_whole() {
            return true;
        }
        // Part of a digest: as good as random, and the same everywhere.
        let digits = series.to_string();
        let number = digits.get(..8).map(|text| u32::from_str_radix(text, 16));
        matches!(number, Some(Ok(number)) if number % self.of == self.index)
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
