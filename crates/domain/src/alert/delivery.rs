use std::time::Duration;

use crate::time::Timestamp;

/// When a delivery that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAttempt {
    /// At this time.
    At(Timestamp),
    /// Never: it was tried for long enough.
    Never,
}

/// A receiver that asks to be left alone for longer is asked again after that; one that asks for less than the first wait after
/// that one.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// So long after its first attempt a delivery is given up.
pub const LONGEST_DELIVERY: Duration = Duration::from_secs(3 * 86_400);

/// The waits after the first attempts; after them the last one again and again.
const WAITS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1800),
    Duration::from_secs(3600),
];

/// When to try again at `now`, after so many `attempts` of which the first was at `first`. `retry_after`: how long the
/// receiver asks to wait.
pub fn next_attempt(
    attempts: u32,
    first: Timestamp,
    now: Timestamp,
    retry_after: Option<Duration>,
) -> NextAttempt {
    let place = (attempts.max(1) as usize - 1).min(WAITS.len() - 1);
    let asked = retry_after.map(|asked| asked.clamp(WAITS[0], LONGEST_RETRY_AFTER));
    let wait = asked.unwrap_or(WAITS[place]);
    let next = now + wait;
    if next > first + LONGEST_DELIVERY {
        NextAttempt::Never
    } else {
        NextAttempt::At(next)
    }
}
