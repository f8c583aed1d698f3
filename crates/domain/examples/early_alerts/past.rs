//! What the product keeps of its probabilities, without its database: whether to say the base rate instead, and whether
//! to alert at all.

use domain::{
    evaluation::RecentProbabilities,
    forecast::{HORIZON, MOST_RECENT},
};

/// The horizon in minutes, and the 10 minutes of the clock of which one forecast is kept.
pub(crate) const AHEAD: usize = (HORIZON.as_secs() / 60) as usize;
const HOUR: usize = 60;
const DAY: usize = 24 * HOUR;

/// What was said of one objective, and what came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored {
    /// When it was said: the minute.
    pub(crate) minute: usize,
    /// The probability that was published.
    pub(crate) said: f64,
    /// What the model said.
    pub(crate) model: f64,
    pub(crate) base_rate: Option<f64>,
    pub(crate) happened: Option<bool>,
}

/// All that was said of one objective, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Past(Vec<Scored>);

impl Past {
    pub(crate) fn add(&mut self, scored: Scored) {
        self.0.push(scored);
    }

    /// What a run in this minute reads (`store::score::newest`): the first forecast in each 10 minutes of the clock, the
    /// newest [`MOST_RECENT`] of those scored before the present 10 minutes began. `None` if these are fewer.
    pub(crate) fn recent(&self, minute: usize) -> Option<RecentProbabilities> {
        let start = minute / AHEAD * AHEAD;
        let mut sums = RecentProbabilities::default();
        let firsts = self
            .0
            .chunk_by(|a, b| a.minute / AHEAD == b.minute / AHEAD)
            .filter_map(|span| span.first());
        for scored in firsts.rev() {
            let (Some(base_rate), Some(happened)) = (scored.base_rate, scored.happened) else {
                continue;
            };
            if scored.minute + AHEAD >= start {
                continue;
            }
            sums.forecasts += 1;
            sums.events += u64::from(happened);
            sums.squares += squared(scored.model, happened);
            sums.squares_base_rate += squared(base_rate, happened);
            if sums.forecasts == MOST_RECENT {
                return Some(sums);
            }
        }
        None
    }

    /// Whether alerts are made of what is said (`alerting::holding`): the probabilities of the last day, from the start of
    /// an hour on, were no worse than the base rate.
    pub(crate) fn is_worth_it(&self, minute: usize) -> bool {
        let from = minute.saturating_sub(DAY) / HOUR * HOUR;
        let known = |scored: &Scored| Some((*scored, scored.happened?));
        let last_day = self.0.iter().rev().filter_map(known);
        let last_day = last_day
            .skip_while(|(scored, _)| scored.minute + AHEAD > minute)
            .take_while(|(scored, _)| scored.minute >= from);
        let (mut own, mut base) = (Mean::default(), Mean::default());
        for (scored, happened) in last_day {
            own.add(squared(scored.said, happened));
            if let Some(base_rate) = scored.base_rate {
                base.add(squared(base_rate, happened));
            }
        }
        matches!((own.get(), base.get()), (Some(own), Some(base)) if own <= base)
    }
}

/// The squared error of a probability (Brier 1950).
pub(crate) fn squared(said: f64, happened: bool) -> f64 {
    (said - f64::from(u8::from(happened))).powi(2)
}

/// The mean of what is added.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: f64,
    pub(crate) count: usize,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// `None` of nothing.
    pub(crate) fn get(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Said each minute, at most one in 10 minutes being kept: `model` of the model, 0.5 of the base rate; nothing came.
    fn said(minutes: std::ops::Range<usize>, model: f64) -> Past {
        let said = minutes.map(|minute| Scored {
            minute,
            said: model,
            model,
            base_rate: Some(0.5),
            happened: Some(false),
        });
        Past(said.collect())
    }

    #[test]
    fn fifty_spans_that_were_scored_before_this_one_say_which_was_better() {
        let past = said(720..2_000, 0.7);
        // The fiftieth is of minute 1,210 and scored in 1,220.
        assert_eq!(past.recent(1_229), None);
        let recent = past.recent(1_230).unwrap();
        assert_eq!((recent.forecasts, recent.events), (50, 0));
        assert!((recent.squares - 50.0 * 0.49).abs() < 1e-9);
        assert!((recent.squares_base_rate - 50.0 * 0.25).abs() < 1e-9);
        assert!(recent.prefer_base_rate());
        assert!(
            !said(720..2_000, 0.3)
                .recent(1_300)
                .unwrap()
                .prefer_base_rate()
        );
    }

    #[test]
    fn alerts_are_made_once_something_was_scored_and_was_no_worse() {
        let good = said(720..5_000, 0.5);
        assert!(!good.is_worth_it(729));
        assert!(good.is_worth_it(730));
        assert!(good.is_worth_it(4_000));
        assert!(!said(720..5_000, 0.51).is_worth_it(4_000));
    }

    #[test]
    fn what_was_said_more_than_a_day_ago_does_not_count() {
        let mut past = said(720..800, 0.9);
        past.0.extend(said(800..5_000, 0.499).0);
        // The day begins at the start of an hour: this one with minute 780, the next one with minute 840.
        assert!(!past.is_worth_it(839 + DAY));
        assert!(past.is_worth_it(840 + DAY));
    }
}
