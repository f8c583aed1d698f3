//! Many rows in one statement: the one place where SQL is put together, from constants alone.

use sqlx::{Arguments, AssertSqlSafe, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use crate::StoreError;

/// A row of one table.
pub(crate) trait Row {
    /// `INSERT INTO table (columns) VALUES`.
    const INTO: &'static str;
    /// How many columns that names.
    const COLUMNS: usize;
    /// `ON DUPLICATE KEY UPDATE …`.
    const OTHERWISE: &'static str;
    /// The primary key.
    type Key: Ord;

    /// The primary key.
    fn key(&self) -> Self::Key;

    /// How many bytes its long columns have.
    fn bytes(&self) -> usize {
        0
    }

    /// Binds the columns in their order.
    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError>;
}

/// Where more rows in one statement no longer make them cheaper.
const MOST_ROWS: usize = 512;
/// Every server takes that much in one packet: the smallest default there ever was is 1 MiB.
const MOST_BYTES: usize = 512 * 1024;
/// More than the short columns of any row have.
const SHORT_COLUMNS: usize = 256;

/// Writes rows. Of several with one key the last one counts. They are written in the order of their keys, so that two
/// transactions lock rows in the same order.
pub(crate) async fn upsert<R: Row>(
    connection: &mut MySqlConnection,
    rows: Vec<R>,
) -> Result<(), StoreError> {
    let rows = last_of_each(rows);
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let (rows, after) = rest.split_at(fitting(rest));
        rest = after;
        if let [row] = rows {
            refuse_too_large(connection, row.bytes()).await?;
        }
        let mut arguments = MySqlArguments::default();
        arguments.reserve(rows.len() * R::COLUMNS, rows.len() * SHORT_COLUMNS);
        for row in rows {
            row.bind(&mut arguments).map_err(sqlx::Error::Encode)?;
        }
        sqlx::query_with(AssertSqlSafe(statement::<R>(rows.len())), arguments)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn last_of_each<R: Row>(mut rows: Vec<R>) -> Vec<R> {
    rows.reverse();
    rows.sort_by_key(R::key);
    rows.dedup_by(|later, kept| later.key() == kept.key());
    rows
}

/// How many of the leading rows go into one statement: a power of two, so that there are few different statements and
/// all of them stay prepared. A statement that is prepared for once is closed by a packet that has no answer, and the
/// next packet then waits for the server's delayed acknowledgement: 40 ms.
fn fitting<R: Row>(rows: &[R]) -> usize {
    let mut bytes = 0;
    let count = rows
        .iter()
        .take(MOST_ROWS)
        .take_while(|row| {
            bytes += row.bytes() + SHORT_COLUMNS;
            bytes <= MOST_BYTES
        })
        .count();
    1 << count.max(1).ilog2()
}

fn statement<R: Row>(rows: usize) -> String {
    let row = format!("({}),", vec!["?"; R::COLUMNS].join(","));
    let values = row.repeat(rows);
    let values = values.trim_end_matches(',');
    format!("{} {values} {}", R::INTO, R::OTHERWISE)
}

/// A server cuts the connection on a packet that is too large, which looks as if it were away.
async fn refuse_too_large(
    connection: &mut MySqlConnection,
    bytes: usize,
) -> Result<(), StoreError> {
    let bytes = bytes + SHORT_COLUMNS;
    if bytes > MOST_BYTES {
        let limit = largest_packet(connection).await?;
        if bytes > limit {
            return Err(StoreError::TooLarge { bytes, limit });
        }
    }
    Ok(())
}

/// How many bytes the server takes in one packet.
pub(super) async fn largest_packet(connection: &mut MySqlConnection) -> Result<usize, StoreError> {
    let bytes: u64 = sqlx::query_scalar("SELECT CAST(@@max_allowed_packet AS UNSIGNED)")
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair(u32, usize);

    impl Row for Pair {
        const INTO: &'static str = "INSERT INTO pair (a, b) VALUES";
        const COLUMNS: usize = 2;
        const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE b = VALUES(b)";
        type Key = u32;

        fn key(&self) -> u32 {
            self.0
        }

        fn bytes(&self) -> usize {
            self.1
        }

        fn bind(&self, _: &mut MySqlArguments) -> Result<(), BoxDynError> {
            Ok(())
        }
    }

    #[test]
    fn of_rows_with_one_key_the_last_one_stays_and_keys_are_in_order() {
        let rows = last_of_each(vec![Pair(2, 1), Pair(1, 2), Pair(2, 3), Pair(1, 4)]);
        let left: Vec<_> = rows.iter().map(|row| (row.0, row.1)).collect();
        assert_eq!(left, [(1, 4), (2, 3)]);
    }

    #[test]
    fn a_statement_has_one_group_of_placeholders_a_row() {
        assert_eq!(
            statement::<Pair>(2),
            "INSERT INTO pair (a, b) VALUES (?,?),(?,?) ON DUPLICATE KEY UPDATE b = VALUES(b)"
        );
    }

    #[test]
    fn a_statement_stays_below_what_every_server_takes_unless_one_row_is_larger() {
        let large = MOST_BYTES / 2;
        for (sizes, fit) in [
            (vec![0; 600], MOST_ROWS),
            (vec![large - SHORT_COLUMNS, large - SHORT_COLUMNS, 0], 2),
            (vec![0; 23], 16),
            (vec![large, large], 1),
            (vec![10 * MOST_BYTES, 0], 1),
        ] {
            let rows: Vec<_> = sizes.into_iter().map(|size| Pair(0, size)).collect();
            assert_eq!(fitting(&rows), fit);
        }
    }
}
