//! Alerts of ranges of which too little is measured: they neither fire nor resolve.

use std::time::Duration;

use super::{Account, Alert, AttributedTime, Budget, alert::pairs};
use crate::{
    sla::Terms,
    time::{Span, SpanSet, Timestamp},
};

/// The time that counts as measured, of each series: in which a sample stands, and what is excluded.
struct Known(Vec<SpanSet>);

const MINUTE: Duration = Duration::from_secs(60);
/// How many steps back the search for a time at which enough was measured takes at most. A step is as long as what is
/// missing, so that a silent time of any length takes few.
const MOST_STEPS: usize = 20_000;

/// Freezes the alerts of a budget, of all of these series together, whose long or short window is less than half measured:
/// whether one fires is then what it was at the newest minute at which enough was.
pub(super) fn freeze(
    budget: &mut Budget,
    terms: &Terms,
    series: &[AttributedTime],
    excluded: &SpanSet,
    as_of: Timestamp,
) {
    if budget.alerts.is_empty() {
        return;
    }
    let known = Known::of(series, excluded);
    let pairs = pairs(terms.alerts.as_deref(), terms.window.period(as_of).length);
    for (place, (alert, pair)) in budget.alerts.iter_mut().zip(pairs).enumerate() {
        let windows = [pair.long, pair.short];
        if known.is_enough(windows, as_of) {
            continue;
        }
        let last = known.last_enough(windows, as_of);
        let fired = |time| {
            let alert = alert_at(place, terms, series, excluded, time);
            alert.is_some_and(|alert| alert.firing)
        };
        alert.frozen = true;
        alert.unmeasured_since = last;
        alert.firing = last.is_some_and(fired);
    }
}

/// The alert of a place as its windows before `as_of` have it.
fn alert_at(
    place: usize,
    terms: &Terms,
    series: &[AttributedTime],
    excluded: &SpanSet,
    as_of: Timestamp,
) -> Option<Alert> {
    let accounts = series.iter();
    let mut accounts = accounts.map(|time| Account::of(time, excluded, as_of, terms));
    let mut all = accounts.next()?;
    for account in accounts {
        all += &account;
    }
    Budget::of(terms, &all).alerts.into_iter().nth(place)
}

impl Known {
    fn of(series: &[AttributedTime], excluded: &SpanSet) -> Self {
        let of_series = series.iter();
        Self(
            of_series
                .map(|time| time.judged.difference(&time.missing).union(excluded))
                .collect(),
        )
    }

    fn is_enough(&self, windows: [Duration; 2], end: Timestamp) -> bool {
        self.missing(windows, end)
            .is_some_and(|missing| missing.is_zero())
    }

    /// How much more of one series would have to be measured, so that half of both windows is; `None` without a series.
    fn missing(&self, windows: [Duration; 2], end: Timestamp) -> Option<Duration> {
        let series = u32::try_from(self.0.len())
            .ok()
            .filter(|count| *count > 0)?;
        let missing = windows.map(|length| {
            let window = Span {
                start: end - length,
                end,
            };
            let known: Duration = self.0.iter().map(|known| known.length_within(window)).sum();
            (length * series / 2).saturating_sub(known) / series
        });
        missing.into_iter().max()
    }

    /// The newest whole minute before `end` at which enough was measured.
    fn last_enough(&self, windows: [Duration; 2], end: Timestamp) -> Option<Timestamp> {
        let starts = self.0.iter().filter_map(|known| known.spans().first());
        let begins = starts.map(|span| span.start).min()?;
        let into = end.millis().rem_euclid(60_000).unsigned_abs();
        let mut end = end - Duration::from_millis(if into == 0 { 60_000 } else { into });
        for _ in 0..MOST_STEPS {
            if end <= begins {
                return None;
            }
            let missing = self.missing(windows, end)?;
            if missing.is_zero() {
                return Some(end);
            }
            // Going back by less cannot bring as much.
            let minutes = missing.as_millis().div_ceil(60_000);
            end = end - MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX);
        }
        None
    }
}
