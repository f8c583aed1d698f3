//! Retention, driven by the batches that come in.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use config::Retention;
use domain::Timestamp;
use store::{Store, retention::Limits};

/// How long an instance waits between two purges.
const PAUSE: Duration = Duration::from_secs(5);
/// How many rows a purge deletes, well under a second's work: 4,000 rows a second, more than 10,000 series every 30 s
/// bring of those that are thinned out.
const MOST_ROWS: u64 = 20_000;

/// How long before the end of its function a purge ends: killed, it would have the batch delivered again.
const MARGIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Housekeeping {
    limits: Limits,
    latest: Mutex<Option<Instant>>,
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
            latest: Mutex::new(None),
        }
    }

    /// Deletes some of what at `now` is older than it is kept, unless that was done a moment ago. A failure is no
    /// reason to have the batch again.
    pub(crate) async fn run(&self, store: &Store, now: Timestamp, deadline: Option<Instant>) {
        let end = deadline.and_then(|deadline| deadline.checked_sub(MARGIN));
        let is_late = end.is_some_and(|end| end <= Instant::now());
        if is_late || !self.is_due() {
            return;
        }
        match store.purge_until(now, self.limits, MOST_ROWS, end).await {
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

    fn is_due(&self) -> bool {
        let Ok(mut latest) = self.latest.lock() else {
            return false;
        };
        let due = latest.is_none_or(|latest| latest.elapsed() >= PAUSE);
        if due {
            *latest = Some(Instant::now());
        }
        due
    }
}
