use std::time::Duration;

use super::timeline::Timeline;
use crate::time::Timestamp;

/// How many steps back the search for a time at which enough was measured takes at most. A step is as long as what is
/// missing, so that a silent time of any length takes few.
const MOST_STEPS: usize = 20_000;

impl Timeline {
    /// Whether at least half of the window of this length before `end` is measured; excluded time counts as measured.
    pub(super) fn is_known(&self, length: Duration, end: Timestamp) -> bool {
        self.missing_to_half(length, end).is_zero()
    }

    /// How much more would have to be measured for that.
    fn missing_to_half(&self, length: Duration, end: Timestamp) -> Duration {
        let length = length.max(self.slice);
        let known = self
            .known_until(end)
            // A slice that ends in the window is of it as a whole.
            .saturating_sub(self.known_until(self.newest_end(end - length)));
        (length / 2).saturating_sub(known)
    }

    /// The newest end of a slice before `end` at which enough of both windows was measured. Among rows of several slices, whose
    /// measured minutes are taken to be spread evenly, it may be missed.
    pub(super) fn last_known(&self, windows: [Duration; 2], end: Timestamp) -> Option<Timestamp> {
        let begins = self.begins().into_iter();
        let excluded = self.excluded.spans().first().map(|span| span.start);
        let begins = begins.chain(excluded).min()?;
        let mut end = end - self.slice;
        for _ in 0..MOST_STEPS {
            if end <= begins {
                return None;
            }
            let missing = windows.map(|window| self.missing_to_half(window, end));
            let most = missing.into_iter().max().unwrap_or_default();
            if most.is_zero() {
                return Some(end);
            }
            // Going back by less cannot bring as much: a window that begins earlier by so much gains no more than that, and
            // a slice that is counted as a whole.
            let step = most.saturating_sub(self.slice).max(self.slice);
            end = self.newest_end(end - step);
        }
        None
    }
}
