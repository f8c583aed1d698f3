//! For tests: hands series to a server by remote write, and reads bytes as if a server had sent them.

use domain::{Span, Timestamp};
use prost::Message;
use tokio::sync::mpsc;

use crate::{
    FetchError, FetchedSeries, metrics_file, query_api,
    remote_read::{self, Label},
    sink::Sink,
};

#[derive(Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    series: Vec<PushedSeries>,
}

/// A series and samples of it.
#[derive(Message)]
pub struct PushedSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<PushedSample>,
}

/// A sample of a series.
#[derive(Clone, Copy, Message)]
pub struct PushedSample {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// The time, milliseconds since the Unix epoch.
    #[prost(int64, tag = "2")]
    pub milliseconds: i64,
}

impl PushedSeries {
    /// A series with these labels, its name among them as `__name__`.
    pub fn new(labels: &[(&str, &str)], samples: Vec<PushedSample>) -> Self {
        let label = |(name, value): &(&str, &str)| Label {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        Self {
            labels: labels.iter().map(label).collect(),
            samples,
        }
    }
}

/// Hands series to the server at `url`.
///
/// # Panics
/// When the server does not take them: it has to be a receiver of remote write that takes samples of the last 14 hours.
pub async fn push(url: &str, series: Vec<PushedSeries>) {
    let body = WriteRequest { series }.encode_to_vec();
    let body = snap::raw::Encoder::new().compress_vec(&body);
    let answer = http_client::builder()
        .build()
        .expect("a client can be made")
        .post(format!("{}/api/v1/write", url.trim_end_matches('/')))
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .header("x-prometheus-remote-write-version", "0.1.0")
        .body(body.expect("bytes can be compressed"))
        .send()
        .await
        .expect("the server answers");
    let status = answer.status();
    let reason = answer.text().await.unwrap_or_default();
    assert!(
        status.is_success(),
        "samples cannot be pushed: {status}: {reason}; Prometheus needs --web.enable-remote-write-receiver and an \
         out_of_order_time_window of 14h"
    );
}

/// Series that wait to be taken.
const WAITING: usize = 4;

/// The series of all time that a stream of remote read holds, with their names.
///
/// # Errors
/// Why these bytes are no such stream.
pub async fn read_stream(bytes: Vec<u8>) -> Result<Vec<FetchedSeries>, FetchError> {
    let (found, mut arriving) = mpsc::channel(WAITING);
    let always = Span {
        start: Timestamp::EPOCH,
        end: Timestamp::MAX,
    };
    let read = async move {
        let mut sink = Sink::with_names(&found);
        let response = http::Response::new(bytes).into();
        remote_read::read(response, always, |_| {}, &mut sink).await?;
        sink.finish().await
    };
    let take = async {
        let mut series = Vec::new();
        while let Some(one) = arriving.recv().await {
            series.push(one);
        }
        series
    };
    let (read, series) = tokio::join!(read, take);
    read.map(|_| series)
}

/// A message of remote read with its length and checksum, as a stream has it.
pub fn frame(message: &[u8]) -> Vec<u8> {
    remote_read::frame(message)
}

/// How many series an answer of the query API has.
///
/// # Errors
/// Why it is no matrix, or what the server says in its place.
pub fn read_matrix(answer: &[u8]) -> Result<usize, String> {
    query_api::count_series(answer)
}

/// How many metrics a file has that asks for them.
///
/// # Errors
/// Where its text is wrong, in bytes, and what is.
pub fn read_metrics_file(text: &str) -> Result<usize, (usize, String)> {
    metrics_file::count_metrics(text)
}
