//! Series that fell silent, and which of them have ended: the series of a pod that was replaced is no lost monitoring.
//!
//! A series knows when it fell silent and what it was until then ([`Silence`]). Whether it has ended depends on the others
//! of its objective: on the time during which any of them stood ([`Stood`]).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judgement, ObjectiveState, WindowCoverage};
use crate::{
    sla::Objective,
    time::{Span, SpanSet, Timestamp},
};

/// How a series fell silent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Since when: its last sample, and as long as that stands, whatever stale markers say.
    pub since: Timestamp,
    /// Its state until then: `ok`, `pending` or `firing`.
    pub state: ObjectiveState,
    /// The coverage of each window up to where its last sample stops standing: what counts if it has ended.
    pub coverage: WindowCoverage,
}

impl Silence {
    /// The state of the series in an evaluation of its whole objective, whose `ended_until` is given; see
    /// [`Stood::ended_until`].
    pub fn state(&self, ended_until: Option<Timestamp>) -> ObjectiveState {
        match ended_until {
            None => ObjectiveState::NoData,
            Some(until) if self.state == ObjectiveState::Ok || self.since <= until => {
                ObjectiveState::Ended
            }
            Some(_) => self.state,
        }
    }
}

/// When any series of an objective stood, as one evaluation saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stood {
    /// Whether one stands at `as_of`.
    now: bool,
    spans: SpanSet,
}

impl Stood {
    /// When one series stood.
    pub fn of(judgement: &Judgement) -> Self {
        let gaps = judgement.gaps.iter().copied().collect();
        let marked = judgement.marked.iter().copied();
        let stood = SpanSet::from(judgement.judged).difference(&gaps);
        Self {
            now: judgement.silence.is_none(),
            spans: stood.into_iter().chain(marked).collect(),
        }
    }

    /// Adds other series.
    pub fn join(&mut self, others: &Self) {
        self.now |= others.now;
        self.spans = self.spans.union(&others.spans);
    }

    /// The newest part, as much of it as decides which series have ended.
    #[must_use]
    pub fn newest(&self, objective: &Objective) -> Self {
        let since = self.since(objective.silence);
        let spans = self.spans.spans().iter();
        Self {
            now: self.now,
            spans: spans
                .map(|span| Span {
                    start: since.map_or(span.start, |since| span.start.max(since)),
                    end: span.end,
                })
                .collect(),
        }
    }

    /// Series that are silent since then, or for longer, have ended, whatever they were; those that were in range have,
    /// whenever they fell silent. `None`: none has, because no series stands at `as_of`, or none ever ends.
    pub fn ended_until(&self, objective: &Objective, as_of: Timestamp) -> Option<Timestamp> {
        let hold = objective.ending().filter(|_| self.now)?;
        if hold.is_zero() {
            return Some(as_of);
        }
        Some(self.since(hold).unwrap_or(Timestamp::EPOCH))
    }

    /// Since when, at the latest, one of the series stood for `hold` altogether.
    fn since(&self, hold: Duration) -> Option<Timestamp> {
        let mut left = hold;
        for span in self.spans.spans().iter().rev() {
            let length = span.length();
            if length >= left {
                return Some(span.end - left);
            }
            left -= length;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        STALENESS, clean, evaluate,
        tests::{at, objective, samples, span},
    };
    use super::*;
    use crate::sla::SeriesEnd;

    const NOW: i64 = 100_000;

    fn at_most_80(hold: u64) -> Objective {
        Objective {
            silence: Duration::from_secs(hold),
            ..objective(None, Some(80.0), 60)
        }
    }

    /// A series with a sample a minute from one age to another, those up to the second one 50, then `last`, judged at
    /// [`NOW`].
    fn series(from: i64, to: i64, last: &[f64]) -> Judgement {
        let minutes = (from - to) / 60 + 1;
        let steady = minutes - last.len() as i64;
        let values = (0..steady).map(|_| 50.0).chain(last.iter().copied());
        let read: Vec<_> = (0..minutes)
            .map(|k| NOW - to - 60 * (minutes - 1 - k))
            .zip(values)
            .collect();
        let read = clean(samples(&read));
        let evaluated = evaluate(&at_most_80(900), &read, STALENESS, at(NOW));
        evaluated.judgement().unwrap()
    }

    /// The state of `series` among others.
    fn state(objective: &Objective, series: &Judgement, others: &[Judgement]) -> ObjectiveState {
        let mut stood = Stood::of(series).newest(objective);
        for other in others {
            stood.join(&Stood::of(other).newest(objective));
        }
        let ended_until = stood.ended_until(objective, at(NOW));
        let silence = series.silence.as_ref();
        silence.map_or(series.state, |silence| silence.state(ended_until))
    }

    #[test]
    fn a_series_in_range_has_ended_as_soon_as_it_is_silent_while_another_stands() {
        use ObjectiveState::{Ended, NoData, Ok};
        let (all, young) = (series(36_000, 0, &[]), series(240, 0, &[]));
        let dead = series(36_000, 301, &[]);
        for (age, others, expected) in [
            (299, vec![&all], Ok),
            (300, vec![&all], Ended),
            (300, vec![&young], Ended),
            (7_200, vec![&all, &dead], Ended),
            (300, vec![], NoData),
            (7_200, vec![&dead], NoData),
        ] {
            let found = series(36_000, age, &[]);
            let others: Vec<_> = others.into_iter().cloned().collect();
            for hold in [0, 900, 43_200] {
                let objective = at_most_80(hold);
                assert_eq!(state(&objective, &found, &others), expected, "{age} {hold}");
            }
        }
        let fixed = Objective {
            series_end: SeriesEnd::NoData,
            ..at_most_80(900)
        };
        let found = state(&fixed, &series(36_000, 7_200, &[]), &[all]);
        assert_eq!(found, NoData);
    }

    #[test]
    fn one_out_of_range_keeps_its_state_for_the_hold() {
        use ObjectiveState::{Ended, Firing, NoData, Pending};
        let all = [series(36_000, 0, &[])];
        for (hold, age, last, expected) in [
            (900, 300, vec![90.0, 90.0], Firing),
            (900, 1_199, vec![90.0, 90.0], Firing),
            (900, 1_200, vec![90.0, 90.0], Ended),
            (0, 300, vec![90.0, 90.0], Ended),
            // Longer than `for` by the time at which it falls silent.
            (900, 300, vec![90.0], Firing),
            (43_200, 30_000, vec![90.0, 90.0], Firing),
        ] {
            let found = state(&at_most_80(hold), &series(36_000, age, &last), &all);
            assert_eq!(found, expected, "{hold} {age}");
        }
        let patient = objective(None, Some(80.0), 3_600);
        let read: Vec<_> = (5..600)
            .map(|k| (NOW - 60 * k, if k < 7 { 90.0 } else { 50.0 }))
            .collect();
        let found = evaluate(&patient, &clean(samples(&read)), STALENESS, at(NOW)).judgement();
        assert_eq!(state(&patient, &found.unwrap(), &all), Pending);
        let alone = series(36_000, 400, &[90.0, 90.0]);
        assert_eq!(state(&at_most_80(900), &alone, &[]), NoData);
    }

    #[test]
    fn the_hold_counts_the_time_in_which_another_series_stood() {
        use ObjectiveState::{Ended, Firing};
        // Silent since 3,000 s ago; the others were away from 2,700 s to 600 s ago.
        let found = series(36_000, 3_300, &[90.0, 90.0]);
        let others = [series(36_000, 3_000, &[]), series(600, 0, &[])];
        // 300 s before they were away, 600 s since.
        assert_eq!(state(&at_most_80(900), &found, &others), Ended);
        assert_eq!(state(&at_most_80(901), &found, &others), Firing);
    }

    #[test]
    fn a_young_series_is_covered_since_its_first_sample_and_an_ended_one_up_to_its_end() {
        let millionths = |share: f64| (share * 1e6).round() as i64;
        let covered = |judgement: &Judgement| {
            let windows = judgement.windows;
            let windows = [windows.one_hour, windows.three_hours, windows.twelve_hours];
            windows.map(|counts| millionths(counts.coverage))
        };
        let ended = |judgement: &Judgement| {
            let coverage = judgement.silence.unwrap().coverage;
            let windows = [
                coverage.one_hour,
                coverage.three_hours,
                coverage.twelve_hours,
            ];
            windows.map(millionths)
        };
        const ALL: i64 = 1_000_000;
        assert_eq!(covered(&series(7_200, 0, &[])), [ALL; 3]);
        let gone = series(50_000, 7_200, &[]);
        // 3,900 s of the last three hours.
        assert_eq!(covered(&gone)[..2], [0, 361_111]);
        // It was not there in the last hour.
        assert_eq!(ended(&gone), [0, ALL, ALL]);
        assert_eq!(ended(&series(9_000, 1_800, &[])), [ALL; 3]);
    }

    #[test]
    fn the_newest_part_decides_as_the_whole_does() {
        let whole = Stood {
            now: true,
            spans: [span(0, 100), span(200, 300), span(1_000, 1_500)]
                .into_iter()
                .collect(),
        };
        for (hold, since) in [(0, 1_500), (500, 1_000), (501, 299), (600, 200), (700, 0)] {
            let objective = at_most_80(hold);
            let until = whole.ended_until(&objective, at(1_500));
            assert_eq!(until, Some(at(since)), "{hold}");
            assert_eq!(
                whole.newest(&objective).ended_until(&objective, at(1_500)),
                until
            );
        }
        let longer = whole.ended_until(&at_most_80(701), at(1_500));
        assert_eq!(longer, Some(Timestamp::EPOCH));
    }
}
