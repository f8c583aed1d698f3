use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Where a list goes on: what the last row's key was and what moment the list shows. Opaque to callers, and good for the
/// route and filters it was made for alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor<K> {
    #[serde(rename = "v")]
    version: u8,
    /// Of the route and its filters.
    #[serde(rename = "f")]
    fingerprint: String,
    /// The moment the first page was asked for: nothing later is shown.
    #[serde(rename = "t")]
    pub pinned: Timestamp,
    /// The key of the last row of the page before.
    #[serde(rename = "k")]
    pub after: K,
}

const VERSION: u8 = 1;
const LONGEST: usize = 8192;

impl<K: Serialize> Cursor<K> {
    /// The cursor that goes on after the row with key `after`.
    pub(crate) fn encode(fingerprint: &str, pinned: Timestamp, after: K) -> String {
        let cursor = Self {
            version: VERSION,
            fingerprint: fingerprint.to_owned(),
            pinned,
            after,
        };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).unwrap_or_default())
    }
}

impl<K: DeserializeOwned> Cursor<K> {
    /// Reads a cursor made for `fingerprint`; the error is a sentence for the caller.
    pub(crate) fn decode(text: &str, fingerprint: &str) -> Result<Self, &'static str> {
        const UNKNOWN: &str = "is not a cursor of this list: take it from `next` as it is";
        if text.len() > LONGEST {
            return Err(UNKNOWN);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| UNKNOWN)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| UNKNOWN)?;
        if cursor.version != VERSION {
            return Err("is of another version: begin the list anew");
        }
        if cursor.fingerprint != fingerprint {
            return Err(
                "was made for another route or other filters: they must stay the same from page to page",
            );
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned() -> Timestamp {
        "2026-11-23T08:45:00.250Z".parse().unwrap()
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let text = Cursor::encode("f", pinned(), ("cpu".to_owned(), 3));
        let cursor = Cursor::<(String, i32)>::decode(&text, "f").unwrap();
        assert_eq!(
            (cursor.pinned, cursor.after),
            (pinned(), ("cpu".to_owned(), 3))
        );
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }

    #[test]
    fn a_cursor_of_other_filters_or_another_key_is_refused() {
        let text = Cursor::encode("f", pinned(), 1);
        assert!(
            Cursor::<u8>::decode(&text, "g")
                .unwrap_err()
                .contains("other filters")
        );
        assert!(Cursor::<String>::decode(&text, "f").is_err());
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let newer = URL_SAFE_NO_PAD.encode(r#"{"v":2,"f":"f","t":"2026-11-23T08:45:00Z","k":1}"#);
        for text in [
            "",
            "x",
            "!!",
            "bm90IGpzb24",
            newer.as_str(),
            &"A".repeat(10_000),
        ] {
            assert!(Cursor::<u8>::decode(text, "f").is_err(), "{text}");
        }
    }
}
