use super::{
    Episode, ObjectiveState, Side,
    rule::{Ending, Rule},
};
use crate::{
    finding::finite,
    series::Sample,
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
    /// What the run that the last sample is part of was until that sample stopped standing, if it did: a violation, or not
    /// yet one. `None` in range.
    pub(super) silent: Option<ObjectiveState>,
}

impl Runs {
    /// The runs in clean samples, none of which is after the rule's `as_of`.
    pub(super) fn of(samples: &[Sample], rule: &Rule<'_>) -> Self {
        let mut found = Self::default();
        let mut current: Option<Run> = None;
        for (position, sample) in samples.iter().enumerate() {
            let side = rule.side_of(sample.value);
            if let Some(run) = &mut current {
                if side == Some(run.side) && rule.follows(run.last, sample.time) {
                    run.extend(sample);
                } else {
                    found.close(run, rule.ending(run.last, Some(sample.time)), rule);
                    current = None;
                }
            }
            if let Some(side) = side {
                found.out_of_range.push(*sample);
                current.get_or_insert_with(|| Run::starting(sample, side, position > 0));
            }
        }
        if let Some(run) = &current {
            let ending = rule.ending(run.last, None);
            found.silent = (!ending.ongoing).then(|| {
                if rule.was_violation(run.start, run.last) {
                    ObjectiveState::Firing
                } else {
                    ObjectiveState::Pending
                }
            });
            found.close(run, ending, rule);
        }
        found
    }

    fn close(&mut self, run: &Run, ending: Ending, rule: &Rule<'_>) {
        let is_violation = rule.is_violation(run.start, ending.held_until);
        if !is_violation && !ending.ongoing && run.start_known {
            return;
        }
        let episode = run.episode(ending);
        if ending.ongoing {
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

    fn episode(&self, Ending { end, ongoing, .. }: Ending) -> Episode {
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
