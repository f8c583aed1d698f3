//! Retention, driven by the batches that come in.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use config::Retention;
use domain::Timestamp;
use store::{Store, retention::Limits};

/// How long an instance waits between two purges.
const PAUSE: Duration = Duration::from_secs(5);
/// The same after one that left something.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// How many rows a purge deletes, well under a second's work: 4,000 rows a second, more than 10,000 series every 30 s
/// bring of those that are thinned out.
const MOST_ROWS: u64 = 20_000;

/// How long before the end of its function a purge ends: killed, it would have the batch delivered again.
const MARGIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Housekeeping {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the next purge is due.
    next: Option<Instant>,
    /// The newest time that a batch of runs was about.
    now: Option<Timestamp>,
}

impl Housekeeping {
    pub(crate) fn new(retention: Retention) -> Self {
        Self {
            limits: Limits {
                every_run: retention.every_run,
                everything: retention.everything,
                buckets: retention.history.buckets,
                hours: retention.history.hours,
            },
            state: Mutex::default(),
        }
    }

    /// Deletes some of what is older than it is kept, and adds up slices that replays brought, unless that was done a moment
    /// ago. What is old is so at `now`, what the batch's runs are about; a batch without runs goes by the one before. A failure
    /// is no reason to have the batch again.
    pub(crate) async fn run(
        &self,
        store: &Store,
        now: Option<Timestamp>,
        deadline: Option<Instant>,
    ) {
        let end = deadline.and_then(|deadline| deadline.checked_sub(MARGIN));
        let is_late = end.is_some_and(|end| end <= Instant::now());
        let Some(now) = self.due_at(now).filter(|_| !is_late) else {
            return;
        };
        let purged = store.purge_until(now, self.limits, MOST_ROWS, end).await;
        if purged.as_ref().is_ok_and(|purged| !purged.done) {
            self.state().next = Some(Instant::now() + SHORT_PAUSE);
        }
        match purged {
            Ok(purged) if purged.rows > 0 => {
                tracing::info!(
                    event = "purged",
                    rows = purged.rows,
                    done = purged.done,
                    "purged old rows"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(event = "purge_failed", %error, "old rows stay for now"),
        }
    }

    /// What a purge that is due now goes by; `None` while none is due.
    fn due_at(&self, now: Option<Timestamp>) -> Option<Timestamp> {
        let mut state = self.state();
        state.now = now.or(state.now);
        if state.next.is_some_and(|next| next > Instant::now()) {
            return None;
        }
        let now = state.now?;
        state.next = Some(Instant::now() + PAUSE);
        Some(now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
