//! What a model's recent scores do to its next forecast.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Timestamp,
    evaluation::ViolationOutlook,
    message::{Forecast, PathPoint},
};

/// How many forecasts a decision rests on.
pub const MOST_RECENT: u64 = 50;
/// The model's errors may sum up to so much more than the last value's.
const TOLERANCE: f64 = 1.05;

/// The newest [`MOST_RECENT`] scored forecasts of a series that are at least 600 s apart, summed up over the samples that
/// came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecentScores {
    /// The run before which they were told: the start of a 10-minute span of the clock.
    pub before: Option<Timestamp>,
    /// How many there are: [`MOST_RECENT`].
    pub forecasts: u64,
    /// The sum of the absolute errors of the model's point.
    pub error: f64,
    /// That of the last value.
    pub error_last_value: f64,
    /// The sum of the pinball losses of the model's quantiles.
    pub pinball: f64,
    /// That of the quantiles of the 12 h before; `None` where one was not kept.
    pub pinball_climatology: Option<f64>,
}

impl RecentScores {
    /// Whether the last value is the better point: the model's errors exceed 1.05 times its.
    pub fn prefer_last_value(&self) -> bool {
        self.error > TOLERANCE * self.error_last_value
    }

    /// Whether the quantiles of the 12 h before are the better bands.
    pub fn prefer_climatology(&self) -> bool {
        self.pinball_climatology
            .is_some_and(|climatology| climatology < self.pinball)
    }
}

/// What came after the newest [`MOST_RECENT`] forecasts of a series, at least 600 s apart, next to what an objective's
/// probabilities said: sums of the squared differences (Brier 1950).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecentProbabilities {
    /// The run before which they were told: the start of a 10-minute span of the clock.
    pub before: Option<Timestamp>,
    /// How many there are: [`MOST_RECENT`].
    pub forecasts: u64,
    /// After how many of them a violation came.
    pub events: u64,
    /// The sum of the squared errors of the model's probability.
    pub squares: f64,
    /// That of the base rate of the 12 h before each.
    pub squares_base_rate: f64,
}

impl RecentProbabilities {
    /// Whether the base rate is the better probability.
    pub fn prefer_base_rate(&self) -> bool {
        self.squares_base_rate < self.squares
    }
}

impl ViolationOutlook {
    /// Keeps `base_rate` beside the probability, to be scored, and tells it instead where it was better of late. What the
    /// model says is then kept beside; the scores are listed. Says nothing where there is no probability.
    ///
    /// A violation that becomes firing is one: its probability is never told as the greater one.
    pub fn hold_to_account(&mut self, base_rate: Option<f64>, recent: Option<RecentProbabilities>) {
        let Some(probability) = self.probability else {
            return;
        };
        self.base_rate = base_rate;
        self.recent_scores = recent;
        if let Some(base_rate) = base_rate
            && recent.is_some_and(|recent| recent.prefer_base_rate())
        {
            self.model_probability = Some(probability);
            self.probability = Some(base_rate);
            self.probability_new = self.probability_new.map(|new| new.min(base_rate));
        }
    }
}

impl Forecast {
    /// Tells the last value instead of the model's point, and the quantiles of the last 12 h instead of its bands, where
    /// they were better of late. What the model says is kept beside, to be scored; the scores are listed.
    ///
    /// A band always holds the point of its step, as the model's do.
    pub fn hold_to_account(&mut self, recent: RecentScores) {
        self.recent_scores = Some(recent);
        let Some(baseline) = &mut self.baseline else {
            return;
        };
        if recent.prefer_climatology()
            && let Some([lower, median, upper]) = baseline.climatology
        {
            let own = |point: &PathPoint| [point.lower, point.median, point.upper];
            baseline.model_bands = Some(self.path.iter().map(own).collect());
            for point in &mut self.path {
                (point.lower, point.median, point.upper) = (lower, median, upper);
            }
        }
        if recent.prefer_last_value()
            && let Some(last_value) = baseline.last_value
        {
            baseline.model_mean = Some(self.path.iter().map(|point| point.mean).collect());
            for point in &mut self.path {
                point.mean = last_value;
            }
            self.average = last_value;
            self.min = self.min.min(last_value);
            self.max = self.max.max(last_value);
        }
        // The model's bands do not always hold another point, nor other bands the model's.
        if baseline.model_bands.is_some() || baseline.model_mean.is_some() {
            for point in &mut self.path {
                point.lower = point.lower.min(point.mean);
                point.upper = point.upper.max(point.mean);
            }
            for (interval, value) in [
                (&mut self.intervals.min, self.min),
                (&mut self.intervals.max, self.max),
                (&mut self.intervals.average, self.average),
            ] {
                interval.lower = interval.lower.min(value);
                interval.upper = interval.upper.max(value);
            }
        }
    }
}
