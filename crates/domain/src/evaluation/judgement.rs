use std::time::Duration;

use super::{
    Episode, Evaluated, ObjectiveState, Silence, Validity, WindowCounts, WindowCoverage, Windows,
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
    /// When its last sample is. Not published: `as_of` in a judgement that was read from a message.
    pub last_sample: Timestamp,
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
    /// Since when no sample stands, and what that ended; `None` if one stands at `as_of`.
    pub silence: Option<Silence>,
    /// The parts of the gaps in which a sample would stand but for a stale marker. Not published: empty in a judgement
    /// that was read from a message.
    pub marked: Vec<Span>,
}

/// Judges `objective` at `as_of` on the clean `samples` of one series, of which those in the objective's own
/// [`read_range`] count.
pub fn evaluate<'a>(
    objective: &Objective,
    samples: &[Sample],
    validity: impl Into<Validity<'a>>,
    as_of: Timestamp,
) -> Evaluated {
    let judged = read_range(objective.hold, as_of);
    match judge(objective, samples, validity.into(), judged) {
        Some(judgement) => Evaluated::Judged(Box::new(judgement)),
        None => Evaluated::NoSample,
    }
}

/// Judges the samples of any range at its end; `None` if there is none in it.
pub(super) fn judge(
    objective: &Objective,
    samples: &[Sample],
    validity: Validity<'_>,
    judged: Span,
) -> Option<Judgement> {
    let as_of = judged.end;
    let staleness = validity.staleness;
    let samples = within(samples, judged);
    let (oldest, newest) = (samples.first()?.time, samples.last()?.time);
    let found = Runs::of(samples, &Rule::of(objective, validity, as_of));
    let gaps: Vec<_> = gaps(samples, validity, judged).collect();
    let present = Span {
        start: present_from(oldest, staleness, judged),
        end: as_of,
    };
    let windows =
        Windows::from_fn(|window| counts(window.until(as_of), present, samples, &found, &gaps));
    let state = if found.violations.last().is_some_and(|last| last.ongoing) {
        ObjectiveState::Firing
    } else if found.open.is_some() {
        ObjectiveState::Pending
    } else if stands_at(newest, staleness, as_of) {
        ObjectiveState::Ok
    } else {
        ObjectiveState::NoData
    };
    let silence = (state == ObjectiveState::NoData).then(|| {
        let until_the_end = Span {
            end: validity.end(newest, None, as_of),
            ..present
        };
        Silence {
            since: newest + staleness,
            state: found.silent.unwrap_or(ObjectiveState::Ok),
            coverage: WindowCoverage::from_fn(|window| {
                covered(window.until(as_of).intersection(until_the_end), &gaps)
            }),
        }
    });
    let marked = match validity.markers {
        [] => Vec::new(),
        _ => marked(samples, validity, as_of),
    };
    Some(Judgement {
        as_of,
        staleness,
        judged,
        last_sample: newest,
        state,
        windows,
        violations: found.violations,
        open: found.open,
        remainder: found.remainder,
        gaps,
        silence,
        marked,
    })
}

/// From when on the series is there: the start of what was judged or, if it is young, its first sample.
fn present_from(oldest: Timestamp, staleness: Duration, judged: Span) -> Timestamp {
    if oldest.since(judged.start) > staleness {
        oldest
    } else {
        judged.start
    }
}

/// The spans in which one of the samples would stand but for a stale marker.
fn marked(samples: &[Sample], validity: Validity<'_>, as_of: Timestamp) -> Vec<Span> {
    let unmarked = Validity::from(validity.staleness);
    let ends = validity.ends(samples, as_of);
    let spans = ends.zip(unmarked.ends(samples, as_of));
    let spans = spans.map(|(start, end)| Span { start, end });
    spans.filter(|span| span.start < span.end).collect()
}

/// What happened in `(start, end]`, a part of the judged range, on a series that was there while it is `present`.
fn counts(
    span: Span,
    present: Span,
    samples: &[Sample],
    found: &Runs,
    gaps: &[Span],
) -> WindowCounts {
    let violations = &found.violations;
    let recent = &violations[violations.partition_point(|episode| episode.end <= span.start)..];
    let standing = recent.iter().map(|episode| episode.span().overlap(span));
    WindowCounts {
        violations: recent.len() as u64,
        out_of_range_samples: within(&found.out_of_range, span).len() as u64,
        seconds: seconds(standing.sum()),
        observed_samples: within(samples, span).len() as u64,
        coverage: covered(span.intersection(present), gaps),
    }
}

/// The share of `span` that is in none of the gaps.
fn covered(span: Span, gaps: &[Span]) -> f64 {
    let missing = gaps.iter().map(|gap| gap.overlap(span));
    share_covered(span, missing.sum())
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
    let gaps: Vec<_> = gaps(samples, staleness.into(), judged).collect();
    let oldest = samples.first().map_or(judged.start, |first| first.time);
    let present = Span {
        start: present_from(oldest, staleness, judged),
        ..judged
    };
    counts(span, present, samples, &found, &gaps)
}
