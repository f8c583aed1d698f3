//! Streams as a server writes them, for tests.

use prost::Message;

use super::{
    frames,
    protocol::{self, ChunkedReadResponse, ChunkedSeries, Label},
    xor,
};

/// A chunk of a series: its encoding's number, whatever its bytes are, which are XOR.
pub(crate) struct Chunk<'a> {
    /// 1 is XOR.
    pub(crate) encoding: i32,
    /// Milliseconds and values.
    pub(crate) samples: &'a [(i64, f64)],
}

/// The labels of a series and its chunks.
pub(crate) type Written<'a> = (&'a [(&'a str, &'a str)], Vec<Chunk<'a>>);

/// A stream with a frame for each series.
pub(crate) fn stream(series: &[Written<'_>]) -> Vec<u8> {
    let frames = series.iter().map(|(labels, chunks)| {
        let labels = labels.iter().map(|(name, value)| Label {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        });
        let chunks = chunks.iter().map(|chunk| {
            let samples = chunk.samples.iter();
            let samples: Vec<(i64, u64)> = samples
                .map(|(millis, value)| (*millis, value.to_bits()))
                .collect();
            protocol::Chunk {
                encoding: chunk.encoding,
                data: xor::testing::encode(&samples).into(),
            }
        });
        let series = ChunkedSeries {
            labels: labels.collect(),
            chunks: chunks.collect(),
        };
        frame(&ChunkedReadResponse {
            chunked_series: vec![series],
        })
    });
    frames.flatten().collect()
}

/// A message as a frame.
pub(super) fn frame(message: &ChunkedReadResponse) -> Vec<u8> {
    frames::frame(&message.encode_to_vec())
}
