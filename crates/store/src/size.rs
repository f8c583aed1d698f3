//! How much the tables grow.

use crate::{Store, StoreError};

/// What the newest run added, documents by their length, fixed columns, keys and `InnoDB`'s own 18 bytes a row by their
/// widths. Long arrays are left out: they go within an hour. So are episodes and gaps, which a run seldom adds.
const NEWEST_RUN: &str = "
    SELECT CAST(
        OCTET_LENGTH(newest.document) + 150
        + (SELECT COUNT(*) * 102 FROM series s
           JOIN metrics m ON m.series_id = s.series_id AND m.as_of = newest.as_of)
        + (SELECT COALESCE(SUM(OCTET_LENGTH(m.document) + COALESCE(OCTET_LENGTH(m.packed), 0) + 60), 0) FROM series s
           JOIN metadata m ON m.series_id = s.series_id AND m.as_of = newest.as_of)
        + (SELECT COALESCE(SUM(OCTET_LENGTH(p.document) + COALESCE(OCTET_LENGTH(p.packed), 0) + 84), 0) FROM series s
           JOIN prediction p ON p.series_id = s.series_id AND p.as_of = newest.as_of)
        + (SELECT COUNT(*) * 220 FROM series s
           JOIN score c ON c.series_id = s.series_id AND c.forecast_as_of = newest.as_of)
        + (SELECT COALESCE(SUM(OCTET_LENGTH(v.document) + 370), 0) FROM violation v
           WHERE v.as_of = newest.as_of)
        AS UNSIGNED)
    FROM (SELECT as_of, document FROM run ORDER BY started_at DESC, run_id DESC LIMIT 1) newest";

impl Store {
    /// How many bytes the newest run added to the database; `None` before the first run.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_run_bytes(&self) -> Result<Option<u64>, StoreError> {
        Ok(sqlx::query_scalar(NEWEST_RUN)
            .fetch_optional(self.pool())
            .await?)
    }
}
