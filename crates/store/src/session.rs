//! The settings of a session, whatever the server's defaults are.

/// What a function does with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers questions: no statement takes longer than 10 s.
    Reader,
    /// Stores what comes: statements take as long as they need.
    Writer,
}

/// How many statements a connection keeps prepared. All connections of a server share room for 16,382 of them by
/// default, and readers are as many as there are callers. A writer has more different ones, of which there are few, and
/// preparing one again would cost it 40 ms: closing a statement has no answer, so that the next packet waits for the
/// server's delayed acknowledgement.
pub(crate) fn statements(role: Role) -> usize {
    match role {
        Role::Reader => 64,
        Role::Writer => 256,
    }
}

/// A value that does not fit is refused and never cut, times are UTC, who waits for a lock gives up well before the
/// function's time is over, and the server closes what a frozen instance keeps open, which it does not notice otherwise
/// for 8 h (`wait_timeout`).
macro_rules! common {
    ($more:literal) => {
        concat!(
            "SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
             ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
             innodb_lock_wait_timeout = 3, wait_timeout = 90, ",
            $more,
            "NAMES utf8mb4"
        )
    };
}

/// The settings of a session. A comment of the first kind is executed by MySQL alone, one of the second by MariaDB alone:
/// they call the longest time of a statement by different names, in milliseconds and in seconds.
pub(crate) fn settings(role: Role) -> &'static str {
    match role {
        Role::Reader => {
            common!("/*!50708 max_execution_time = 10000, */ /*M! max_statement_time = 10, */ ")
        }
        Role::Writer => common!(""),
    }
}
