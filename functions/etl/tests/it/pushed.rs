//! Series that a test has for itself, handed to Prometheus by remote write with the past that the test needs: how long
//! Prometheus has been running, and what else it scrapes, makes no difference.

use std::time::Duration;

use domain::Timestamp;
use prost::Message;
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
            series.push(pushed(&labels(&memory), samples(now, past, available)));
            for cpu in ["0", "1"] {
                let labels = [&labels(&idle)[..], &[("cpu", cpu), ("mode", "idle")]].concat();
                series.push(pushed(&labels, samples(now, past, idle_seconds)));
            }
        }
        push(series).await;
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
        pushed(&labels, all.into_iter().step_by(4).collect())
    });
    push(series.collect()).await;
    name
}

/// One every 15 s, the last of them at `until` or up to 15 s before.
fn samples(until: Timestamp, past: Duration, value: fn(f64) -> f64) -> Vec<Sample> {
    let step = STEP.as_millis() as i64;
    let last = until.millis() / step;
    let first = last - past.as_millis() as i64 / step;
    (first..=last)
        .map(|position| Sample {
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

#[derive(Clone, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    series: Vec<Pushed>,
}

#[derive(Clone, Message)]
pub(crate) struct Pushed {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, Message)]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    #[prost(int64, tag = "2")]
    pub(crate) milliseconds: i64,
}

/// Hands series to Prometheus by remote write.
pub(crate) async fn push(series: Vec<Pushed>) {
    let url = environment(&[])
        .required("PROMETHEUS_URL")
        .unwrap()
        .to_owned();
    let body = WriteRequest { series }.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&body).unwrap();
    let answer = http_client::builder()
        .build()
        .unwrap()
        .post(format!("{}/api/v1/write", url.trim_end_matches('/')))
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .header("x-prometheus-remote-write-version", "0.1.0")
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let reason = answer.text().await.unwrap();
    assert!(
        status.is_success(),
        "samples cannot be pushed: {status}: {reason}; Prometheus needs --web.enable-remote-write-receiver and an \
         out_of_order_time_window of 14h"
    );
}

pub(crate) fn pushed(labels: &[(&str, &str)], samples: Vec<Sample>) -> Pushed {
    let label = |(name, value): &(&str, &str)| Label {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    Pushed {
        labels: labels.iter().map(label).collect(),
        samples,
    }
}
