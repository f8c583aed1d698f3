use std::time::Duration;

use super::{
    ForecastRisk, Judgement, ObjectiveState, Outlook, PredictedValues, Side,
    rule::{Ending, Rule},
};
use crate::{
    forecast::HORIZON,
    sla::Objective,
    time::{Timestamp, seconds},
};

/// How a series goes on after its samples, as a forecast sees it.
#[derive(Clone, Copy, Debug)]
pub enum Continuation<'a> {
    /// It never varied and keeps this value: what follows is certain.
    Constant(f64),
    /// It takes one of several paths.
    Paths {
        /// The distance of a path's values, the first being one step after `as_of`.
        step: Duration,
        /// The paths.
        paths: &'a [Path<'a>],
    },
    /// There is no forecast, for this reason.
    Unknown(&'a str),
}

/// One way a series may go on.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// Its weight among the paths, 0 or greater; they need not sum to 1.
    pub weight: f64,
    /// Its values at `as_of + step`, `as_of + 2 step` and so on; those after the horizon do not count.
    pub values: &'a [f64],
}

impl Judgement {
    /// The violations of `objective`, which was judged here, in the horizon `(as_of, as_of + 600 s]`.
    ///
    /// A path is judged as at the horizon's end. It has no gaps: the sample that stands at `as_of` stands until the
    /// path's first value, each value until the next and the last one to the end. So the samples that go on at
    /// `as_of` go on in the path if its first value is on their side, and have held until that value if it is not.
    /// Only where a step is longer than a sample stands is there a gap, before the path's one value in the horizon:
    /// nothing goes on in it.
    ///
    /// With w the weight of those among m paths that violate, the probability is `(w m + 1/2) / (m + 1)`: some doubt
    /// remains where all paths agree. The expected number of violations is shrunk alike, the expected seconds, being
    /// a mean over paths, are not. A constant series leaves no doubt.
    pub fn outlook(
        &self,
        objective: &Objective,
        continuation: Continuation<'_>,
        predicted: Option<PredictedValues>,
    ) -> Outlook {
        let rule = Rule::of(objective, self.staleness, self.as_of + HORIZON);
        let risk = match continuation {
            Continuation::Unknown(reason) => return Outlook::unavailable(reason),
            Continuation::Constant(value) => {
                let values = std::iter::repeat_n(value, HORIZON.as_secs() as usize);
                let path = self.follow(&rule, Duration::from_secs(1), values);
                self.summarise(vec![(1.0, path)], |mean| mean)
            }
            Continuation::Paths { step, paths } => {
                let total: f64 = paths.iter().map(|path| path.weight).sum();
                if !(total.is_finite() && total > 0.0) {
                    return Outlook::unavailable("no_paths");
                }
                let follow = |path: &Path<'_>| {
                    let values = path.values.iter().copied();
                    (path.weight / total, self.follow(&rule, step, values))
                };
                let m = paths.len() as f64;
                self.summarise(paths.iter().map(follow).collect(), |mean| {
                    (mean * m + 0.5) / (m + 1.0)
                })
            }
        };
        Outlook::Forecast(ForecastRisk { predicted, ..risk })
    }

    /// The violations of one path, judged at the end of the horizon.
    fn follow(
        &self,
        rule: &Rule<'_>,
        step: Duration,
        values: impl Iterator<Item = f64>,
    ) -> PathViolations {
        let end = self.as_of + HORIZON;
        let mut found = PathViolations::default();
        let mut current = self.open.as_ref().map(|open| Run {
            side: open.side,
            start: open.start,
            firing: self.state == ObjectiveState::Firing,
            in_horizon: false,
        });
        let mut time = self.as_of;
        if step > self.staleness
            && let Some(run) = current.take()
        {
            let Ending {
                held_until, end, ..
            } = rule.ending(self.last_sample, Some(time + step));
            found.close(&run, self.as_of, (held_until, end), rule);
        }
        for value in values {
            time = time + step;
            if time > end {
                break;
            }
            let side = rule.side_of(value);
            if let Some(run) = &mut current {
                if side == Some(run.side) {
                    run.in_horizon = true;
                    continue;
                }
                found.close(run, self.as_of, (time, time), rule);
            }
            current = side.map(|side| Run {
                side,
                start: time,
                firing: false,
                in_horizon: true,
            });
        }
        if let Some(run) = current {
            found.close(&run, self.as_of, (end, end), rule);
        }
        found
    }

    /// What the paths, whose weights sum to 1, say together.
    fn summarise(
        &self,
        paths: Vec<(f64, PathViolations)>,
        shrink: impl Fn(f64) -> f64,
    ) -> ForecastRisk {
        let mean = |of: fn(&PathViolations) -> f64| -> f64 {
            paths.iter().map(|(weight, path)| weight * of(path)).sum()
        };
        // Weights that sum to 1 up to rounding must not give more than 1.
        let share = |of: fn(&PathViolations) -> f64| mean(of).clamp(0.0, 1.0);
        let crossing_share = share(|path| f64::from(path.violations > 0));
        let first_crossing = if self.state == ObjectiveState::Firing {
            Some(self.as_of)
        } else if crossing_share >= 0.5 {
            median_crossing(&paths)
        } else {
            None
        };
        ForecastRisk {
            probability: shrink(crossing_share),
            probability_new: shrink(share(|path| f64::from(path.new))),
            expected_violations: shrink(mean(|path| f64::from(path.violations))),
            expected_seconds: mean(|path| seconds(path.standing)),
            first_crossing,
            crossing_share,
            ..ForecastRisk::default()
        }
    }
}

/// The violations of one path.
#[derive(Debug, Default)]
struct PathViolations {
    /// Those with a sample in the horizon.
    violations: u32,
    /// Whether one of them was not firing at `as_of`.
    new: bool,
    /// How long violations stand in the horizon.
    standing: Duration,
    /// Where the first of them starts, `as_of` if before.
    first_crossing: Option<Timestamp>,
}

impl PathViolations {
    /// A run is over, which held until the first of these times and whose last value stood until the second.
    fn close(
        &mut self,
        run: &Run,
        as_of: Timestamp,
        (held_until, end): (Timestamp, Timestamp),
        rule: &Rule<'_>,
    ) {
        if !rule.is_violation(run.start, held_until) {
            return;
        }
        let start = run.start.max(as_of);
        self.standing += end.since(start);
        if run.in_horizon {
            self.violations += 1;
            self.new |= !run.firing;
            self.first_crossing.get_or_insert(start);
        }
    }
}

/// Consecutive values on one side.
#[derive(Debug)]
struct Run {
    side: Side,
    start: Timestamp,
    /// Whether it is a violation at `as_of`.
    firing: bool,
    /// Whether one of its values is in the horizon.
    in_horizon: bool,
}

/// The weighted lower median of the first crossings of the paths that have one.
fn median_crossing(paths: &[(f64, PathViolations)]) -> Option<Timestamp> {
    let mut crossings: Vec<_> = paths
        .iter()
        .filter_map(|(weight, path)| Some((path.first_crossing?, *weight)))
        .collect();
    crossings.sort_by_key(|(time, _)| *time);
    let half = crossings.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    crossings
        .into_iter()
        .find(|(_, weight)| {
            below += weight;
            below >= half
        })
        .map(|(time, _)| time)
}
