use std::{collections::BTreeMap, time::Duration};

use crate::{
    evaluation::STALENESS,
    time::{Span, SpanSet, Timestamp, Window},
};

/// When a version of an SLA was made, and when it was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The version, from 1.
    pub version: u32,
    /// When it was made: from then on it is in force, instead of the one before.
    pub created_at: Timestamp,
    /// When it was retired, if it was.
    pub retired_at: Option<Timestamp>,
}

/// When each version was in force, `[start, end)`, by version. The first one also answers for the 12 h before it was
/// made: its first evaluation judges them.
pub fn in_force(versions: &[Version]) -> BTreeMap<u32, Span> {
    let by_version: BTreeMap<u32, &Version> = versions
        .iter()
        .map(|version| (version.version, version))
        .collect();
    let mut spans = BTreeMap::new();
    let mut ordered = by_version.values().peekable();
    while let Some(version) = ordered.next() {
        let start = if spans.is_empty() {
            version.created_at - Window::TwelveHours.length()
        } else {
            version.created_at
        };
        let replaced_at = ordered.peek().map(|next| next.created_at);
        let end = version.retired_at.into_iter().chain(replaced_at).min();
        spans.insert(
            version.version,
            Span {
                start,
                end: end.unwrap_or(Timestamp::MAX),
            },
        );
    }
    spans
}

/// What was stored of one objective, version and series, in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedTime {
    /// The judged time.
    pub judged: Vec<Span>,
    /// The judged time in which no sample stands.
    pub gaps: Vec<Span>,
    /// The violations.
    pub violations: Vec<Span>,
}

/// The time of an objective on one series, each instant as judged by the version in force then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributedTime {
    /// The judged time.
    pub(super) judged: SpanSet,
    /// The judged time in which no sample stands.
    pub(super) missing: SpanSet,
    /// The time of violations.
    pub(super) violated: SpanSet,
    /// The judged time in which a sample stands.
    pub(super) stood: SpanSet,
    /// When it began, if it is young: the first thing that was judged is that it was not there yet.
    pub(super) began: Option<Timestamp>,
    /// When it ended, if it did: it counts up to then.
    pub(super) ended: Option<Timestamp>,
}

const INSTANT: Duration = Duration::from_millis(1);

impl AttributedTime {
    /// Takes from each version what it judged while it was in force.
    pub fn of<'a>(versions: impl IntoIterator<Item = (Span, &'a RecordedTime)>) -> Self {
        let (mut judged, mut missing, mut violated) = (Vec::new(), Vec::new(), Vec::new());
        for (in_force, recorded) in versions {
            let within = |spans: &[Span]| {
                let cut = spans.iter().map(|span| span.intersection(in_force));
                cut.collect::<SpanSet>()
            };
            let own = within(&recorded.judged);
            missing.extend(within(&recorded.gaps).intersection(&own));
            violated.extend(within(&recorded.violations));
            judged.extend(own);
        }
        let judged: SpanSet = judged.into_iter().collect();
        let missing: SpanSet = missing.into_iter().collect();
        let first = judged.spans().first().zip(missing.spans().first());
        let began = first
            .filter(|(judged, gap)| gap.start <= judged.start && gap.length() > STALENESS)
            .map(|(_, gap)| gap.end);
        Self {
            stood: judged.difference(&missing),
            judged,
            missing,
            violated: violated.into_iter().collect(),
            began,
            ended: None,
        }
    }

    /// From when until when it is there, up to `as_of`.
    pub(super) fn present(&self, as_of: Timestamp) -> Span {
        Span {
            start: self.began.unwrap_or(Timestamp::EPOCH),
            end: self.ended.map_or(as_of, |ended| ended.min(as_of)),
        }
    }

    /// Ends those of an objective's series that fell silent before `as_of`, while another one stands: at once or, where that
    /// ended a violation, once they were silent for `hold` while others stood.
    pub(super) fn end_silent(series: &mut [Self], hold: Duration, as_of: Timestamp) {
        let stands = |time: &Self| time.stood.contains(as_of - INSTANT);
        if !series.iter().any(stands) {
            return;
        }
        let mut all = None;
        for place in 0..series.len() {
            let time = &series[place];
            let last = time.stood.spans().iter().rev();
            let Some(last) = last.map(|span| span.end).find(|end| *end < as_of) else {
                continue;
            };
            if stands(time) {
                continue;
            }
            let is_over = !time.violated.contains(last - INSTANT) || {
                let all: &SpanSet = all.get_or_insert_with(|| {
                    let stood = series.iter().flat_map(|time| time.stood.spans());
                    stood.copied().collect()
                });
                let silent = Span {
                    start: last,
                    end: as_of,
                };
                all.length_within(silent) >= hold
            };
            if is_over {
                series[place].ended = Some(last);
            }
        }
    }

    /// The judged time.
    pub fn judged(&self) -> &SpanSet {
        &self.judged
    }

    /// How much of a span was judged.
    pub fn judged_within(&self, span: Span) -> Duration {
        self.judged.length_within(span)
    }

    /// How much of a span was judged and had a sample that stood.
    pub fn measured_within(&self, span: Span) -> Duration {
        let missing = self.missing.length_within(span);
        self.judged_within(span).saturating_sub(missing)
    }

    /// How much of the judged part of a span was in violation.
    pub fn violated_within(&self, span: Span) -> Duration {
        let judged = self.judged.intersection(&SpanSet::from(span));
        self.violated.intersection(&judged).length()
    }
}
