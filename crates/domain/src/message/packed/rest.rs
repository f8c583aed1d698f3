//! What is left of a document without its columns: JSON, compressed by zstd with a dictionary.
//!
//! The dictionary is text like that of such documents, so that names and sentences cost next to nothing. It belongs to the
//! version of the form: another one is another version.

use std::{
    cell::RefCell,
    io::{Error, ErrorKind},
};

use serde::{Serialize, de::DeserializeOwned};
use zstd::bulk::{Compressor, Decompressor};

use super::{Unreadable, read_count, write_count};
use crate::message::LARGEST_MESSAGE;

const DICTIONARY: &[u8] = include_bytes!("dictionary-1.txt");
/// Above it a document takes longer than a database takes to store it, for one byte in a hundred.
const LEVEL: i32 = 9;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Writes a document to the end of `out`: how long its JSON is, how long that is compressed, and that.
pub(super) fn write(rest: &impl Serialize, out: &mut Vec<u8>) {
    let json = serde_json::to_vec(rest).expect("the documents' maps have text keys");
    write_count(json.len(), out);
    let compressed = COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::with_dictionary(LEVEL, DICTIONARY)?),
        };
        compressor.compress(&json)
    });
    let compressed = compressed.expect("only memory that is not there keeps zstd from compressing");
    write_count(compressed.len(), out);
    out.extend(compressed);
}

/// Reads the document that `bytes` begin with.
pub(super) fn read<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, Unreadable> {
    let length = read_count(bytes)?;
    let compressed = read_count(bytes)?;
    if length > LARGEST_MESSAGE {
        return Err(Unreadable::Damaged);
    }
    let (compressed, after) = bytes
        .split_at_checked(compressed)
        .ok_or(Unreadable::Damaged)?;
    *bytes = after;
    let json = DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::with_dictionary(DICTIONARY)?),
        };
        let json = decompressor.decompress(compressed, length)?;
        if json.len() == length {
            Ok(json)
        } else {
            Err(Error::from(ErrorKind::UnexpectedEof))
        }
    });
    Ok(serde_json::from_slice(
        &json.map_err(Unreadable::Compressed)?,
    )?)
}
