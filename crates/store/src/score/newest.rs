//! The newest scores of a series as one row keeps them: a list, and what it sums up to.

use domain::{
    Timestamp,
    evaluation::RecentProbabilities,
    forecast::{HORIZON, MOST_RECENT, RecentScores},
};
use serde::{Deserialize, Serialize};

/// Twice as many as are summed up, because a schedule that is a second early now and then puts two forecasts of
/// neighbouring spans nearer than 600 s.
const MOST_KEPT: usize = 100;
/// 10 minutes of the clock.
const SPAN: i64 = 600_000;

/// What is summed up about one forecast.
pub(crate) trait Scored: Copy {
    /// The sums.
    type Sums: Copy;

    /// The sums over no forecast.
    fn nothing() -> Self::Sums;

    /// Adds one forecast.
    fn add(self, sums: &mut Self::Sums);

    /// Whether the sums are numbers: those of errors near the greatest may not be.
    fn is_finite(sums: &Self::Sums) -> bool;
}

/// How the model and the last value did: observed samples, mean absolute error of both, pinball loss of the model's
/// quantiles and of those of the 12 h before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Errors(
    pub(crate) u32,
    pub(crate) f64,
    pub(crate) f64,
    pub(crate) f64,
    pub(crate) Option<f64>,
);

impl Scored for Errors {
    type Sums = RecentScores;

    fn nothing() -> RecentScores {
        RecentScores {
            pinball_climatology: Some(0.0),
            ..RecentScores::default()
        }
    }

    fn add(self, sums: &mut RecentScores) {
        let Self(observed, mae, mae_last_value, pinball, climatology) = self;
        let observed = f64::from(observed);
        sums.forecasts += 1;
        sums.error += observed * mae;
        sums.error_last_value += observed * mae_last_value;
        sums.pinball += observed * pinball;
        sums.pinball_climatology = sums
            .pinball_climatology
            .zip(climatology)
            .map(|(sum, loss)| sum + observed * loss);
    }

    fn is_finite(sums: &RecentScores) -> bool {
        let losses = [sums.pinball, sums.pinball_climatology.unwrap_or_default()];
        let errors = [sums.error, sums.error_last_value];
        losses.iter().chain(&errors).all(|sum| sum.is_finite())
    }
}

/// What was said of a violation, and what came: the model's probability, the base rate, whether one came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome(pub(crate) f64, pub(crate) f64, pub(crate) bool);

impl Scored for Outcome {
    type Sums = RecentProbabilities;

    fn nothing() -> RecentProbabilities {
        RecentProbabilities::default()
    }

    fn add(self, sums: &mut RecentProbabilities) {
        let Self(probability, base_rate, happened) = self;
        let came = f64::from(u8::from(happened));
        let square = |said: f64| (said - came) * (said - came);
        sums.forecasts += 1;
        sums.events += u64::from(happened);
        sums.squares += square(probability);
        sums.squares_base_rate += square(base_rate);
    }

    fn is_finite(sums: &RecentProbabilities) -> bool {
        sums.squares.is_finite() && sums.squares_base_rate.is_finite()
    }
}

/// A forecast: its present, when it was scored, both in milliseconds since the Unix epoch, and its score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept<S>(pub(crate) i64, pub(crate) i64, pub(crate) S);

/// The first scored forecast in each 10 minutes of the clock, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Newest<S>(Vec<Kept<S>>);

/// The sums over the newest forecasts of a list; `None` where these are too few.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums<S> {
    /// Over all.
    all: Option<S>,
    /// Over those that were scored before the 10 minutes of the clock in which the last one was scored.
    before: Option<S>,
}

/// Which 10 minutes of the clock a time is in.
pub(crate) fn span_of(time: Timestamp) -> i64 {
    time.millis().div_euclid(SPAN)
}

/// When those 10 minutes start.
pub(crate) fn start_of(span: i64) -> Option<Timestamp> {
    Timestamp::from_millis(span * SPAN)
}

impl<S> Default for Newest<S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<S: Scored> Newest<S> {
    /// Says which forecast is the first scored one of those 10 minutes.
    pub(crate) fn set(&mut self, span: i64, first: Option<Kept<S>>) {
        self.0
            .retain(|Kept(forecast, ..)| forecast.div_euclid(SPAN) != span);
        self.0.extend(first);
        self.0
            .sort_by_key(|Kept(forecast, ..)| std::cmp::Reverse(*forecast));
        self.0.truncate(MOST_KEPT);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the last of them was scored.
    pub(crate) fn scored_at(&self) -> Option<Timestamp> {
        let last = self.0.iter().map(|Kept(_, scored, _)| *scored).max();
        last.and_then(Timestamp::from_millis)
    }

    /// The newest forecast.
    pub(crate) fn forecast_at(&self) -> Option<Timestamp> {
        let newest = self.0.first().map(|Kept(forecast, ..)| *forecast);
        newest.and_then(Timestamp::from_millis)
    }

    /// The newest [`MOST_RECENT`] that are at least 600 s apart and were scored before `before`, summed up.
    pub(crate) fn sums_before(&self, before: Timestamp) -> Option<S::Sums> {
        let mut sums = S::nothing();
        let (mut count, mut last) = (0, None::<i64>);
        for Kept(forecast, scored, score) in &self.0 {
            let apart = last.is_none_or(|last| forecast + HORIZON.as_millis() as i64 <= last);
            if *scored < before.millis() && apart && count < MOST_RECENT {
                score.add(&mut sums);
                (count, last) = (count + 1, Some(*forecast));
            }
        }
        (count == MOST_RECENT && S::is_finite(&sums)).then_some(sums)
    }

    /// What is asked of it at nearly all times.
    pub(crate) fn sums(&self) -> Sums<S::Sums> {
        let scored = self.scored_at();
        let span = scored.and_then(|scored| start_of(span_of(scored)));
        Sums {
            all: self.sums_before(Timestamp::MAX),
            before: span.and_then(|start| self.sums_before(start)),
        }
    }
}

impl<S: Copy> Sums<S> {
    /// The sums over what was scored before `before`, the start of 10 minutes of the clock, of a list whose last forecast
    /// was scored at `scored`. The outer `None`: only the list itself can say.
    pub(crate) fn before(&self, before: Timestamp, scored: Timestamp) -> Option<Option<S>> {
        if scored < before {
            return Some(self.all);
        }
        (span_of(scored) == span_of(before)).then_some(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A forecast every ten minutes, scored at the end of its horizon.
    fn list(spans: std::ops::Range<i64>) -> Newest<Outcome> {
        let mut list = Newest::default();
        for span in spans {
            let forecast = span * SPAN + 5_000;
            let kept = Kept(forecast, forecast + SPAN, Outcome(0.5, 0.0, span % 2 == 0));
            list.set(span, Some(kept));
        }
        list
    }

    #[test]
    fn the_sums_of_a_row_are_those_of_its_list() {
        for spans in [0..49, 0..50, 0..51, 3..120] {
            let list = list(spans);
            let scored = list.scored_at().unwrap();
            for span in span_of(scored)..=span_of(scored) + 1 {
                let before = start_of(span).unwrap();
                let sums = list.sums().before(before, scored).unwrap();
                assert_eq!(sums, list.sums_before(before));
            }
            let earlier = start_of(span_of(scored) - 1).unwrap();
            assert_eq!(list.sums().before(earlier, scored), None);
        }
    }

    #[test]
    fn the_order_in_which_forecasts_come_does_not_matter() {
        let mut backwards = Newest::default();
        for Kept(forecast, scored, outcome) in list(0..150).0 {
            let span = forecast.div_euclid(SPAN);
            backwards.set(span, Some(Kept(forecast, scored, outcome)));
        }
        assert_eq!(backwards, list(50..150));
    }

    #[test]
    fn a_forecast_that_is_scored_no_more_leaves() {
        let mut shorter = list(0..50);
        shorter.set(49, None);
        assert_eq!(shorter, list(0..49));
        assert!(shorter.sums().all.is_none() && list(0..50).sums().all.is_some());
    }
}
