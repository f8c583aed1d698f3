use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Judgement, ObjectiveState, RecentProbabilities, Side, rule::Rule};
use crate::{
    forecast::HORIZON,
    sla::Objective,
    time::{Timestamp, seconds},
};

/// The violations to come in the next 10 minutes. All `None` without a forecast, `reason` then says why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViolationOutlook {
    /// The probability that a violation has a sample in the horizon, 0 to 1.
    pub probability: Option<f64>,
    /// The probability that a violation becomes firing after `as_of`, 0 to 1.
    pub probability_new: Option<f64>,
    /// The expected number of violations.
    pub expected_violations: Option<f64>,
    /// The expected time in violation within the horizon, seconds.
    pub expected_seconds: Option<f64>,
    /// The median start over the paths that violate; `None` if less than half do; `as_of` if firing.
    pub first_crossing: Option<Timestamp>,
    /// The share of the paths that violate, 0 to 1.
    pub crossing_share: Option<f64>,
    /// What the series is forecast to do.
    pub predicted: Option<PredictedValues>,
    /// Why there is no forecast.
    pub reason: Option<String>,
    /// How often a violation came in 10 minutes of the last 12 h: what may be told instead of what the paths say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<f64>,
    /// What the paths say, where the base rate is told instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_probability: Option<f64>,
    /// The scores that choice rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_scores: Option<RecentProbabilities>,
}

/// The forecast's extremes and average over the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictedValues {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The average.
    pub average: f64,
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
    ///
    /// With w the weight of those among m paths that violate, the probability is `(w m + 1/2) / (m + 1)`: some doubt
    /// remains where all paths agree. The expected number of violations is shrunk alike, the expected seconds, being
    /// a mean over paths, are not. A constant series leaves no doubt.
    pub fn outlook(
        &self,
        objective: &Objective,
        continuation: Continuation<'_>,
        predicted: Option<PredictedValues>,
    ) -> ViolationOutlook {
        let rule = Rule::of(objective, self.staleness, self.as_of + HORIZON);
        let outlook = match continuation {
            Continuation::Unknown(reason) => return ViolationOutlook::unknown(reason),
            Continuation::Constant(value) => {
                let values = std::iter::repeat_n(value, HORIZON.as_secs() as usize);
                let path = self.follow(&rule, Duration::from_secs(1), values);
                self.summarise(vec![(1.0, path)], |mean| mean)
            }
            Continuation::Paths { step, paths } => {
                let total: f64 = paths.iter().map(|path| path.weight).sum();
                if !(total.is_finite() && total > 0.0) {
                    return ViolationOutlook::unknown("no_paths");
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
        ViolationOutlook {
            predicted,
            ..outlook
        }
    }

    /// The violations of one path, judged at the end of the horizon.
    fn follow(
        &self,
        rule: &Rule,
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
                found.close(run, self.as_of, time, rule);
            }
            current = side.map(|side| Run {
                side,
                start: time,
                firing: false,
                in_horizon: true,
            });
        }
        if let Some(run) = current {
            found.close(&run, self.as_of, end, rule);
        }
        found
    }

    /// What the paths, whose weights sum to 1, say together.
    fn summarise(
        &self,
        paths: Vec<(f64, PathViolations)>,
        shrink: impl Fn(f64) -> f64,
    ) -> ViolationOutlook {
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
        ViolationOutlook {
            probability: Some(shrink(crossing_share)),
            probability_new: Some(shrink(share(|path| f64::from(path.new)))),
            expected_violations: Some(shrink(mean(|path| f64::from(path.violations)))),
            expected_seconds: Some(mean(|path| seconds(path.standing))),
            first_crossing,
            crossing_share: Some(crossing_share),
            ..ViolationOutlook::default()
        }
    }
}

impl ViolationOutlook {
    /// There is no forecast, for `reason`: a short word such as `too_short`.
    pub fn unknown(reason: &str) -> Self {
        Self {
            reason: Some(reason.to_owned()),
            ..Self::default()
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
    fn close(&mut self, run: &Run, as_of: Timestamp, end: Timestamp, rule: &Rule) {
        if !rule.is_violation(run.start, end) {
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
