//! Remote read in `STREAMED_XOR_CHUNKS`: a tenth of the query API's cost, series by series while they arrive.

mod frames;
pub(super) mod protocol;
mod xor;

use domain::{Labels, evaluation::Span};
use prost::{Message, bytes::Bytes};
use reqwest::{RequestBuilder, Response, StatusCode, header::CONTENT_TYPE};
use tokio::sync::mpsc;

use super::{FetchError, FetchedSeries, unreachable};
use frames::Frames;
use protocol::{
    ChunkEncoding, ChunkedSeries, Label, LabelMatcher, Query, ReadRequest, ResponseType,
};

/// How a remote read went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every series was sent.
    Complete,
    /// The server has no remote read in chunks: nothing was sent, the query API has to do.
    Unsupported,
}

/// The request body: snappy-compressed protobuf.
fn body(matchers: &[LabelMatcher], range: Span) -> Result<Vec<u8>, FetchError> {
    let query = Query {
        // The range is half-open at its start, the protocol's is closed.
        start_timestamp_ms: range.start.millis() + 1,
        end_timestamp_ms: range.end.millis(),
        matchers: matchers.to_vec(),
    };
    let request = ReadRequest {
        queries: vec![query],
        accepted_response_types: vec![ResponseType::StreamedXorChunks.into()],
    };
    snap::raw::Encoder::new()
        .compress_vec(&request.encode_to_vec())
        .map_err(|error| FetchError::Malformed(error.to_string()))
}

/// Asks for the series that `matchers` select and sends each one as soon as it is complete. `own_labels` turns the label
/// set of the answer into the series' own.
pub(super) async fn read(
    request: RequestBuilder,
    matchers: &[LabelMatcher],
    range: Span,
    own_labels: impl Fn(Labels) -> Labels,
    found: &mpsc::Sender<FetchedSeries>,
) -> Result<Outcome, FetchError> {
    let response = request
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header("Content-Encoding", "snappy")
        .header("X-Prometheus-Remote-Read-Version", "0.1.0")
        .body(body(matchers, range)?)
        .send()
        .await
        .map_err(unreachable)?;
    match response.status() {
        status if status.is_success() && is_streamed(&response) => {}
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
            return Ok(Outcome::Unsupported);
        }
        status if status.is_success() => return Ok(Outcome::Unsupported),
        status if status.is_client_error() => {
            return Err(FetchError::Refused(format!("remote read: status {status}")));
        }
        status => {
            return Err(FetchError::Unreachable(format!(
                "remote read: status {status}"
            )));
        }
    }
    stream(response, range, own_labels, found).await?;
    Ok(Outcome::Complete)
}

fn is_streamed(response: &Response) -> bool {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-streamed-protobuf"))
}

/// A long series goes on in the next frame: it is complete when other labels come, or nothing more.
async fn stream(
    mut response: Response,
    range: Span,
    own_labels: impl Fn(Labels) -> Labels,
    found: &mpsc::Sender<FetchedSeries>,
) -> Result<(), FetchError> {
    let malformed = |error: frames::MalformedFrame| FetchError::Malformed(error.to_string());
    let (mut frames, mut current) = (Frames::default(), None::<Arriving>);
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        frames.push(&piece);
        while let Some(frame) = frames.next().map_err(malformed)? {
            for series in frame.chunked_series {
                match &mut current {
                    Some(arriving) if arriving.labels == series.labels => arriving.add(series),
                    _ => {
                        let complete = current.replace(Arriving::of(series));
                        send(complete, range, &own_labels, found).await?;
                    }
                }
            }
        }
    }
    if !frames.is_empty() {
        return Err(FetchError::Malformed(
            "the stream ends within a frame".to_owned(),
        ));
    }
    send(current, range, &own_labels, found).await
}

async fn send(
    complete: Option<Arriving>,
    range: Span,
    own_labels: &impl Fn(Labels) -> Labels,
    found: &mpsc::Sender<FetchedSeries>,
) -> Result<(), FetchError> {
    if let Some(series) = complete
        .map(|series| series.decode(range, own_labels))
        .transpose()?
        && !series.samples.is_empty()
    {
        // The receiver is gone only when the run was given up.
        let _ = found.send(series).await;
    }
    Ok(())
}

/// A series whose chunks are arriving.
struct Arriving {
    labels: Vec<Label>,
    chunks: Vec<Bytes>,
}

impl Arriving {
    fn of(series: ChunkedSeries) -> Self {
        let mut arriving = Self {
            labels: Vec::new(),
            chunks: Vec::new(),
        };
        arriving.add(ChunkedSeries {
            labels: Vec::new(),
            chunks: series.chunks,
        });
        arriving.labels = series.labels;
        arriving
    }

    /// Takes the float chunks; native histograms are left out, as the query API's are.
    fn add(&mut self, series: ChunkedSeries) {
        let floats = series
            .chunks
            .into_iter()
            .filter(|chunk| chunk.encoding() == ChunkEncoding::Xor);
        self.chunks.extend(floats.map(|chunk| chunk.data));
    }

    fn decode(
        self,
        range: Span,
        own_labels: &impl Fn(Labels) -> Labels,
    ) -> Result<FetchedSeries, FetchError> {
        let mut samples = Vec::new();
        for chunk in &self.chunks {
            xor::decode(chunk, &mut samples)
                .map_err(|error| FetchError::Malformed(error.to_string()))?;
        }
        samples.retain(|sample| sample.time > range.start && sample.time <= range.end);
        let mut labels: Labels = self
            .labels
            .into_iter()
            .map(|label| (label.name, label.value))
            .collect();
        labels.0.remove("__name__");
        Ok(FetchedSeries {
            labels: own_labels(labels),
            samples,
        })
    }
}
