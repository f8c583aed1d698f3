//! Storing dead letters that can be stored now: what somebody asks for, by a direct invocation with
//! `{"prepare": "redrive", "since": TIME}`, and the end of preparing the schema.

use std::time::Instant;

use chrono::Utc;
use domain::Timestamp;
use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::pipeline::{DeadLetter, Document};

use crate::{Storage, StorageError, decode, kept, newer::NEWER};

/// What an event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Dead letters that were set aside from then on.
    pub since: Timestamp,
    /// Whether those alone that were of a newer program.
    pub newer: bool,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// How many dead letters are stored and removed.
    pub stored: u64,
    /// How many were looked at and stay.
    pub left: u64,
    /// Whether all were looked at. If not: ask again.
    pub done: bool,
    /// What to ask for next time, where not all were looked at.
    pub since: Timestamp,
}

impl Redriven {
    /// Whether asking for the same again is of no use: all were looked at, or some and none of them can be stored.
    pub fn is_over(&self) -> bool {
        self.done || (self.stored == 0 && self.left > 0)
    }
}

/// An event that asks for it, but not rightly.
#[derive(Debug, thiserror::Error)]
#[error("the request is invalid: {0}; it must be {{\"prepare\": \"redrive\", \"since\": TIME}}")]
pub struct InvalidRedrive(#[from] serde_json::Error);

impl From<InvalidRedrive> for Diagnostic {
    fn from(error: InvalidRedrive) -> Self {
        Self {
            error_type: "InvalidRequest".to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// More than a request has, and less than an event of Kafka.
const LONGEST_REQUEST: usize = 200;

impl Redrive {
    /// All that waits for a newer program, which this one may be.
    pub const NEWER: Self = Self {
        since: Timestamp::EPOCH,
        newer: true,
    };

    /// What an event asks for; `None` if it asks for something else.
    ///
    /// # Errors
    /// When it asks for a redrive and says no time, or more than the time.
    pub fn asked_for(event: &RawValue) -> Result<Option<Self>, InvalidRedrive> {
        #[derive(Deserialize)]
        struct Asked<'a> {
            prepare: &'a str,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Request<'a> {
            #[serde(rename = "prepare")]
            _prepare: &'a str,
            since: Timestamp,
        }
        let text = event.get();
        let asked = text.len() < LONGEST_REQUEST
            && serde_json::from_str::<Asked<'_>>(text)
                .is_ok_and(|asked| asked.prepare == "redrive");
        if !asked {
            return Ok(None);
        }
        let Request { since, .. } = serde_json::from_str(text)?;
        Ok(Some(Self {
            since,
            newer: false,
        }))
    }
}

impl Storage {
    /// Stores the dead letters that can be stored now and removes them, piece by piece, those that were set aside first
    /// first, until `end`.
    ///
    /// # Errors
    /// When the database is away. What was stored until then stays stored.
    pub async fn redrive(&self, asked: Redrive, end: Instant) -> Result<Redriven, StorageError> {
        let reason = asked.newer.then_some(NEWER);
        // What is set aside meanwhile would never end.
        let until = Timestamp::from(Utc::now());
        let mut redriven = Redriven {
            stored: 0,
            left: 0,
            done: false,
            since: asked.since,
        };
        let mut after = None;
        while Instant::now() < end {
            let letters = self
                .store
                .dead_letters(asked.since, until, after.as_ref(), reason)
                .await?;
            let Some(last) = letters.last() else {
                redriven.done = true;
                break;
            };
            redriven.since = last.stored_at;
            let looked_at = letters.len() as u64;
            after = Some(last.position());
            let (kept, documents): (Vec<DeadLetter>, Vec<Document>) = letters
                .into_iter()
                .filter_map(|letter| {
                    let document = decode::document(&kept::record(&letter)?, until).ok()?;
                    Some((letter, document))
                })
                .unzip();
            let stored = self.store.redrive(&documents, &kept).await?;
            redriven.stored += stored;
            redriven.left += looked_at - stored;
        }
        tracing::info!(
            event = "dead_letters_redriven",
            stored = redriven.stored,
            left = redriven.left,
            done = redriven.done,
            "dead letters were looked at again"
        );
        Ok(redriven)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_for(event: &str) -> Result<Option<Redrive>, String> {
        let event = RawValue::from_string(event.to_owned()).unwrap();
        Redrive::asked_for(&event).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_stored_is_not_waited_for() {
        for (stored, left, done, over) in [
            (5, 500, false, false),
            (0, 500, false, true),
            (5, 500, true, true),
            (0, 0, true, true),
            // There was no time.
            (0, 0, false, false),
        ] {
            let redriven = Redriven {
                stored,
                left,
                done,
                since: Timestamp::EPOCH,
            };
            assert_eq!(redriven.is_over(), over, "{redriven:?}");
        }
    }

    #[test]
    fn a_redrive_is_asked_for_with_its_time() {
        let asked = asked_for(r#"{"prepare":"redrive","since":"2026-11-29T00:00:00Z"}"#);
        let since = "2026-11-29T00:00:00Z".parse().unwrap();
        let newer = false;
        assert_eq!(asked, Ok(Some(Redrive { since, newer })));
        for other in [r#"{"prepare":"schema"}"#, r#"{"records":{}}"#, "null"] {
            assert_eq!(asked_for(other), Ok(None), "{other}");
        }
        for wrong in [
            r#"{"prepare":"redrive"}"#,
            r#"{"prepare":"redrive","since":"yesterday"}"#,
            r#"{"prepare":"redrive","since":"2026-11-29T00:00:00Z","more":1}"#,
        ] {
            let error = asked_for(wrong).unwrap_err();
            assert!(error.contains("since"), "{error}");
        }
    }
}
