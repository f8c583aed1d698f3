use std::time::Duration;

use super::{
    Episode, Evaluated, ObjectiveState, WindowCounts, Windows,
    coverage::{gaps, share_covered},
    read_range,
    rule::Rule,
    runs::Runs,
    validity::stands_at,
    within,
};
use crate::{
    series::Sample,
    sla::Objective,
    time::{Span, Timestamp, seconds},
};

/// One objective judged on one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// When.
    pub as_of: Timestamp,
    /// How long a sample stands unless another follows.
    pub staleness: Duration,
    /// The range that was judged: `(as_of - 12h - for - 5m, as_of]`.
    pub judged: Span,
    /// How the objective stands at `as_of`.
    pub state: ObjectiveState,
    /// Counts per window.
    pub windows: Windows,
    /// Every violation in the judged range, oldest first.
    pub violations: Vec<Episode>,
    /// The out-of-range samples that go on at `as_of`, a violation or not yet one. Not published: `None` in a judgement
    /// that was read from a message.
    pub open: Option<Episode>,
    /// The out-of-range samples the judged range begins with, where they did not hold for long enough to be a
    /// violation of their own: they may be the rest of a longer one.
    pub remainder: Option<Episode>,
    /// The maximal spans of the judged range in which no sample stands, oldest first.
    pub gaps: Vec<Span>,
}

/// Judges `objective` at `as_of` on the clean `samples` of one series, of which those in the objective's own
/// [`read_range`] count. A sample stands for at most `staleness`.
pub fn evaluate(
    objective: &Objective,
    samples: &[Sample],
    staleness: Duration,
    as_of: Timestamp,
) -> Evaluated {
    let judged = read_range(objective.hold, as_of);
    match judge(objective, samples, staleness, judged) {
        Some(judgement) => Evaluated::Judged(Box::new(judgement)),
        None => Evaluated::NoSample,
    }
}

/// Judges the samples of any range at its end; `None` if there is none in it.
pub(super) fn judge(
    objective: &Objective,
    samples: &[Sample],
    staleness: Duration,
    judged: Span,
) -> Option<Judgement> {
    let as_of = judged.end;
    let samples = within(samples, judged);
    let newest = samples.last()?;
    let found = Runs::of(samples, &Rule::of(objective, staleness, as_of));
    let gaps: Vec<_> = gaps(samples, staleness, judged).collect();
    let windows = Windows::from_fn(|window| {
        let span = Span {
            start: as_of - window.length(),
            end: as_of,
        };
        counts(span, samples, &found, &gaps)
    });
    let state = if found.violations.last().is_some_and(|last| last.ongoing) {
        ObjectiveState::Firing
    } else if found.open.is_some() {
        ObjectiveState::Pending
    } else if stands_at(newest.time, staleness, as_of) {
        ObjectiveState::Ok
    } else {
        ObjectiveState::NoData
    };
    Some(Judgement {
        as_of,
        staleness,
        judged,
        state,
        windows,
        violations: found.violations,
        open: found.open,
        remainder: found.remainder,
        gaps,
    })
}

/// What happened in `(start, end]`, a part of the judged range.
fn counts(span: Span, samples: &[Sample], found: &Runs, gaps: &[Span]) -> WindowCounts {
    let violations = &found.violations;
    let recent = &violations[violations.partition_point(|episode| episode.end <= span.start)..];
    let standing = recent.iter().map(|episode| episode.span().overlap(span));
    let missing = gaps.iter().map(|gap| gap.overlap(span));
    WindowCounts {
        violations: recent.len() as u64,
        out_of_range_samples: within(&found.out_of_range, span).len() as u64,
        seconds: seconds(standing.sum()),
        observed_samples: within(samples, span).len() as u64,
        coverage: share_covered(span, missing.sum()),
    }
}

/// The counts of any part of `judged`.
#[cfg(test)]
pub(super) fn counts_between(
    objective: &Objective,
    samples: &[Sample],
    staleness: Duration,
    judged: Span,
    span: Span,
) -> WindowCounts {
    let samples = within(samples, judged);
    let found = Runs::of(samples, &Rule::of(objective, staleness, judged.end));
    let gaps: Vec<_> = gaps(samples, staleness, judged).collect();
    counts(span, samples, &found, &gaps)
}
