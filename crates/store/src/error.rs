use sqlx::mysql::MySqlDatabaseError;

use crate::{schema::SchemaMismatch, tls::TlsFault};

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not one of a MySQL database. Holds no part of it: it may hold a password.
    #[error("the database's URL is malformed")]
    Url,
    /// The database cannot be reached, or something that passes kept it from answering: the same may succeed later.
    #[error("the database is away")]
    Away(#[source] sqlx::Error),
    /// The database refuses the login: the same succeeds once its secret and the server agree.
    #[error("the database refuses the login")]
    Denied(#[source] sqlx::Error),
    /// The connection would not be safe. This is a matter of configuration: waiting does not help.
    #[error(transparent)]
    Tls(TlsFault),
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
    /// The database refuses so many records of a batch that the fault is not theirs. Nothing of it is stored.
    #[error("the database refuses {refused} of {records} records, the first because {first}")]
    TooManyRefused {
        /// How many it refused until the rest was not tried any more.
        refused: usize,
        /// How many were to be stored.
        records: usize,
        /// Why it refuses the first.
        first: String,
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
        matches!(
            self,
            Self::Away(_) | Self::Denied(_) | Self::Conflict(_) | Self::Schema(_)
        )
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

    /// Whether one record may be the reason: the database refuses a value, or has an error of a number that is not known
    /// here and says nothing of tables, columns or rights.
    pub fn may_be_a_refusal(&self) -> bool {
        match self {
            Self::Unexpected(error @ sqlx::Error::Database(_)) => {
                !STRUCTURE.contains(&number(error))
            }
            _ => self.is_refusal(),
        }
    }
}

/// Access denied for the user, to the database, or by its plugin.
const DENIED: [u16; 3] = [1045, 1044, 1698];

/// The server was made read-only, or started so; a transaction is; or the server ends the connection.
const LOST: [u16; 8] = [1290, 1836, 1792, 1053, 1927, 3168, 3169, 4031];

/// Error numbers that no record is the reason of: no database, table, column, index, routine or savepoint; not as many
/// columns as values; no right to it; a statement that is not understood; a column without default that is not written.
const STRUCTURE: [u16; 20] = [
    1046, 1049, 1051, 1054, 1064, 1136, 1142, 1143, 1146, 1176, 1227, 1235, 1305, 1347, 1356, 1364,
    1370, 1419, 1481, 1932,
];

/// Whether the server refuses the login.
pub(crate) fn is_denied(error: &sqlx::Error) -> bool {
    DENIED.contains(&number(error))
}

/// Whether the connection is of no more use, though the server may answer on it.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        error => LOST.contains(&number(error)),
    }
}

/// Error numbers of MySQL and MariaDB that say that a value will never fit: no default, out of range, too long, not a
/// value of the type, a row too large, not JSON or too deep, a packet or result too large, a check failed, refused by a
/// trigger, not of the character set.
const REFUSED: [u16; 19] = [
    1048, 1118, 1153, 1264, 1265, 1292, 1300, 1301, 1366, 1367, 1406, 1644, 1690, 3140, 3141, 3157,
    3819, 3988, 4025,
];

/// Error numbers that pass: disk or memory full, too many connections or prepared statements, host blocked, shutdown,
/// network, read only, killed, gone away, out of time, cluster not ready.
const PASSING: [u16; 32] = [
    1021, 1023, 1037, 1038, 1040, 1041, 1047, 1053, 1114, 1129, 1135, 1158, 1159, 1160, 1161, 1180,
    1203, 1226, 1290, 1317, 1461, 1637, 1792, 1836, 1927, 1969, 3024, 3032, 3100, 3168, 3169, 4031,
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
            sqlx::Error::Tls(reason) => Self::Tls(match reason.downcast() {
                Ok(fault) => *fault,
                Err(reason) => TlsFault::new(reason.to_string()),
            }),
            sqlx::Error::Io(_)
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
                } else if DENIED.contains(&number) {
                    Self::Denied(error)
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
