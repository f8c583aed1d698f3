use std::collections::HashMap;

use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    sla::{About, AnyObjective, Objective, Origin, Sla},
};
use serde::de::DeserializeOwned;
use sqlx::{QueryBuilder, Row, mysql::MySqlRow, types::Json};

use super::filled;
use crate::{
    Store, StoreError,
    read::{column_time, read_time, unexpected},
};

/// A version of an SLA, and when it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSla {
    /// The SLA.
    pub sla: Sla,
    /// When this version was made.
    pub created_at: Timestamp,
    /// What it is, for people.
    pub about: About,
    /// The document that it was imported from; `None`: it was made by hand.
    pub origin: Option<Origin>,
}

/// A part of the SLAs in force, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct SlaPage {
    /// The SLAs.
    pub slas: Vec<StoredSla>,
    /// Whether there are more after them.
    pub more: bool,
}

/// A page ends before it holds more objectives than this, unless a single SLA does.
const MOST_OBJECTIVES: u64 = 10_000;
/// Names told at most.
const MOST_NAMES: u32 = 100;

impl Store {
    /// The SLAs in force, by name, their objectives in the order given.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn active_slas(&self) -> Result<Vec<Sla>, StoreError> {
        let stored = self.slas_in_force().await?.into_iter();
        Ok(stored.map(|stored| stored.sla).collect())
    }

    /// The same, each with when its version was made.
    pub(crate) async fn slas_in_force(&self) -> Result<Vec<StoredSla>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.name, s.version, s.created_at, s.about, s.origin, o.document \
             FROM sla s FORCE INDEX (by_retirement) JOIN sla_objective o ON o.sla = s.name AND o.version = s.version \
             WHERE s.retired_at IS NULL AND s.version = (SELECT MAX(v.version) FROM sla v WHERE v.name = s.name) \
             ORDER BY s.name, o.position",
        )
        .fetch_all(self.pool())
        .await?;
        grouped(&rows)
    }

    /// When the first version of each SLA was made, retired ones included.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sla_beginnings(&self) -> Result<HashMap<String, Timestamp>, StoreError> {
        let rows: Vec<(String, NaiveDateTime)> =
            sqlx::query_as("SELECT name, MIN(created_at) FROM sla GROUP BY name")
                .fetch_all(self.pool())
                .await?;
        let begun = rows.into_iter();
        Ok(begun.map(|(name, time)| (name, read_time(time))).collect())
    }

    /// The version of an SLA that is in force, if one is.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sla(&self, name: &str) -> Result<Option<StoredSla>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.name, s.version, s.created_at, s.about, s.origin, o.document \
             FROM sla s JOIN sla_objective o ON o.sla = s.name AND o.version = s.version \
             WHERE s.name = ? AND s.version = (SELECT MAX(v.version) FROM sla v WHERE v.name = ?) \
             AND s.retired_at IS NULL ORDER BY o.position",
        )
        .bind(name)
        .bind(name)
        .fetch_all(self.pool())
        .await?;
        Ok(grouped(&rows)?.pop())
    }

    /// The newest version that ever was of an SLA, in force or not; 0 if there never was one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_version(&self, name: &str) -> Result<u32, StoreError> {
        let newest: Option<u32> = sqlx::query_scalar("SELECT MAX(version) FROM sla WHERE name = ?")
            .bind(name)
            .fetch_one(self.pool())
            .await?;
        Ok(newest.unwrap_or(0))
    }

    /// The SLAs in force after the one named `after`, at most `limit`; `metric`: those with an objective of that metric.
    /// `during`: those in force at some time from the first to the second, both inclusive, in their last version of then.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn slas(
        &self,
        metric: Option<&str>,
        during: (Option<Timestamp>, Option<Timestamp>),
        limit: u32,
        after: Option<&str>,
    ) -> Result<SlaPage, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT s.name, s.version, \
             (SELECT COUNT(*) FROM sla_objective o WHERE o.sla = s.name AND o.version = s.version) \
             FROM sla s WHERE s.version = (SELECT MAX(v.version) FROM sla v WHERE v.name = s.name",
        );
        if let (None, None) = during {
            query.push(") AND s.retired_at IS NULL");
        } else {
            let from = column_time(during.0.unwrap_or(Timestamp::EPOCH));
            let to = column_time(during.1.unwrap_or(Timestamp::MAX));
            query
                .push(" AND v.created_at <= ")
                .push_bind(to)
                .push(") AND (s.retired_at IS NULL OR s.retired_at > ")
                .push_bind(from)
                .push(") AND ")
                .push_bind(from)
                .push(" <= ")
                .push_bind(to);
        }
        query
            .push(" AND s.name > ")
            .push_bind(after.unwrap_or_default().to_owned());
        if let Some(metric) = metric {
            // By the key of each version; as EXISTS it might become one scan of all objectives.
            query
                .push(" AND (SELECT 1 FROM sla_objective o WHERE o.sla = s.name AND o.version = s.version AND o.metric = ")
                .push_bind(metric)
                .push(" LIMIT 1) IS NOT NULL");
        }
        query.push(" ORDER BY s.name LIMIT ").push_bind(limit + 1);
        let mut names: Vec<(String, u32, i64)> =
            query.build_query_as().fetch_all(self.pool()).await?;
        let mut objectives = 0;
        let mut fitting = 0;
        for (_, _, count) in names.iter().take(limit as usize) {
            objectives += count.unsigned_abs();
            if fitting > 0 && objectives > MOST_OBJECTIVES {
                break;
            }
            fitting += 1;
        }
        let more = fitting < names.len();
        names.truncate(fitting);
        Ok(SlaPage {
            slas: self.versions(&names).await?,
            more,
        })
    }

    /// The objectives of ranges of a version of an SLA.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn ranges_of(&self, name: &str, version: u32) -> Result<Vec<Objective>, StoreError> {
        let all = objectives(self, name, version).await?.into_iter();
        let ranges = all.filter_map(|objective| match objective {
            AnyObjective::Range(objective) => Some(objective),
            AnyObjective::Events(_) => None,
        });
        Ok(ranges.collect())
    }

    /// The names of the SLAs in force, the first hundred.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sla_names(&self) -> Result<Vec<String>, StoreError> {
        let names = sqlx::query_scalar(
            "SELECT s.name FROM sla s WHERE s.retired_at IS NULL \
             AND s.version = (SELECT MAX(v.version) FROM sla v WHERE v.name = s.name) ORDER BY s.name LIMIT ?",
        )
        .bind(MOST_NAMES)
        .fetch_all(self.pool())
        .await?;
        Ok(names)
    }

    /// These versions; a version never changes, so that nothing can come between.
    pub(super) async fn versions(
        &self,
        wanted: &[(String, u32, i64)],
    ) -> Result<Vec<StoredSla>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT s.name, s.version, s.created_at, s.about, s.origin, o.document \
             FROM sla s JOIN sla_objective o ON o.sla = s.name AND o.version = s.version WHERE ",
        );
        for (position, (name, version, _)) in filled(wanted).enumerate() {
            query.push(if position == 0 {
                "(s.name = "
            } else {
                " OR (s.name = "
            });
            query
                .push_bind(name)
                .push(" AND s.version = ")
                .push_bind(version)
                .push(")");
        }
        query.push(" ORDER BY s.name, o.position");
        let rows = query.build().fetch_all(self.pool()).await?;
        grouped(&rows)
    }
}

/// The objectives of a version, in the order given.
pub(super) async fn objectives(
    store: &Store,
    name: &str,
    version: u32,
) -> Result<Vec<AnyObjective>, StoreError> {
    let rows: Vec<Json<AnyObjective>> = sqlx::query_scalar(
        "SELECT document FROM sla_objective WHERE sla = ? AND version = ? ORDER BY position",
    )
    .bind(name)
    .bind(version)
    .fetch_all(store.pool())
    .await?;
    Ok(rows.into_iter().map(|Json(objective)| objective).collect())
}

/// Puts rows of objectives, in the order of their SLAs, together.
fn grouped(rows: &[MySqlRow]) -> Result<Vec<StoredSla>, StoreError> {
    let mut slas: Vec<StoredSla> = Vec::new();
    for row in rows {
        let (name, version): (&str, u32) = (row.try_get("name")?, row.try_get("version")?);
        let Json(objective) = row.try_get::<Json<AnyObjective>, _>("document")?;
        match slas.last_mut() {
            Some(stored) if stored.sla.name == *name => stored.sla.push(objective),
            _ => slas.push(StoredSla {
                sla: Sla::new(name.parse().map_err(unexpected)?, version, vec![objective]),
                created_at: read_time(row.try_get::<NaiveDateTime, _>("created_at")?),
                about: json_or_none(row, "about")?.unwrap_or_default(),
                origin: json_or_none(row, "origin")?,
            }),
        }
    }
    Ok(slas)
}

/// A column of JSON that may be null.
fn json_or_none<T: DeserializeOwned>(
    row: &MySqlRow,
    column: &str,
) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(serde_json::from_str).transpose()?)
}
