//! The body of an answer as something to read from on a thread of its own, while its pieces arrive.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use reqwest::Response;
use tokio::sync::mpsc;

use crate::{FetchError, error::unreachable, response::malformed};

/// Pieces that wait to be read.
const PIECES_WAITING: usize = 4;
/// The most bytes of its beginning that are kept, to show what it is if it cannot be read.
const BEGINNING: usize = 400;
/// The most bytes of one series.
const LARGEST_SERIES: usize = 256 << 20;

/// The reading end.
#[derive(Debug)]
pub(super) struct Body {
    pieces: mpsc::Receiver<Result<Bytes, FetchError>>,
    current: Bytes,
    /// How many bytes were read since [`Self::begin_series`].
    since: usize,
    /// Why it ended early.
    failed: Option<FetchError>,
    /// Its first bytes.
    beginning: Vec<u8>,
}

impl Body {
    /// The body of a response, and what has to run so that its pieces arrive.
    pub(super) fn of(mut response: Response) -> (Self, impl Future<Output = ()>) {
        let (sender, pieces) = mpsc::channel(PIECES_WAITING);
        let pump = async move {
            loop {
                let piece = match response.chunk().await {
                    Ok(Some(piece)) => Ok(piece),
                    Ok(None) => return,
                    Err(error) => Err(unreachable(error)),
                };
                let is_last = piece.is_err();
                if sender.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        };
        let body = Self {
            pieces,
            current: Bytes::new(),
            since: 0,
            failed: None,
            beginning: Vec::new(),
        };
        (body, pump)
    }

    /// A series begins.
    pub(super) fn begin_series(&mut self) {
        self.since = 0;
    }

    /// Why it cannot be read: that it ended early, or else `reason`.
    pub(super) fn into_failure(self, reason: &str) -> FetchError {
        self.failed
            .unwrap_or_else(|| malformed(reason, &self.beginning))
    }

    /// Whether it ended early.
    pub(super) fn is_broken(&self) -> bool {
        self.failed.is_some()
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => self.current = piece,
                Some(Err(error)) => {
                    self.failed = Some(error);
                    return Err(io::Error::other("the answer broke off"));
                }
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        self.since += length;
        if self.since > LARGEST_SERIES {
            return Err(io::Error::other(format!(
                "a series is larger than {} MB",
                LARGEST_SERIES >> 20
            )));
        }
        self.current.copy_to_slice(&mut buffer[..length]);
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning
            .extend_from_slice(&buffer[..length.min(room)]);
        Ok(length)
    }
}
