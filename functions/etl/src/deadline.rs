//! How long a run may fetch: it ends, and its record is published, before its invocation is killed.

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use tokio::time::Instant;

/// The times that bound a run's fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// From then on nothing is fetched.
    pub(crate) end: Instant,
    /// How long one metric may take.
    pub(crate) patience: Duration,
}

/// The time of an invocation whose context says nothing about it, as in tests: that of the template.
const USUAL: Duration = Duration::from_secs(120);
/// This part of an invocation's time is for publishing what was found.
const PUBLISHING: u32 = 6;
/// One metric may take this part of the time for fetching.
const ONE_METRIC: u32 = 3;

impl Deadline {
    /// The deadline of an invocation that has `left` from now on, all of its time.
    pub fn of(left: Duration) -> Self {
        Self::from(Instant::now(), left)
    }

    fn from(now: Instant, left: Duration) -> Self {
        let fetching = left - left / PUBLISHING;
        Self {
            end: now + fetching,
            patience: fetching / ONE_METRIC,
        }
    }

    /// The deadline of an invocation that starts at `now`.
    pub fn of_invocation(context: &Context, now: SystemTime) -> Self {
        if context.deadline == 0 {
            return Self::default();
        }
        Self::of(context.deadline().duration_since(now).unwrap_or_default())
    }

    /// The same, for work that has to be done after `left` at the latest.
    #[must_use]
    pub fn within(self, left: Duration) -> Self {
        let other = Self::of(left);
        if other.end < self.end { other } else { self }
    }

    /// Whether nothing is fetched any more.
    pub fn is_over(self) -> bool {
        Instant::now() >= self.end
    }

    /// How long may still be fetched.
    pub fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::of(USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sixth_of_the_time_is_kept_for_publishing_and_a_metric_has_a_third_of_the_rest() {
        let now = Instant::now();
        let deadline = Deadline::from(now, Duration::from_secs(120));
        assert_eq!(deadline.end - now, Duration::from_secs(100));
        assert_eq!(deadline.patience, Duration::from_secs(100) / 3);
    }

    #[test]
    fn a_part_ends_before_the_run_that_waits_for_it() {
        let own = Deadline::of(Duration::from_secs(120));
        let part = own.within(Duration::from_secs(60));
        assert!(part.end < own.end && part.patience < own.patience);
        assert_eq!(own.within(Duration::from_secs(600)), own);
    }

    #[test]
    fn the_deadline_follows_from_the_context() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_423_500);
        let mut context = Context::default();
        context.deadline = 1_795_423_620_000;
        assert!(!Deadline::of_invocation(&context, now).is_over());
        // An invocation that is late fetches nothing.
        let later = now + Duration::from_secs(121);
        assert!(Deadline::of_invocation(&context, later).is_over());
    }
}
