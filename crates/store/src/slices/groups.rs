use chrono::NaiveDateTime;
use domain::{
    Labels, SeriesId, Timestamp,
    sla::{Definition, ObjectiveId, SlaName},
};
use sqlx::Row as _;

use crate::{
    Store, StoreError,
    read::{labels, parsed, read_time},
};

/// A group of an objective whose events were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedGroup {
    /// The values of the objective's `by` labels; none for all events together.
    pub group: Labels,
    /// Its id: [`group_id`](domain::message::group_id).
    pub id: SeriesId,
    /// The end of the newest slice of a minute at whose end one of its counters stood. A stale marker that came to be known
    /// later may have moved that back by up to 5 minutes.
    pub last_measured: Option<Timestamp>,
}

impl Store {
    /// The groups of an objective whose events were counted in the last 400 days, by id; all events together are one of them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn counted_groups(
        &self,
        sla: &SlaName,
        objective: &ObjectiveId,
        definition: &Definition,
    ) -> Result<Vec<CountedGroup>, StoreError> {
        let rows = sqlx::query(
            "SELECT group_id, labels, last_measured FROM slice_group \
             WHERE sla = ? AND objective = ? AND definition = ? ORDER BY group_id",
        )
        .bind(sla.as_str())
        .bind(objective.as_str())
        .bind(definition.as_str())
        .fetch_all(self.pool())
        .await?;
        rows.iter()
            .map(|row| {
                let last_measured: Option<NaiveDateTime> = row.try_get("last_measured")?;
                Ok(CountedGroup {
                    group: labels(row)?,
                    id: parsed(row, "group_id")?,
                    last_measured: last_measured.map(read_time),
                })
            })
            .collect()
    }
}
