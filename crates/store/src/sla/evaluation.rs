//! What was found of an SLA: the newest rows of `violation` for each of its objectives, in a fixed number of queries
//! however many objectives there are.

use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    message::ViolationsDocument,
    sla::{Objective, Sla, SlaName},
};
use serde::Deserialize;
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::{filled, stored_episodes, versions, worst::Worst};
use crate::{
    Store, StoreError,
    pipeline::{MOST_EPISODES, ToldViolations},
    read::{column_time, read_time, unexpected},
};

/// A version of an SLA and what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The name.
    pub name: SlaName,
    /// The version.
    pub version: u32,
    /// Its newest evaluation; `None` before the first.
    pub as_of: Option<Timestamp>,
    /// Its objectives, in the order given.
    pub objectives: Vec<EvaluatedObjective>,
}

/// An objective and what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedObjective {
    /// The objective.
    pub objective: Objective,
    /// How many series match.
    pub series: u64,
    /// Of how many a violation is going on.
    pub firing: u64,
    /// Of how many no sample stands.
    pub no_data: u64,
    /// Its newest evaluation, series by series, the worst first, at most 100; none before its first evaluation.
    pub entries: Vec<ToldViolations>,
}

pub(super) const MOST_ENTRIES: usize = 100;

impl Store {
    /// The newest evaluation of the version of an SLA that is in force. With `as_of`: the newest at or before it, of
    /// whichever version was evaluated then, told as it was told then. `None` if there is no such SLA.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn evaluation(
        &self,
        name: &str,
        as_of: Option<Timestamp>,
        worst: Worst,
    ) -> Result<Option<Evaluation>, StoreError> {
        let Some(sla) = self.evaluated_version(name, as_of).await? else {
            return Ok(None);
        };
        let until = as_of.unwrap_or(Timestamp::MAX);
        if let Some((newest, mut objectives)) = self.one_run(&sla, until, worst).await? {
            if as_of.is_none() {
                let entries = objectives.iter_mut().flat_map(|one| &mut one.entries);
                stored_episodes::complete(self, entries).await?;
            }
            return Ok(Some(Evaluation {
                name: sla.name,
                version: sla.version,
                as_of: Some(newest),
                objectives,
            }));
        }
        let found = Found {
            name: &sla.name,
            version: sla.version,
        };
        let counts = found.counts(self, as_of).await?;
        let newest = counts.iter().map(|counts| counts.as_of).max();
        let mut entries = match newest {
            Some(newest) => {
                found
                    .entries(self, newest, &counts, worst, sla.objectives.len())
                    .await?
            }
            None => vec![Vec::new(); sla.objectives.len()],
        };
        if as_of.is_none() {
            stored_episodes::complete(self, entries.iter_mut().flatten()).await?;
        }
        let mut objectives: Vec<EvaluatedObjective> = sla
            .objectives
            .into_iter()
            .zip(entries)
            .map(|(objective, entries)| EvaluatedObjective {
                objective,
                series: 0,
                firing: 0,
                no_data: 0,
                entries: worst.first(entries),
            })
            .collect();
        for counts in counts {
            if let Some(objective) = objectives.get_mut(counts.position as usize) {
                (objective.series, objective.firing, objective.no_data) =
                    (counts.series, counts.firing, counts.no_data);
            }
        }
        Ok(Some(Evaluation {
            name: sla.name,
            version: sla.version,
            as_of: newest.map(read_time),
            objectives,
        }))
    }

    async fn evaluated_version(
        &self,
        name: &str,
        as_of: Option<Timestamp>,
    ) -> Result<Option<Sla>, StoreError> {
        if let Some(as_of) = as_of {
            let found: Option<(u32, Option<NaiveDateTime>)> = sqlx::query_as(
                "SELECT s.version, (SELECT v.as_of FROM violation v FORCE INDEX (by_version) \
                 WHERE v.sla = s.name AND v.version = s.version AND v.as_of <= ? \
                 ORDER BY v.as_of DESC LIMIT 1) AS newest FROM sla s WHERE s.name = ? \
                 ORDER BY newest DESC, s.version DESC LIMIT 1",
            )
            .bind(column_time(as_of))
            .bind(name)
            .fetch_optional(self.pool())
            .await?;
            let evaluated = found.filter(|(_, newest)| newest.is_some());
            let version = evaluated.map(|(version, _)| version);
            if let Some(version) = version {
                return Ok(Some(Sla {
                    name: name.parse().map_err(unexpected)?,
                    version,
                    objectives: versions::objectives(self, name, version).await?,
                }));
            }
        }
        Ok(self.sla(name).await?.map(|stored| stored.sla))
    }
}

/// How many series of the objective at a position are how, by its newest evaluation.
struct Counts {
    position: u32,
    as_of: NaiveDateTime,
    series: u64,
    firing: u64,
    no_data: u64,
}

/// The evaluations of one version.
struct Found<'a> {
    name: &'a str,
    version: u32,
}

impl Found<'_> {
    async fn counts(
        &self,
        store: &Store,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<Counts>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT o.position, MAX(v.as_of) AS as_of, CAST(SUM(v.series_id <> '') AS SIGNED) AS series, \
             CAST(SUM(v.series_id <> '' AND v.state = 'firing') AS SIGNED) AS firing, \
             CAST(SUM(v.series_id <> '' AND v.state = 'no_data') AS SIGNED) AS no_data",
        );
        self.newest_rows(&mut query, as_of.map(column_time));
        query.push(" GROUP BY o.position");
        let rows = query.build().fetch_all(store.pool()).await?;
        let count = |row: &MySqlRow, name| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
        let counts = rows.iter().map(|row| {
            Ok(Counts {
                position: row.try_get("position")?,
                as_of: row.try_get("as_of")?,
                series: count(row, "series")?,
                firing: count(row, "firing")?,
                no_data: count(row, "no_data")?,
            })
        });
        counts.collect()
    }

    /// The rows counted, by objective.
    async fn entries(
        &self,
        store: &Store,
        newest: NaiveDateTime,
        counts: &[Counts],
        worst: Worst,
        objectives: usize,
    ) -> Result<Vec<Vec<ToldViolations>>, StoreError> {
        let (many, few): (Vec<&Counts>, Vec<&Counts>) = counts
            .iter()
            .partition(|counts| counts.series > MOST_ENTRIES as u64);
        let mut entries = vec![Vec::new(); objectives];
        let mut keep = |rows: Vec<MySqlRow>| -> Result<(), StoreError> {
            for row in rows {
                let position: u32 = row.try_get("position")?;
                // JSON on MySQL, a text on MariaDB: both are read as text.
                let document: &str = row.try_get_unchecked("document")?;
                if let Some(entries) = entries.get_mut(position as usize) {
                    entries.push(read(document)?);
                }
            }
            Ok(())
        };
        if !few.is_empty() {
            let mut query = QueryBuilder::new("SELECT o.position, v.document");
            self.newest_rows(&mut query, Some(newest));
            for counts in filled(&many) {
                query.push(" AND o.position <> ").push_bind(counts.position);
            }
            keep(query.build().fetch_all(store.pool()).await?)?;
        }
        for counts in many {
            let mut query = QueryBuilder::new("SELECT o.position, v.document");
            self.newest_rows(&mut query, Some(newest));
            query
                .push(" AND v.series_id <> '' AND o.position = ")
                .push_bind(counts.position);
            query
                .push(" ORDER BY ")
                .push(worst.sql())
                .push(", v.series_id LIMIT ")
                .push_bind(MOST_ENTRIES as u32);
            keep(query.build().fetch_all(store.pool()).await?)?;
        }
        Ok(entries)
    }

    /// The rows `v` of each objective `o` that its newest evaluation, at or before `until`, wrote.
    fn newest_rows(&self, query: &mut QueryBuilder<MySql>, until: Option<NaiveDateTime>) {
        query.push(
            " FROM sla_objective o JOIN violation v \
             ON v.sla = o.sla AND v.version = o.version AND v.objective = o.objective \
             AND v.as_of = (SELECT n.as_of FROM violation n \
             WHERE n.sla = o.sla AND n.version = o.version AND n.objective = o.objective",
        );
        if let Some(until) = until {
            query.push(" AND n.as_of <= ").push_bind(until);
        }
        query
            .push(" ORDER BY n.as_of DESC LIMIT 1) WHERE o.sla = ")
            .push_bind(self.name.to_owned());
        query.push(" AND o.version = ").push_bind(self.version);
    }
}

/// Reads a document, and only where not all of its episodes are told a second time for their number: serde's `flatten`
/// would copy all of it.
pub(super) fn read(text: &str) -> Result<ToldViolations, StoreError> {
    #[derive(Deserialize)]
    struct Total {
        episodes_total: u64,
    }
    let document: ViolationsDocument = serde_json::from_str(text)?;
    let told = document.episodes.len();
    let episodes_total = if told < MOST_EPISODES {
        told as u64
    } else {
        serde_json::from_str::<Total>(text)?.episodes_total
    };
    Ok(ToldViolations {
        document,
        episodes_total,
    })
}
