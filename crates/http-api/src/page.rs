//! Answers that fit: what a Lambda function returns has a bound, the body of an answer has one, and a list ends before it
//! reaches either.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use lambda_http::Body;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{ApiError, Reply};

/// The most bytes of a body.
pub const MOST_BODY_BYTES: usize = 4_500_000;
/// The most bytes that a function may return: the body, escaped as a JSON string, with headers and what is around them.
pub(crate) const MOST_RETURNED_BYTES: usize = 6_291_556;
/// What is returned beside the rows of a list: headers, names, a cursor.
const FRAME_BYTES: usize = 50_000;

/// The room that is left in an answer.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    size: Size,
    is_empty: bool,
}

/// How much room something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    /// As JSON.
    bytes: usize,
    /// As JSON in a JSON string.
    escaped: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            size: Size {
                bytes: MOST_BODY_BYTES - FRAME_BYTES,
                escaped: MOST_RETURNED_BYTES - 2 * FRAME_BYTES,
            },
            is_empty: true,
        }
    }
}

impl Room {
    /// The part of the room that one of `parts` equal parts has.
    pub fn part_of(parts: usize) -> Self {
        let whole = Self::default();
        Self {
            size: Size {
                bytes: whole.size.bytes / parts,
                escaped: whole.size.escaped / parts,
            },
            ..whole
        }
    }

    /// Takes the room of `value`; false if there is not enough left. The first value is always let in: no list goes on
    /// after a value that fits into no answer.
    pub fn take(&mut self, value: &impl Serialize) -> bool {
        let is_first = self.is_empty;
        if self.fits(value) {
            return true;
        }
        if is_first {
            self.size = Size::default();
        }
        is_first
    }

    /// Takes the room of `value`; false if there is not enough left, first or not.
    pub fn fits(&mut self, value: &impl Serialize) -> bool {
        let mut taken = Size::default();
        // A value that cannot be written takes nothing here; the answer reports it.
        let _ = serde_json::to_writer(&mut taken, value);
        // The comma after it.
        let bytes = self.size.bytes.checked_sub(taken.bytes + 1);
        let escaped = self.size.escaped.checked_sub(taken.escaped + 1);
        self.is_empty = false;
        if let Some((bytes, escaped)) = bytes.zip(escaped) {
            self.size = Size { bytes, escaped };
            return true;
        }
        false
    }

    /// The first of the values that there is room for.
    pub fn fitting<T: Serialize>(&mut self, values: impl IntoIterator<Item = T>) -> Vec<T> {
        let values = values.into_iter();
        values.take_while(|value| self.take(value)).collect()
    }
}

impl Write for Size {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bytes += text.len();
        // JSON has its control characters escaped, but for the ends of lines between its values: with quotes and backslashes
        // they are what is left to escape again.
        let again = text
            .iter()
            .filter(|byte| matches!(byte, b'"' | b'\\' | b'\n'));
        self.escaped += text.len() + again.count();
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An answer that is too long: whoever made it did not see to its length.
#[derive(Debug, thiserror::Error)]
#[error("the answer has {bytes} bytes, {returned} as it would be returned")]
struct TooLong {
    bytes: usize,
    returned: usize,
}

/// Whether a text may be returned as the body of an answer.
///
/// # Errors
/// With its size and the greatest one, bytes, when it may not.
pub(crate) fn text_fits(text: &str) -> Result<(), (usize, usize)> {
    let mut size = Size::default();
    let _ = size.write(text.as_bytes());
    let most_escaped = MOST_RETURNED_BYTES - FRAME_BYTES;
    if size.bytes > MOST_BODY_BYTES {
        Err((size.bytes, MOST_BODY_BYTES))
    } else if size.escaped > most_escaped {
        Err((size.escaped, most_escaped))
    } else {
        Ok(())
    }
}

/// The reply, if it may be returned.
///
/// # Errors
/// When it may not, which is a defect: Lambda would answer with nothing but a 502.
pub(crate) fn bounded(reply: Reply) -> Result<Reply, ApiError> {
    let mut size = Size::default();
    match reply.body() {
        // Text that is short enough however it is escaped need not be looked through.
        Body::Text(text) if 2 * text.len() > MOST_RETURNED_BYTES - FRAME_BYTES => {
            let _ = size.write(text.as_bytes());
        }
        Body::Binary(bytes) => {
            size = Size {
                bytes: bytes.len(),
                escaped: bytes.len().div_ceil(3) * 4,
            };
        }
        _ => {}
    }
    if size.bytes > MOST_BODY_BYTES || size.escaped > MOST_RETURNED_BYTES - FRAME_BYTES {
        return Err(ApiError::internal(TooLong {
            bytes: size.bytes,
            returned: size.escaped,
        }));
    }
    Ok(reply)
}

/// A row of a list.
pub trait Row: Serialize + JsonSchema {
    /// What the document calls the list.
    const LIST: &'static str;
}

/// A page of a list: `{"series": […], "next": "…"}`.
#[derive(Debug)]
pub struct Page<T> {
    rows: Vec<T>,
    next: Option<String>,
}

impl<T: Row> Page<T> {
    /// A page of as many rows as fit into an answer, at least one.
    pub fn of(rows: impl IntoIterator<Item = T>) -> Self {
        Self {
            rows: Room::default().fitting(rows),
            next: None,
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The page with the cursor of the one after it.
    #[must_use]
    pub fn with_next(self, next: Option<String>) -> Self {
        Self { next, ..self }
    }
}

impl<T: Row> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut page = serializer.serialize_map(Some(2))?;
        page.serialize_entry(T::LIST, &self.rows)?;
        page.serialize_entry("next", &self.next)?;
        page.end()
    }
}

impl<T: Row> JsonSchema for Page<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Page", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let rows = generator.subschema_for::<Vec<T>>();
        json_schema!({
            "type": "object",
            "required": [T::LIST, "next"],
            "properties": {
                T::LIST: rows,
                "next": {
                    "type": ["string", "null"],
                    "description": "The `cursor` of the page after this one; null on the last.",
                },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, JsonSchema)]
    struct Text(String);

    impl Row for Text {
        const LIST: &'static str = "texts";
    }

    fn page(text: &str, length: usize) -> Page<Text> {
        Page::of((0..100).map(|_| Text(text.repeat(length))))
    }

    #[test]
    fn a_page_ends_before_it_is_too_long() {
        for (text, length, rows) in [
            ("x", 10, 100),
            ("x", 100_000, 44),
            ("é", 50_000, 44),
            // What has to be escaped twice is returned as four bytes.
            ("\"", 50_000, 30),
            ("\u{1}", 20_000, 37),
            ("x", 9_000_000, 1),
        ] {
            let page = page(text, length);
            assert_eq!(page.len(), rows, "{text:?} {length}");
            if rows > 1 {
                let body = serde_json::to_string(&page).unwrap();
                assert!(body.len() <= MOST_BODY_BYTES);
                let returned = serde_json::to_string(&body).unwrap();
                assert!(returned.len() + FRAME_BYTES <= MOST_RETURNED_BYTES);
            }
        }
    }

    #[test]
    fn a_page_says_where_the_list_goes_on() {
        let page = page("x", 1).with_next(Some("c".to_owned()));
        let document = serde_json::to_value(&page).unwrap();
        assert_eq!(document["texts"].as_array().unwrap().len(), 100);
        assert_eq!(document["next"], "c");
    }

    #[test]
    fn room_is_measured_as_it_is_written() {
        for text in ["", "plain", "\"\\\n\u{1f}é✓\u{10ffff}/"] {
            let mut size = Size::default();
            serde_json::to_writer(&mut size, text).unwrap();
            let body = serde_json::to_string(text).unwrap();
            let returned = serde_json::to_string(&body).unwrap();
            assert_eq!((size.bytes, size.escaped), (body.len(), returned.len() - 2));
        }
    }

    #[test]
    fn what_cannot_be_returned_is_a_defect() {
        for (body, fits) in [
            (Body::from("x".repeat(MOST_BODY_BYTES)), true),
            (Body::from("x".repeat(MOST_BODY_BYTES + 1)), false),
            (Body::from("\"".repeat(3_200_000)), false),
            (Body::from(vec![0; 4_400_000]), true),
            (Body::from(vec![0; 4_700_000]), false),
            (Body::Empty, true),
        ] {
            assert_eq!(bounded(Reply::new(body)).is_ok(), fits);
        }
    }
}
