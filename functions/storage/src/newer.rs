//! Messages of a newer program.

use domain::message::Kind;

use crate::event::Record;

/// Why they are set aside: a program that knows them stores them.
pub(crate) const NEWER: &str = "newer";

const OURS: &str = "slacast.";

/// Whether a record is a message of ours that this program does not know, or a version of it.
pub(crate) fn is_newer(record: &Record) -> bool {
    let kind = record
        .header("ce_type")
        .and_then(|kind| std::str::from_utf8(kind).ok());
    kind.is_some_and(|kind| kind.starts_with(OURS) && kind.parse::<Kind>().is_err())
}
