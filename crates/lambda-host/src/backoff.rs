//! When a function that does not come up may be started again.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// Failed starts in a row, and the wait they cost: 200 ms, doubled each time, at most 5 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// A start failed.
    pub(crate) fn failed(&mut self, now: Instant) {
        let wait = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + wait);
    }

    /// A start succeeded.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The time before which nothing is to be started, if it is still to come.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_five_seconds_and_a_success_ends_it() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        let mut waits = Vec::new();
        for _ in 0..7 {
            backoff.failed(now);
            waits.push((backoff.until(now).unwrap() - now).as_millis());
        }
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(backoff.until(now + LONGEST), None);
        backoff.succeeded();
        assert_eq!(backoff.until(now), None);
    }
}
