//! Documents in a tenth of the bytes that their JSON has: how they are stored.
//!
//! Nothing is rounded: what is unpacked has every bit of what was packed. The numbers of which there are many are columns
//! (`column`); all else is the document's own JSON without them, compressed (`rest`). The series and `as_of` are left
//! out: they are the key of the row.
//!
//! The first byte is the version of this form. A form never changes its meaning: what would change it is a new version,
//! with a reader for each.

mod column;
mod message;
mod metadata;
mod prediction;
mod rest;
#[cfg(test)]
mod tests;

pub use self::message::PackedMessage;
use crate::{
    series::{Labels, MetricName, SeriesId},
    time::Timestamp,
};

/// A document, or the long arrays of one, as bytes.
pub trait Packed: Sized {
    /// What is not in the bytes.
    type Key;

    /// The bytes. Long arrays are left out of a document: they are packed for themselves.
    fn pack(&self) -> Vec<u8>;

    /// What [`Self::pack`] made these bytes of.
    ///
    /// # Errors
    /// When `pack` has not made them.
    fn unpack(bytes: &[u8], key: Self::Key) -> Result<Self, Unreadable>;
}

/// What a document is about: the key of its row.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// The series' id.
    pub series: SeriesId,
    /// Its metric.
    pub metric: MetricName,
    /// Its labels.
    pub labels: Labels,
    /// The run.
    pub as_of: Timestamp,
}

/// Bytes that are no packed document.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// There are none, or they are of a version that this program does not know.
    #[error("the version of a packed document is not known")]
    Version,
    /// They end too early, or say something that is never packed.
    #[error("a packed document is damaged")]
    Damaged,
    /// The compressed part cannot be decompressed.
    #[error("the text of a packed document is damaged")]
    Compressed(#[source] std::io::Error),
    /// The decompressed part is no such document.
    #[error("the text of a packed document is not its JSON")]
    Json(#[from] serde_json::Error),
}

/// What is written.
const VERSION: u8 = 2;

/// How columns are written: what a version differs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Version 1: every number by its bits.
    ByBits,
    /// Version 2: by decimal places where they are few.
    ByPlaces,
}

/// The form of the columns, the flags, which say what is there, and the bytes after them.
fn opened(bytes: &[u8]) -> Result<(Form, u8, &[u8]), Unreadable> {
    let (version, bytes) = bytes.split_first().ok_or(Unreadable::Version)?;
    let form = match *version {
        1 => Form::ByBits,
        VERSION => Form::ByPlaces,
        _ => return Err(Unreadable::Version),
    };
    let (flags, rest) = bytes.split_first().ok_or(Unreadable::Damaged)?;
    Ok((form, *flags, rest))
}

/// A flag if something is there.
fn flag(flag: u8, is_there: bool) -> u8 {
    if is_there { flag } else { 0 }
}

/// Nothing may follow what was read.
fn ended(bytes: &[u8]) -> Result<(), Unreadable> {
    bytes.is_empty().then_some(()).ok_or(Unreadable::Damaged)
}

/// A count, seven bits a byte, the low ones first; the top bit says that more follow.
fn write_count(mut count: usize, out: &mut Vec<u8>) {
    while count >= 0x80 {
        out.push(count as u8 | 0x80);
        count >>= 7;
    }
    out.push(count as u8);
}

fn read_count(bytes: &mut &[u8]) -> Result<usize, Unreadable> {
    let mut count = 0;
    for shift in (0..28).step_by(7) {
        let (byte, after) = bytes.split_first().ok_or(Unreadable::Damaged)?;
        *bytes = after;
        count |= usize::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Ok(count);
        }
    }
    Err(Unreadable::Damaged)
}
