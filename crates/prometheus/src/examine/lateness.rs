//! Whether expressions are shown as they are now.

use std::time::Duration;

use domain::{Span, Timestamp, duration};
use tokio::sync::mpsc;

use crate::{Prometheus, Reading, fetch::FetchedSeries};

const STEP: Duration = Duration::from_secs(15);

impl Prometheus {
    /// What to change where the server shows expressions of the newest time as they were before, as `VictoriaMetrics` does
    /// whose version does not know how to be asked otherwise.
    pub(super) async fn late_expressions(&self, now: Timestamp) -> Option<String> {
        let range = Span {
            start: now - STEP * 8,
            end: now,
        };
        let (found, mut arriving) = mpsc::channel::<FetchedSeries>(1);
        let reading = Reading::Sampled {
            step: STEP,
            has_names: false,
            unparsed: None,
        };
        let asking = async {
            let read = self.read("vector(time())", &reading, range, &found).await;
            drop(found);
            read.ok()
        };
        let (read, series) = tokio::join!(asking, arriving.recv());
        read?;
        let newest = *series?.samples.last()?;
        let late = newest.time.millis() as f64 / 1_000.0 - newest.value;
        if late < 1.0 {
            return None;
        }
        let settle = Duration::from_secs(late as u64) + STEP;
        Some(format!(
            "It shows expressions of the last {late:.0} s as they were before: SETTLE={} has runs look further behind the \
             clock, and VictoriaMetrics can be started with -search.latencyOffset=0s.",
            duration::format(settle)
        ))
    }
}
