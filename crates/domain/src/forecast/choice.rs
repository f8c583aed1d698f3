//! What a model's recent scores do to its next forecast.

use super::{Forecast, PathPoint, RecentScores};

impl Forecast {
    /// Takes the last value instead of the model's point, and the quantiles of the last 12 h instead of its bands, where
    /// they were better of late. What the model says is kept beside, to be scored; the scores are listed.
    ///
    /// A band always holds the point of its step, as the model's do.
    pub fn prefer_the_better(&mut self, recent: RecentScores) {
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
                (point.lower_80, point.upper_80) = (None, None);
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
                point.lower_80 = point.lower_80.map(|lower| lower.min(point.mean));
                point.upper_80 = point.upper_80.map(|upper| upper.max(point.mean));
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
