//! `dead_letter`: what can never be stored otherwise.

use domain::{Timestamp, message::EvaluationRow};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::upsert::{Row, largest_packet, upsert};
use crate::{StoreError, read::column_time};

/// A Kafka record that is not a message of ours, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The topic, 1 to 249 ASCII characters.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The record's offset in it.
    pub offset: i64,
    /// The record's time, milliseconds since the Unix epoch; -1 for none. With it, an offset that is given again after
    /// the topic was made anew is another record.
    pub timestamp: i64,
    /// When it was set aside.
    pub stored_at: Timestamp,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's headers, in a form fit for people.
    pub headers: serde_json::Value,
    /// The record's value.
    pub value: Option<Vec<u8>>,
    /// Why it cannot be stored, in a sentence; cut to 1024 characters.
    pub reason: String,
    /// The row of an evaluation that it was to be: stored as one whose state is unknown, so that the evaluation does not
    /// wait for it.
    pub row: Option<EvaluationRow>,
}

const LONGEST_REASON: usize = 1024;
/// What a packet holds besides key, headers and value, generously.
const PACKET_OVERHEAD: usize = 8 * 1024;

pub(super) async fn write(
    connection: &mut MySqlConnection,
    letters: &[DeadLetter],
) -> Result<(), StoreError> {
    if letters.is_empty() {
        return Ok(());
    }
    let limit = largest_packet(connection).await?;
    let rows = letters
        .iter()
        .map(|letter| DeadLetterRow::new(letter, limit));
    upsert(connection, rows.collect::<Result<_, _>>()?).await
}

#[derive(Debug)]
struct DeadLetterRow<'a> {
    letter: &'a DeadLetter,
    headers: String,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    reason: String,
}

impl<'a> DeadLetterRow<'a> {
    /// What is larger than the server takes at once is cut, and the reason says so: a partition that waits for ever for
    /// one record would be worse, and Kafka still has it.
    fn new(letter: &'a DeadLetter, limit: usize) -> Result<Self, StoreError> {
        let mut room = limit.saturating_sub(PACKET_OVERHEAD);
        let mut reason = letter.reason.clone();
        let mut headers = serde_json::to_string(&letter.headers)?;
        if headers.len() > room / 2 {
            reason = format!("headers of {} bytes left out; {reason}", headers.len());
            headers = "null".to_owned();
        }
        room -= headers.len();
        let mut cut = |name: &str, bytes: Option<&'a [u8]>| {
            let bytes = bytes?;
            let kept = &bytes[..bytes.len().min(room)];
            if kept.len() < bytes.len() {
                let (kept, all) = (kept.len(), bytes.len());
                reason = format!("{name} cut from {all} to {kept} bytes; {reason}");
            }
            room -= kept.len();
            Some(kept)
        };
        let key = cut("key", letter.key.as_deref());
        let value = cut("value", letter.value.as_deref());
        Ok(Self {
            letter,
            headers,
            key,
            value,
            reason: reason.chars().take(LONGEST_REASON).collect(),
        })
    }
}

impl<'a> Row for DeadLetterRow<'a> {
    const INTO: &'static str = "INSERT INTO dead_letter (topic, `partition`, `offset`, \
        `timestamp`, stored_at, `key`, headers, value, reason) VALUES";
    const COLUMNS: usize = 9;
    // The same record set aside again stays as it is; a newer program may have another reason.
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE reason = VALUES(reason)";
    type Key = (&'a str, i32, i64, i64);

    fn key(&self) -> Self::Key {
        let letter = self.letter;
        (
            &letter.topic,
            letter.partition,
            letter.offset,
            letter.timestamp,
        )
    }

    fn bytes(&self) -> usize {
        self.headers.len()
            + self.key.map_or(0, <[u8]>::len)
            + self.value.map_or(0, <[u8]>::len)
            + 4 * self.reason.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.letter.topic.as_str())?;
        arguments.add(self.letter.partition)?;
        arguments.add(self.letter.offset)?;
        arguments.add(self.letter.timestamp)?;
        arguments.add(column_time(self.letter.stored_at))?;
        arguments.add(self.key)?;
        arguments.add(self.headers.as_str())?;
        arguments.add(self.value)?;
        arguments.add(self.reason.as_str())
    }
}
