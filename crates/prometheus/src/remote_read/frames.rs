//! The frames of a streamed answer: length as a varint, CRC-32C of the message (big endian), message.

use prost::{
    Message,
    bytes::{Buf, Bytes, BytesMut},
    encoding::decode_varint,
};

use super::protocol::ChunkedReadResponse;

/// What does not follow the format.
#[derive(Debug, thiserror::Error)]
pub(super) enum MalformedFrame {
    #[error("a frame is larger than {} MB", LARGEST >> 20)]
    TooLarge,
    #[error("a frame's checksum is wrong")]
    Checksum,
    #[error("a frame's length is malformed")]
    Length,
    #[error("a frame's message is malformed")]
    Message(#[from] prost::DecodeError),
}

/// Prometheus makes frames of about 1 MB.
const LARGEST: u64 = 64 << 20;
const LONGEST_VARINT: usize = 10;

/// Bytes that arrive in pieces, read frame by frame.
#[derive(Debug, Default)]
pub(super) struct Frames {
    arrived: BytesMut,
}

impl Frames {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.arrived.extend_from_slice(piece);
    }

    /// Whether nothing of an unfinished frame is left.
    pub(super) fn is_empty(&self) -> bool {
        self.arrived.is_empty()
    }

    /// The next frame, if it has arrived whole.
    pub(super) fn next(&mut self) -> Result<Option<ChunkedReadResponse>, MalformedFrame> {
        let start = &self.arrived[..self.arrived.len().min(LONGEST_VARINT)];
        if !start.iter().any(|byte| *byte < 0x80) {
            return if start.len() < LONGEST_VARINT {
                Ok(None)
            } else {
                Err(MalformedFrame::Length)
            };
        }
        let mut rest = start;
        let length = decode_varint(&mut rest).map_err(|_| MalformedFrame::Length)?;
        if length > LARGEST {
            return Err(MalformedFrame::TooLarge);
        }
        let prefix = start.len() - rest.len();
        let whole = prefix + 4 + length as usize;
        if self.arrived.len() < whole {
            return Ok(None);
        }
        let mut frame: Bytes = self.arrived.split_to(whole).freeze();
        frame.advance(prefix);
        let checksum = frame.get_u32();
        if crc32c::crc32c(&frame) != checksum {
            return Err(MalformedFrame::Checksum);
        }
        Ok(Some(ChunkedReadResponse::decode(frame)?))
    }
}

/// A message with its length and checksum.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LONGEST_VARINT + 4 + message.len());
    prost::encoding::encode_varint(message.len() as u64, &mut bytes);
    bytes.extend(crc32c::crc32c(message).to_be_bytes());
    bytes.extend(message);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        fuzz::cases,
        remote_read::{
            protocol::{ChunkedSeries, Label},
            testing,
        },
    };

    fn frame(name: &str) -> Vec<u8> {
        let labels = vec![Label {
            name: name.to_owned(),
            value: "v".to_owned(),
        }];
        let chunked_series = vec![ChunkedSeries {
            labels,
            chunks: Vec::new(),
        }];
        testing::frame(&ChunkedReadResponse { chunked_series })
    }

    #[test]
    fn frames_are_read_however_they_are_cut_into_pieces() {
        let bytes = [frame("a"), frame(&"b".repeat(200))].concat();
        for size in [1, 3, 7, bytes.len()] {
            let (mut frames, mut names) = (Frames::default(), Vec::new());
            for piece in bytes.chunks(size) {
                frames.push(piece);
                while let Some(frame) = frames.next().unwrap() {
                    names.push(frame.chunked_series[0].labels[0].name.clone());
                }
            }
            assert_eq!(names, ["a".to_owned(), "b".repeat(200)]);
            assert!(frames.is_empty());
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let mut bytes = frame("a");
        *bytes.last_mut().unwrap() ^= 1;
        let mut frames = Frames::default();
        frames.push(&bytes);
        assert!(matches!(frames.next(), Err(MalformedFrame::Checksum)));
    }

    proptest! {
        #![proptest_config(cases(10_000))]

        #[test]
        fn no_bytes_make_it_panic(pieces in vec(vec(any::<u8>(), 0..20), 0..6)) {
            let mut frames = Frames::default();
            for piece in pieces {
                frames.push(&piece);
                while let Ok(Some(_)) = frames.next() {}
            }
        }

        #[test]
        fn no_message_in_a_whole_frame_makes_it_panic(message in vec(any::<u8>(), 0..60)) {
            let mut frames = Frames::default();
            frames.push(&super::frame(&message));
            let _ = frames.next();
        }
    }

    #[test]
    fn an_absurd_length_is_refused_before_it_is_awaited() {
        let mut frames = Frames::default();
        frames.push(&[0xff; 10]);
        assert!(frames.next().is_err());
    }
}
