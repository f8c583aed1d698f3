use std::{ops::AddAssign, time::Duration};

use super::{
    AttributedTime,
    alert::{burn_windows, pairs},
};
use crate::{
    sla::Terms,
    time::{Span, SpanSet, Timestamp},
};

/// The time a budget is calculated from, of one series or of several together. Exact sums of whole milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The time the target is about, of one series.
    pub(super) length: Duration,
    /// The same of all series, whether over or to come; that of a series that has ended is the time it was there.
    pub(super) whole: Duration,
    /// Of a calendar's period: when it ends.
    pub(super) ends_in: Option<Duration>,
    /// In the budget window.
    pub(super) window: Tally,
    /// Whether any of the budget window was judged, excluded or not.
    pub(super) is_judged: bool,
    /// The judged time of the budget window in which a sample stands, excluded or not.
    pub(super) covered: Duration,
    /// The time of the budget window in which one could: that of a young series begins with its first sample.
    pub(super) present: Duration,
    /// Of the budget window.
    pub(super) excluded: Duration,
    /// In each window whose burn is listed, shortest first.
    pub(super) recent: Vec<(Duration, Tally)>,
}

/// Time in one window that is judged and not excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The window itself, of each series; that of a series that has ended is the time it was there.
    pub(super) length: Duration,
    /// All of it.
    pub(super) judged: Duration,
    /// In which no sample stands.
    pub(super) missing: Duration,
    /// Of violations.
    pub(super) violated: Duration,
}

impl Account {
    /// The account of one series at `as_of` on these terms, `excluded` taken out.
    pub fn of(time: &AttributedTime, excluded: &SpanSet, as_of: Timestamp, terms: &Terms) -> Self {
        let period = terms.window.period(as_of);
        let windows = burn_windows(
            &pairs(terms.alerts.as_deref(), period.length),
            period.length,
        );
        let present = time.present(as_of);
        let counts = Span {
            start: if time.ended.is_some() {
                present.start
            } else {
                Timestamp::EPOCH
            },
            ..present
        };
        let since = |start: Timestamp| Span { start, end: as_of }.intersection(counts);
        let read = SpanSet::from(since(Self::begins(terms, as_of)));
        let window = SpanSet::from(since(period.start));
        let judged = time.judged.intersection(&read).difference(excluded);
        let missing = time.missing.intersection(&judged);
        let violated = time.violated.intersection(&judged);
        let tally = |start: Timestamp| Tally {
            length: since(start).length(),
            judged: judged.length_since(start),
            missing: missing.length_since(start),
            violated: violated.length_since(start),
        };
        let excluded = excluded.intersection(&window);
        let all = time.judged.intersection(&window);
        let covered = time.stood.intersection(&window).length();
        let to_come = if time.ended.is_some() {
            Duration::ZERO
        } else {
            period.length.saturating_sub(as_of.since(period.start))
        };
        Self {
            length: period.length,
            whole: since(period.start).length() + to_come,
            ends_in: period.end.map(|end| end.since(as_of)),
            window: tally(period.start),
            is_judged: !all.is_empty(),
            covered,
            present: since(period.start).overlap(present),
            excluded: excluded.length(),
            recent: windows
                .into_iter()
                .map(|window| (window, tally(as_of - window)))
                .collect(),
        }
    }

    /// When the time begins that an account on these terms at `as_of` is of: the budget window, or the longest window whose
    /// burn is listed.
    pub fn begins(terms: &Terms, as_of: Timestamp) -> Timestamp {
        let period = terms.window.period(as_of);
        let pairs = pairs(terms.alerts.as_deref(), period.length);
        let windows = burn_windows(&pairs, period.length);
        let longest = windows.last().copied().unwrap_or_default();
        period.start.min(as_of - longest)
    }

    /// Whether any of the budget window was judged, excluded or not.
    pub fn is_judged(&self) -> bool {
        self.is_judged
    }

    /// The time in a window of this length, if it was looked at.
    pub(super) fn recent(&self, length: Duration) -> Option<Tally> {
        let (_, tally) = self.recent.iter().find(|(window, _)| *window == length)?;
        Some(*tally)
    }
}

impl AddAssign<&Self> for Account {
    /// Adds the time of other series, over windows of the same length.
    fn add_assign(&mut self, other: &Self) {
        self.whole += other.whole;
        self.window += other.window;
        self.is_judged |= other.is_judged;
        self.covered += other.covered;
        self.present += other.present;
        self.excluded += other.excluded;
        for ((_, own), (_, others)) in self.recent.iter_mut().zip(&other.recent) {
            *own += *others;
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.length += other.length;
        self.judged += other.judged;
        self.missing += other.missing;
        self.violated += other.violated;
    }
}
