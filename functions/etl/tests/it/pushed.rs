//! Series that a test has for itself, handed to Prometheus by remote write with the past that the test needs: how long
//! Prometheus has been running, and what else it scrapes, makes no difference.

use std::time::Duration;

use domain::Timestamp;
use prometheus::testing::{PushedSample, PushedSeries, push};
use uuid::Uuid;

use super::{environment, moment_ago};

/// What is known of the hosts that live as long as the fleet: enough for a forecast whose horizon is over.
const PAST: Duration = Duration::from_secs(40 * 60);
/// Too young for a forecast whose horizon is over.
const YOUNG: Duration = Duration::from_secs(5 * 60);
const STEP: Duration = Duration::from_secs(15);

/// Two hosts with 40 minutes of history and one with 5, under names that no other test has.
pub(crate) struct Fleet {
    name: String,
}

impl Fleet {
    /// Pushes the series, up to now.
    pub(crate) async fn push() -> Self {
        let name = format!("fleet_{}", Uuid::new_v4().simple());
        let (memory, idle) = (format!("{name}_memory"), format!("{name}_idle"));
        let now = moment_ago() + Duration::from_secs(5);
        let mut series = Vec::new();
        for (host, past) in [("first", PAST), ("second", PAST), ("young", YOUNG)] {
            let labels = |name| [("__name__", name), ("instance", host), ("job", "fleet")];
            series.push(PushedSeries::new(
                &labels(&memory),
                samples(now, past, available),
            ));
            for cpu in ["0", "1"] {
                let labels = [&labels(&idle)[..], &[("cpu", cpu), ("mode", "idle")]].concat();
                series.push(PushedSeries::new(&labels, samples(now, past, idle_seconds)));
            }
        }
        push_all(series).await;
        Self { name }
    }

    /// A plain selector and an expression.
    pub(crate) fn metrics(&self) -> String {
        let Self { name } = self;
        format!(
            "[[metric]]\nname = \"availableMem\"\nquery = \"{name}_memory\"\n\
             [[metric]]\nname = \"cpuUsage\"\n\
             query = \"100 * (1 - avg without (cpu, mode) (rate({name}_idle[1m])))\"\n"
        )
    }

    /// A selector of six counters, two of each host.
    pub(crate) fn counters(&self) -> String {
        format!("{}_idle", self.name)
    }
}

/// Pushes as many series as that, which differ by their label `copy`, and returns their selector.
pub(crate) async fn crowd(count: usize) -> String {
    let name = format!("crowd_{}", Uuid::new_v4().simple());
    let now = moment_ago() + Duration::from_secs(5);
    let series = (0..count).map(|copy| {
        let copy = copy.to_string();
        let labels = [("__name__", name.as_str()), ("copy", copy.as_str())];
        let all = samples(now, PAST, available);
        // One a minute is enough for an expression, and less to read.
        PushedSeries::new(&labels, all.into_iter().step_by(4).collect())
    });
    push_all(series.collect()).await;
    name
}

/// One every 15 s, the last of them at `until` or up to 15 s before.
fn samples(until: Timestamp, past: Duration, value: fn(f64) -> f64) -> Vec<PushedSample> {
    let step = STEP.as_millis() as i64;
    let last = until.millis() / step;
    let first = last - past.as_millis() as i64 / step;
    (first..=last)
        .map(|position| PushedSample {
            value: value(position as f64),
            milliseconds: position * step,
        })
        .collect()
}

/// Bytes; slow and fast waves, never below 6 GB.
fn available(position: f64) -> f64 {
    (8e9 + 1e9 * (position / 40.0).sin() + 2e8 * (position * 1.7).sin()).floor()
}

/// A counter that grows by 11 to 15 s in 15 s.
fn idle_seconds(position: f64) -> f64 {
    13.0 * position + 2.0 * (position / 7.0).sin()
}

pub(crate) async fn push_all(series: Vec<PushedSeries>) {
    let environment = environment(&[]);
    push(environment.required("PROMETHEUS_URL").unwrap(), series).await;
}
