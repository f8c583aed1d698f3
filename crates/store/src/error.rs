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
    /// The server's settings forbid what is asked: waiting does not help.
    #[error("the database's settings forbid this: {needed}")]
    Settings {
        /// What they have to be.
        needed: &'static str,
        /// What the server said.
        #[source]
        cause: sqlx::Error,
    },
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

/// The server was made read-only, or started so; a transaction is; the server ends the connection or could not read or
/// write on it; it is offline, or a node that its cluster left; it does not know a statement that was prepared here.
/// Aurora keeps connections over a restart and a patch, but no statements; 1105 is how it says that it did.
const LOST: [u16; 17] = [
    1047, 1053, 1105, 1158, 1159, 1160, 1161, 1243, 1290, 1615, 1792, 1836, 1927, 3032, 3168, 3169,
    4031,
];

/// Error numbers that no record is the reason of: no database, table, column, index, routine or savepoint; not as many
/// columns as values; no right to it; a statement that is not understood; a column without default that is not written; a
/// table that a cluster does not take.
const STRUCTURE: [u16; 21] = [
    1046, 1049, 1051, 1054, 1064, 1136, 1142, 1143, 1146, 1176, 1227, 1235, 1305, 1347, 1356, 1364,
    1370, 1419, 1481, 1932, 3098,
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

/// Error numbers that pass: disk or memory full, too many connections, locks or prepared statements, host blocked,
/// shutdown, network, read only, killed, gone away, out of time, cluster not ready, statement not prepared any more;
/// a proxy that has no connection (9001 of `ProxySQL`, 9501 of RDS Proxy), or an error that it does not name (1105).
const PASSING: [u16; 42] = [
    1021, 1023, 1026, 1028, 1037, 1038, 1040, 1041, 1047, 1053, 1105, 1114, 1129, 1135, 1158, 1159,
    1160, 1161, 1203, 1206, 1226, 1243, 1290, 1317, 1461, 1615, 1637, 1792, 1836, 1927, 1969, 3024,
    3032, 3100, 3168, 3169, 3796, 3797, 3798, 4031, 9001, 9501,
];

/// Lock wait timeout, deadlock, also of locks by name; a table that was just changed, or a lock that went to who changes
/// it; MariaDB: the record has changed since the snapshot; Group Replication, at the commit: another member changed it
/// first.
const CONFLICT: [u16; 8] = [1020, 1180, 1205, 1213, 1412, 1689, 3058, 3101];

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
                if let Some(needed) = needed_setting(&error) {
                    Self::Settings {
                        needed,
                        cause: error,
                    }
                } else if REFUSED.contains(&number) {
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

/// What a setting of the server has to be where it forbids what is done here, whatever the record is.
fn needed_setting(error: &sqlx::Error) -> Option<&'static str> {
    let error = server_error(error)?;
    match error.number() {
        1665 => Some("binlog_format has to be MIXED or ROW"),
        1105 if error.message().contains("pxc_strict_mode") => {
            Some("pxc_strict_mode has to be MASTER, PERMISSIVE or DISABLED")
        }
        _ => None,
    }
}

/// The server's number of an error; 0 if it has none.
pub(crate) fn number(error: &sqlx::Error) -> u16 {
    server_error(error).map_or(0, MySqlDatabaseError::number)
}

fn server_error(error: &sqlx::Error) -> Option<&MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in;

    async fn said(number: u16, sentence: &str) -> sqlx::Error {
        stand_in::connecting(&[stand_in::error(number, sentence)])
            .await
            .1
    }

    #[tokio::test]
    async fn what_no_record_is_the_reason_of_is_no_refusal() {
        for (number, means, closes) in [
            // Aurora after a restart, a patch, and a failover.
            (1243, "away", true),
            (1615, "away", true),
            (1105, "away", true),
            (1290, "away", true),
            (1836, "away", true),
            // Galera: a node without its cluster, and a conflict.
            (1047, "away", true),
            (1213, "busy", false),
            // Group Replication, at the commit.
            (3100, "away", false),
            (3101, "busy", false),
            (1180, "busy", false),
            (3797, "away", false),
            (3098, "not understood", false),
            // Servers that end a connection.
            (1053, "away", true),
            (1159, "away", true),
            (1927, "away", true),
            (3032, "away", true),
            (4031, "away", true),
            // Servers and proxies that have too much to do.
            (1040, "away", false),
            (1129, "away", false),
            (1203, "away", false),
            (1206, "away", false),
            (1226, "away", false),
            (1461, "away", false),
            (1637, "away", false),
            (9001, "away", false),
            (9501, "away", false),
            // Out of time, or in the way of others.
            (1028, "away", false),
            (1317, "away", false),
            (1969, "away", false),
            (3024, "away", false),
            (1205, "busy", false),
            (1412, "busy", false),
            (3058, "busy", false),
        ] {
            let error = said(number, "something").await;
            assert_eq!(is_lost(&error), closes, "{number}");
            let error = StoreError::from(error);
            assert!(error.to_string().contains(means), "{number}: {error}");
            assert!(!error.may_be_a_refusal(), "{number}");
            assert_eq!(
                error.is_transient(),
                means != "not understood",
                "{number}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn a_setting_that_forbids_what_is_done_is_named() {
        for (number, sentence, named) in [
            (
                1665,
                "Cannot execute statement: impossible to write to binary log",
                "MIXED or ROW",
            ),
            (
                1105,
                "Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = ENFORCING",
                "pxc_strict_mode has to be MASTER",
            ),
        ] {
            let error = StoreError::from(said(number, sentence).await);
            assert!(error.to_string().contains(named), "{error}");
            assert!(!error.may_be_a_refusal() && !error.is_transient());
        }
    }

    #[tokio::test]
    async fn an_error_of_a_number_that_nobody_knows_may_be_a_refusal() {
        let error = StoreError::from(said(5555, "of a newer server").await);
        assert!(error.may_be_a_refusal(), "{error:?}");
    }
}
