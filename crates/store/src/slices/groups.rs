use std::collections::HashMap;

use chrono::NaiveDateTime;
use domain::{
    Labels, SeriesId, Timestamp,
    sla::{Definition, ObjectiveId, SlaName},
};
use sqlx::{MySql, QueryBuilder, Row as _};

use super::Counted;
use crate::{
    Store, StoreError,
    read::{labels, parsed, read_time},
    sla::filled,
};

/// Objectives whose groups are read by one statement.
const OBJECTIVES_AT_ONCE: usize = 256;

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
        let counted = Counted::new(sla, objective, definition);
        Ok(self.counted_groups_of(&[counted]).await?.swap_remove(0))
    }

    /// The same of many objectives, in their order.
    pub(super) async fn counted_groups_of(
        &self,
        objectives: &[Counted<'_>],
    ) -> Result<Vec<Vec<CountedGroup>>, StoreError> {
        let mut found = Vec::with_capacity(objectives.len());
        for objectives in objectives.chunks(OBJECTIVES_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "SELECT sla, objective, definition, group_id, labels, last_measured FROM slice_group FORCE INDEX (PRIMARY) \
                 WHERE (FALSE",
            );
            for counted in filled(objectives) {
                query.push(" OR (");
                counted.push(&mut query);
                query.push(")");
            }
            query.push(") ORDER BY group_id");
            let rows = query.build().fetch_all(self.pool()).await?;
            let mut groups = HashMap::<Counted<'_>, Vec<CountedGroup>>::new();
            for row in &rows {
                let owner = Counted {
                    sla: row.try_get("sla")?,
                    objective: row.try_get("objective")?,
                    definition: row.try_get("definition")?,
                };
                let last_measured: Option<NaiveDateTime> = row.try_get("last_measured")?;
                groups.entry(owner).or_default().push(CountedGroup {
                    group: labels(row)?,
                    id: parsed(row, "group_id")?,
                    last_measured: last_measured.map(read_time),
                });
            }
            let own = objectives.iter();
            found.extend(own.map(|counted| groups.get(counted).cloned().unwrap_or_default()));
        }
        Ok(found)
    }
}
