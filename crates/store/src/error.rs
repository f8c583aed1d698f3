use sqlx::mysql::MySqlDatabaseError;

use crate::schema::SchemaMismatch;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not one of a MySQL database. Holds no part of it: it may hold a password.
    #[error("the database's URL is malformed")]
    Url,
    /// The database cannot be reached, or something that passes kept it from answering: the same may succeed later.
    #[error("the database is away")]
    Away(#[source] sqlx::Error),
    /// The database has a schema that this program does not work with: the same succeeds once that is mended.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
    /// Another transaction was in the way and this one was rolled back: the same may succeed at once.
    #[error("the database is busy")]
    Conflict(#[source] sqlx::Error),
    /// The database refuses a value, for good.
    #[error("the database refuses a value")]
    Refused(#[source] sqlx::Error),
    /// A row is larger than what the database takes in one packet.
    #[error("a row of {bytes} bytes is more than the {limit} bytes the database takes at once")]
    TooLarge {
        /// About how many bytes the row has.
        bytes: usize,
        /// The server's `max_allowed_packet`.
        limit: usize,
    },
    /// What is stored is not what was stored there.
    #[error("the database's answer is not understood")]
    Unexpected(#[source] sqlx::Error),
    /// A document cannot be written as or read from JSON.
    #[error("a document is not understood")]
    Document(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Conflict(_) | Self::Schema(_))
    }

    /// Whether a server's error is one that passes, whatever the statement is.
    pub(crate) fn passes(error: &sqlx::Error) -> bool {
        let number = number(error);
        CONFLICT.contains(&number) || PASSING.contains(&number)
    }

    /// Whether the same will never succeed, because of what was to be stored.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(_) | Self::TooLarge { .. } | Self::Document(_)
        )
    }
}

/// Error numbers of MySQL and MariaDB that say that a value will never fit: no default, out of range, too long, not a
/// value of the type, not JSON or too deep, a packet or result too large, a check failed.
const REFUSED: [u16; 15] = [
    1048, 1153, 1264, 1265, 1292, 1301, 1366, 1367, 1406, 1690, 3140, 3141, 3157, 3819, 4025,
];

/// Error numbers that pass: disk or memory full, too many connections, host blocked, shutdown, network, read only,
/// killed, gone away, out of time, cluster not ready.
const PASSING: [u16; 30] = [
    1021, 1023, 1037, 1038, 1040, 1041, 1047, 1053, 1114, 1129, 1135, 1158, 1159, 1160, 1161, 1180,
    1203, 1226, 1290, 1317, 1637, 1836, 1927, 1969, 3024, 3032, 3100, 3168, 3169, 4031,
];

/// Lock wait timeout, deadlock; MariaDB: the record has changed since the snapshot.
const CONFLICT: [u16; 3] = [1205, 1213, 1020];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::AnyDriverError(cause) => match cause.downcast() {
                Ok(mismatch) => Self::Schema(*mismatch),
                Err(cause) => Self::Unexpected(sqlx::Error::AnyDriverError(cause)),
            },
            sqlx::Error::Configuration(_) => Self::Url,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            sqlx::Error::Database(_) => {
                let number = number(&error);
                if REFUSED.contains(&number) {
                    Self::Refused(error)
                } else if CONFLICT.contains(&number) {
                    Self::Conflict(error)
                } else if PASSING.contains(&number) {
                    Self::Away(error)
                } else {
                    Self::Unexpected(error)
                }
            }
            _ => Self::Unexpected(error),
        }
    }
}

/// The server's number of an error; 0 if it has none.
fn number(error: &sqlx::Error) -> u16 {
    let error = error.as_database_error();
    error
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .map_or(0, MySqlDatabaseError::number)
}
