use std::{collections::BTreeMap, time::Duration};

use crate::time::{Span, SpanSet, Timestamp, Window};

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
}

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
        Self {
            judged: judged.into_iter().collect(),
            missing: missing.into_iter().collect(),
            violated: violated.into_iter().collect(),
        }
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
