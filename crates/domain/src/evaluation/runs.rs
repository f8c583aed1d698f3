use std::time::Duration;

use super::{Episode, Side, rule::side_of, standing};
use crate::{
    finding::finite,
    series::Sample,
    sla::Objective,
    time::{Span, Timestamp},
};

/// The maximal runs of consecutive out-of-range samples on one side, sorted by what they are.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Those that held for as long as the objective's `for`, oldest first.
    pub(super) violations: Vec<Episode>,
    /// The one that goes on at `as_of`, whether it is a violation or not yet one.
    pub(super) open: Option<Episode>,
    /// The one that begins with the first sample, unless it is a violation.
    pub(super) remainder: Option<Episode>,
    /// All out-of-range samples, whatever `for` says.
    pub(super) out_of_range: Vec<Sample>,
}

impl Runs {
    /// The runs in clean samples at or before `as_of`.
    pub(super) fn of(
        samples: &[Sample],
        objective: &Objective,
        staleness: Duration,
        as_of: Timestamp,
    ) -> Self {
        let mut found = Self::default();
        let mut current: Option<Run> = None;
        for (position, sample) in samples.iter().enumerate() {
            let side = side_of(objective, sample.value);
            if let Some(run) = &mut current {
                let follows = sample.time.since(run.last) <= staleness;
                if follows && side == Some(run.side) {
                    run.extend(sample);
                } else {
                    let held_until = if follows { sample.time } else { run.last };
                    let end = sample.time.min(run.last + staleness);
                    found.close(run, end, held_until, false, objective.hold);
                    current = None;
                }
            }
            if let Some(side) = side {
                found.out_of_range.push(*sample);
                current.get_or_insert_with(|| Run::starting(sample, side, position > 0));
            }
        }
        if let Some(run) = &current {
            let ongoing = standing::stands_at(run.last, staleness, as_of);
            let held_until = if ongoing { as_of } else { run.last };
            let end = as_of.min(run.last + staleness);
            found.close(run, end, held_until, ongoing, objective.hold);
        }
        found
    }

    fn close(
        &mut self,
        run: &Run,
        end: Timestamp,
        held_until: Timestamp,
        ongoing: bool,
        hold: Duration,
    ) {
        let is_violation = held_until.since(run.start) >= hold;
        if !is_violation && !ongoing && run.start_known {
            return;
        }
        let episode = run.episode(end, ongoing);
        if ongoing {
            self.open = Some(episode.clone());
        }
        if is_violation {
            self.violations.push(episode);
        } else if !run.start_known {
            self.remainder = Some(episode);
        }
    }
}

/// A run that is not over yet.
#[derive(Debug)]
struct Run {
    side: Side,
    start: Timestamp,
    start_known: bool,
    last: Timestamp,
    worst: f64,
}

impl Run {
    fn starting(sample: &Sample, side: Side, start_known: bool) -> Self {
        Self {
            side,
            start: sample.time,
            start_known,
            last: sample.time,
            worst: sample.value,
        }
    }

    fn extend(&mut self, sample: &Sample) {
        self.last = sample.time;
        self.worst = self.side.worse(self.worst, sample.value);
    }

    fn episode(&self, end: Timestamp, ongoing: bool) -> Episode {
        Episode {
            start: self.start,
            start_known: self.start_known,
            end,
            seconds: Span {
                start: self.start,
                end,
            }
            .seconds(),
            worst: finite(self.worst),
            worst_infinite: self.worst.is_infinite(),
            side: self.side,
            ongoing,
        }
    }
}
