use std::{ops::AddAssign, time::Duration};

use super::{
    AttributedTime,
    alert::{BURN_WINDOWS, BurnWindow},
};
use crate::time::{Span, SpanSet, Timestamp};

/// The time a budget is calculated from, of one series or of several together. Exact sums of whole milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The budget window.
    pub(super) length: Duration,
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
    /// In each window of [`BURN_WINDOWS`] that is no longer than the budget window.
    pub(super) recent: Vec<Tally>,
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
    /// The account of one series at `as_of`, over the last `length`, `excluded` taken out.
    pub fn of(
        time: &AttributedTime,
        excluded: &SpanSet,
        as_of: Timestamp,
        length: Duration,
    ) -> Self {
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
        let window = SpanSet::from(since(as_of - length));
        let excluded = excluded.intersection(&window);
        let all = time.judged.intersection(&window);
        let covered = time.stood.intersection(&window).length();
        let judged = all.difference(&excluded);
        let missing = time.missing.intersection(&judged);
        let violated = time.violated.intersection(&judged);
        let tally = |start: Timestamp| Tally {
            length: since(start).length(),
            judged: judged.length_since(start),
            missing: missing.length_since(start),
            violated: violated.length_since(start),
        };
        Self {
            length,
            window: tally(as_of - length),
            is_judged: !all.is_empty(),
            covered,
            present: since(as_of - length).overlap(present),
            excluded: excluded.length(),
            recent: BurnWindow::within(length)
                .map(|recent| tally(as_of - recent.length))
                .collect(),
        }
    }

    /// Whether any of the budget window was judged, excluded or not.
    pub fn is_judged(&self) -> bool {
        self.is_judged
    }

    /// The time in a window of this name, if it was looked at.
    pub(super) fn recent(&self, name: &str) -> Option<(Duration, Tally)> {
        let place = BURN_WINDOWS.iter().position(|window| window.name == name)?;
        let tally = self.recent.get(place)?;
        Some((BURN_WINDOWS[place].length, *tally))
    }
}

impl AddAssign<&Self> for Account {
    /// Adds the time of other series, over windows of the same length.
    fn add_assign(&mut self, other: &Self) {
        self.window += other.window;
        self.is_judged |= other.is_judged;
        self.covered += other.covered;
        self.present += other.present;
        self.excluded += other.excluded;
        for (own, others) in self.recent.iter_mut().zip(&other.recent) {
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
