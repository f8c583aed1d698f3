//! Which evaluation of each objective is its newest complete one.

use std::{collections::HashMap, time::Duration};

use chrono::NaiveDateTime;
use domain::{Timestamp, sla::Sla};
use sqlx::{MySql, QueryBuilder};

use crate::{
    Store, StoreError,
    read::{column_time, read_time},
};

/// The newest evaluations of the objectives of an SLA at or before a time.
pub(super) struct Newest<'a> {
    name: &'a str,
    version: u32,
    kind: Kind,
    until: NaiveDateTime,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Those that `evaluation` calls complete.
    Complete,
    /// Those stored before there was `evaluation`.
    EarlierSchema,
}

impl<'a> Newest<'a> {
    pub(super) fn complete(sla: &'a Sla, until: Timestamp) -> Self {
        Self {
            name: &sla.name,
            version: sla.version,
            kind: Kind::Complete,
            until: column_time(until),
        }
    }

    /// Those older than every row of `evaluation`, if there may be some.
    pub(super) async fn of_earlier_schema(
        store: &Store,
        sla: &'a Sla,
        until: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let until = before_evaluations(store, &sla.name, column_time(until)).await?;
        let newest = Self {
            kind: Kind::EarlierSchema,
            until,
            ..Self::complete(sla, Timestamp::MAX)
        };
        let any: Option<i32> = sqlx::query_scalar(
            "SELECT 1 FROM violation FORCE INDEX (by_version) WHERE sla = ? AND version = ? AND as_of <= ? LIMIT 1",
        )
        .bind(sla.name.as_str())
        .bind(sla.version)
        .bind(until)
        .fetch_optional(store.pool())
        .await?;
        Ok(any.map(|_| newest))
    }

    /// `FROM` the rows `v` of the newest evaluation `n` of each objective, and what is known of all of its rows `e`.
    pub(super) fn push_rows(&self, query: &mut QueryBuilder<MySql>) {
        query.push(" FROM (");
        self.push(query);
        query
            .push(") n JOIN violation v ON v.sla = ")
            .push_bind(self.name.to_owned())
            .push(" AND v.version = ")
            .push_bind(self.version)
            .push(" AND v.objective = n.objective AND v.as_of = n.as_of");
        query
            .push(" LEFT JOIN evaluation e ON e.sla = ")
            .push_bind(self.name.to_owned())
            .push(" AND e.version = ")
            .push_bind(self.version)
            .push(" AND e.objective = n.objective AND e.as_of = n.as_of");
    }

    /// `SELECT objective, as_of`: one step through an index for each objective, however often it was evaluated.
    fn push(&self, query: &mut QueryBuilder<MySql>) {
        query.push(match self.kind {
            Kind::Complete => {
                "SELECT objective, MAX(as_of) AS as_of FROM evaluation FORCE INDEX (by_objective) \
                 WHERE complete = 1 AND sla = "
            }
            Kind::EarlierSchema => {
                "SELECT objective, MAX(as_of) AS as_of FROM violation FORCE INDEX (PRIMARY) WHERE sla = "
            }
        });
        query
            .push_bind(self.name.to_owned())
            .push(" AND version = ")
            .push_bind(self.version)
            .push(" AND as_of <= ")
            .push_bind(self.until)
            .push(" GROUP BY objective");
    }

    /// Adds the objectives that are not found yet.
    async fn read(
        &self,
        store: &Store,
        found: &mut HashMap<String, Timestamp>,
    ) -> Result<(), StoreError> {
        let mut query = QueryBuilder::new("");
        self.push(&mut query);
        let rows: Vec<(String, NaiveDateTime)> =
            query.build_query_as().fetch_all(store.pool()).await?;
        for (objective, as_of) in rows {
            found.entry(objective).or_insert(read_time(as_of));
        }
        Ok(())
    }
}

/// How many versions an objective without a complete evaluation is looked for in.
const MOST_VERSIONS: u32 = 5;

impl Store {
    /// When the newest complete evaluation of each objective of an SLA was, at or before `until`, by the objective's id.
    /// Of an objective that was not evaluated since the version was made: that of the version before.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_evaluations(
        &self,
        sla: &Sla,
        until: Timestamp,
    ) -> Result<HashMap<String, Timestamp>, StoreError> {
        let mut found = HashMap::new();
        let is_missing = |found: &HashMap<String, Timestamp>| {
            let mut objectives = sla.objectives.iter();
            objectives.any(|objective| !found.contains_key(objective.id.as_str()))
        };
        let oldest = sla.version.saturating_sub(MOST_VERSIONS - 1).max(1);
        for version in (oldest..=sla.version).rev() {
            let newest = Newest {
                version,
                ..Newest::complete(sla, until)
            };
            newest.read(self, &mut found).await?;
            if !is_missing(&found) {
                return Ok(found);
            }
        }
        if let Some(earlier) = Newest::of_earlier_schema(self, sla, until).await? {
            earlier.read(self, &mut found).await?;
        }
        Ok(found)
    }
}

/// The version of an SLA that has the newest complete evaluation at or before `as_of`, if one has any.
pub(super) async fn version(
    store: &Store,
    name: &str,
    as_of: Timestamp,
) -> Result<Option<u32>, StoreError> {
    let evaluated: Option<u32> = sqlx::query_scalar(
        "SELECT version FROM evaluation FORCE INDEX (by_sla) WHERE sla = ? AND complete = 1 AND as_of <= ? \
         ORDER BY as_of DESC, version DESC LIMIT 1",
    )
    .bind(name)
    .bind(column_time(as_of))
    .fetch_optional(store.pool())
    .await?;
    if evaluated.is_some() {
        return Ok(evaluated);
    }
    let until = before_evaluations(store, name, column_time(as_of)).await?;
    let earlier: Option<(u32, Option<NaiveDateTime>)> = sqlx::query_as(
        "SELECT s.version, (SELECT v.as_of FROM violation v FORCE INDEX (by_version) \
         WHERE v.sla = s.name AND v.version = s.version AND v.as_of <= ? \
         ORDER BY v.as_of DESC LIMIT 1) AS newest FROM sla s WHERE s.name = ? \
         ORDER BY newest DESC, s.version DESC LIMIT 1",
    )
    .bind(until)
    .bind(name)
    .fetch_optional(store.pool())
    .await?;
    Ok(earlier.and_then(|(version, newest)| newest.map(|_| version)))
}

/// `until`, or the time before the oldest row of `evaluation` about an SLA if that is earlier: until then rows of
/// `violation` stand alone.
async fn before_evaluations(
    store: &Store,
    name: &str,
    until: NaiveDateTime,
) -> Result<NaiveDateTime, StoreError> {
    // One look into the index for each value of `complete`.
    let oldest: Option<NaiveDateTime> = sqlx::query_scalar(
        "SELECT MIN(as_of) FROM (SELECT MIN(as_of) AS as_of FROM evaluation WHERE sla = ? AND complete = 0 \
         UNION ALL SELECT MIN(as_of) FROM evaluation WHERE sla = ? AND complete = 1) oldest",
    )
    .bind(name)
    .bind(name)
    .fetch_one(store.pool())
    .await?;
    Ok(oldest.map_or(until, |oldest| until.min(oldest - Duration::from_millis(1))))
}
