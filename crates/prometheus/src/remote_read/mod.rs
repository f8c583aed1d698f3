//! Remote read in `STREAMED_XOR_CHUNKS`: a tenth of the query API's cost, series by series while they arrive.

mod frames;
mod protocol;
#[cfg(test)]
pub(crate) mod testing;
mod xor;

use domain::{Labels, Span, Timestamp};
use prost::{Message, bytes::Bytes};
use reqwest::{Response, StatusCode, header::CONTENT_TYPE};

use crate::{
    FetchError, MatchOperator, Prometheus, Selector,
    client::forbids_post,
    error::unreachable,
    response::{error_of, said},
    sink::{Row, Sink},
};
use frames::Frames;
#[cfg(feature = "testing")]
pub(crate) use frames::frame;
pub(crate) use protocol::Label;
use protocol::{
    ChunkEncoding, ChunkedSeries, LabelMatcher, MatchType, Query, ReadRequest, ResponseType,
};

/// How the reading of a stream came out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Every series was sent.
    Whole,
    /// It broke before anything was sent; why.
    Broken(String),
    /// A series has native histograms: the query API can say which and what else there is.
    Histograms,
    /// A chunk has an encoding of this number, which is not known. What was sent until then is good.
    UnknownEncoding(i32),
}

/// The request body: snappy-compressed protobuf.
fn body(selector: &Selector, range: Span) -> Result<Vec<u8>, FetchError> {
    let matcher = |matcher: &crate::Matcher| LabelMatcher {
        kind: match matcher.operator {
            MatchOperator::Equal => MatchType::Equal,
            MatchOperator::NotEqual => MatchType::NotEqual,
            MatchOperator::Regex => MatchType::Regex,
            MatchOperator::NotRegex => MatchType::NotRegex,
        }
        .into(),
        name: matcher.label.clone(),
        value: matcher.value.clone(),
    };
    let query = Query {
        // The range is half-open at its start, the protocol's is closed.
        start_timestamp_ms: range.start.millis() + 1,
        end_timestamp_ms: range.end.millis(),
        matchers: selector.matchers.iter().map(matcher).collect(),
    };
    let request = ReadRequest {
        queries: vec![query],
        accepted_response_types: vec![ResponseType::StreamedXorChunks.into()],
    };
    snap::raw::Encoder::new()
        .compress_vec(&request.encode_to_vec())
        .map_err(|error| FetchError::Malformed(error.to_string()))
}

impl Prometheus {
    /// Asks for the series of a selector. Returns the stream, or why the query API has to be asked instead.
    pub(crate) async fn remote_read(
        &self,
        selector: &Selector,
        range: Span,
    ) -> Result<Result<Response, String>, FetchError> {
        let body = body(selector, range)?;
        let response = self
            .post("api/v1/read", |request| {
                request
                    .header(CONTENT_TYPE, "application/x-protobuf")
                    .header("Content-Encoding", "snappy")
                    .header("X-Prometheus-Remote-Read-Version", "0.1.0")
                    .body(body.clone())
            })
            .await?;
        if response.status().is_success() {
            return Ok(if is_streamed(&response) {
                Ok(response)
            } else {
                Err("its answer is not a stream of chunks".to_owned())
            });
        }
        let (status, said) = said(response).await;
        if is_unsupported(status, &said) {
            Ok(Err(said))
        } else {
            Err(error_of(status, format!("remote read: {said}")))
        }
    }
}

/// Whether an answer means that the server cannot do this, rather than that it cannot do it now.
fn is_unsupported(status: StatusCode, said: &str) -> bool {
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::NOT_ACCEPTABLE
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => true,
        StatusCode::INTERNAL_SERVER_ERROR => said.to_lowercase().contains("encoding"),
        status => forbids_post(status),
    }
}

fn is_streamed(response: &Response) -> bool {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-streamed-protobuf"))
}

/// Sends each series of a stream as soon as it is complete. `strip` turns the label set of the answer into the series'
/// own. A long series goes on in the next frame: it is complete when other labels come, or nothing more.
pub(crate) async fn read(
    mut response: Response,
    range: Span,
    strip: impl Fn(&mut Labels),
    sink: &mut Sink<'_>,
) -> Result<Read, FetchError> {
    let (mut frames, mut current) = (Frames::default(), None::<Arriving>);
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) => return broken(unreachable(error), current.is_none(), sink),
        };
        frames.push(&piece);
        loop {
            let frame = match frames.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    let error = FetchError::Malformed(error.to_string());
                    return broken(error, current.is_none(), sink);
                }
            };
            for series in frame.chunked_series {
                if let Some(other) = series.other_encoding() {
                    return Ok(other);
                }
                match &mut current {
                    Some(arriving) if arriving.labels == series.labels => arriving.add(series),
                    _ => {
                        let complete = current.replace(Arriving::of(series));
                        send(complete, range, &strip, sink).await?;
                    }
                }
            }
        }
    }
    if !frames.is_empty() {
        let error = FetchError::Malformed("the stream ends within a frame".to_owned());
        return broken(error, current.is_none(), sink);
    }
    send(current, range, &strip, sink).await?;
    Ok(Read::Whole)
}

/// A stream that breaks before its first frame says nothing of the data; one that breaks later was understood until then.
fn broken(error: FetchError, at_its_start: bool, sink: &Sink<'_>) -> Result<Read, FetchError> {
    if at_its_start && sink.is_empty() {
        Ok(Read::Broken(error.to_string()))
    } else {
        Err(error)
    }
}

async fn send(
    complete: Option<Arriving>,
    range: Span,
    strip: &impl Fn(&mut Labels),
    sink: &mut Sink<'_>,
) -> Result<(), FetchError> {
    match complete {
        Some(series) => sink.take_first(series.decode(range, strip)?).await,
        None => Ok(()),
    }
}

impl ChunkedSeries {
    /// What keeps its chunks from being read here.
    fn other_encoding(&self) -> Option<Read> {
        let mut encodings = self.chunks.iter().map(|chunk| chunk.encoding);
        encodings.find_map(|encoding| match ChunkEncoding::try_from(encoding) {
            Ok(ChunkEncoding::Xor) => None,
            Ok(ChunkEncoding::Histogram | ChunkEncoding::FloatHistogram) => Some(Read::Histograms),
            Ok(ChunkEncoding::Unknown) | Err(_) => Some(Read::UnknownEncoding(encoding)),
        })
    }
}

/// A series whose chunks are arriving.
struct Arriving {
    labels: Vec<Label>,
    chunks: Vec<Bytes>,
}

impl Arriving {
    fn of(series: ChunkedSeries) -> Self {
        let chunks = series.chunks.into_iter().map(|chunk| chunk.data);
        Self {
            labels: series.labels,
            chunks: chunks.collect(),
        }
    }

    fn add(&mut self, series: ChunkedSeries) {
        let chunks = series.chunks.into_iter().map(|chunk| chunk.data);
        self.chunks.extend(chunks);
    }

    fn decode(self, range: Span, strip: &impl Fn(&mut Labels)) -> Result<Row, FetchError> {
        let (mut samples, mut ends) = (Vec::new(), Vec::new());
        for chunk in &self.chunks {
            xor::decode(chunk, &mut samples, &mut ends)
                .map_err(|error| FetchError::Malformed(error.to_string()))?;
        }
        let is_inside = |time: Timestamp| time > range.start && time <= range.end;
        samples.retain(|sample| is_inside(sample.time));
        ends.retain(|time| is_inside(*time));
        let mut labels: Labels = self
            .labels
            .into_iter()
            .map(|label| (label.name, label.value))
            .collect();
        strip(&mut labels);
        Ok(Row {
            labels,
            samples,
            ends,
            is_histogram: false,
        })
    }
}
