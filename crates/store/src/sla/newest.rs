//! Which evaluation of each objective is its newest complete one.

use std::{collections::HashMap, time::Duration};

use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    sla::{Sla, SlaName},
};
use sqlx::{MySql, QueryBuilder};

use super::filled;
use crate::{
    Store, StoreError,
    read::{column_time, read_time},
};

/// The newest evaluations of the objectives of versions of SLAs at or before a time.
pub(super) struct Newest<'a> {
    versions: Vec<(&'a str, u32)>,
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
        Self::all_complete([sla], until)
    }

    pub(super) fn all_complete(slas: impl IntoIterator<Item = &'a Sla>, until: Timestamp) -> Self {
        let slas = slas.into_iter();
        Self {
            versions: slas.map(|sla| (sla.name.as_str(), sla.version)).collect(),
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
        query.push(
            ") n JOIN violation v ON v.sla = n.sla AND v.version = n.version \
             AND v.objective = n.objective AND v.as_of = n.as_of \
             LEFT JOIN evaluation e ON e.sla = n.sla AND e.version = n.version \
             AND e.objective = n.objective AND e.as_of = n.as_of",
        );
    }

    /// `SELECT sla, version, objective, as_of`: one step through an index for each objective, however often it was evaluated.
    /// `as_of` is null for one that never was.
    fn push(&self, query: &mut QueryBuilder<MySql>) {
        match self.kind {
            Kind::Complete => {
                query
                    .push(
                        "SELECT o.sla, o.version, o.objective, \
                         (SELECT l.as_of FROM evaluation l FORCE INDEX (by_objective) WHERE l.sla = o.sla \
                         AND l.version = o.version AND l.complete = 1 AND l.objective = o.objective AND l.as_of <= ",
                    )
                    .push_bind(self.until)
                    .push(
                        " ORDER BY l.as_of DESC LIMIT 1) AS as_of FROM sla_objective o FORCE INDEX (by_objective) WHERE ",
                    );
                push_versions(query, ("o.sla", "o.version"), &self.versions);
            }
            Kind::EarlierSchema => {
                query.push(
                    "SELECT sla, version, objective, MAX(as_of) AS as_of FROM violation FORCE INDEX (PRIMARY) WHERE ",
                );
                push_versions(query, ("sla", "version"), &self.versions);
                query
                    .push(" AND as_of <= ")
                    .push_bind(self.until)
                    .push(" GROUP BY sla, version, objective");
            }
        }
    }

    /// Adds the objectives that are not found yet.
    async fn read(&self, store: &Store, found: &mut NewestTimes) -> Result<(), StoreError> {
        let mut query = QueryBuilder::new("SELECT sla, objective, as_of FROM (");
        self.push(&mut query);
        query.push(") n WHERE n.as_of IS NOT NULL");
        let rows: Vec<(String, String, NaiveDateTime)> =
            query.build_query_as().fetch_all(store.pool()).await?;
        for (sla, objective, as_of) in rows {
            let of_sla = found.entry(sla).or_default();
            of_sla.entry(objective).or_insert(read_time(as_of));
        }
        Ok(())
    }
}

/// `((name = … AND version = …) OR …)`, in the columns of these names.
pub(super) fn push_versions(
    query: &mut QueryBuilder<MySql>,
    (name, version): (&'static str, &'static str),
    versions: &[(&str, u32)],
) {
    query.push("(FALSE");
    for (own_name, own_version) in filled(versions) {
        query
            .push(" OR (")
            .push(name)
            .push(" = ")
            .push_bind((*own_name).to_owned())
            .push(" AND ")
            .push(version)
            .push(" = ")
            .push_bind(*own_version)
            .push(")");
    }
    query.push(")");
}

/// By SLA and objective.
type NewestTimes = HashMap<String, HashMap<String, Timestamp>>;

/// How many versions an objective without a complete evaluation is looked for in.
const MOST_VERSIONS: u32 = 5;
/// SLAs that are looked for by one statement.
const SLAS_AT_ONCE: usize = 256;

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
        let mut found = self.newest_evaluations_of(&[sla], until).await?;
        Ok(found.remove(&sla.name).unwrap_or_default())
    }

    /// The same of many SLAs, by few statements however many there are.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_evaluations_of(
        &self,
        slas: &[&Sla],
        until: Timestamp,
    ) -> Result<HashMap<SlaName, HashMap<String, Timestamp>>, StoreError> {
        let mut all = HashMap::new();
        for slas in slas.chunks(SLAS_AT_ONCE) {
            let mut found = NewestTimes::new();
            for age in 0..MOST_VERSIONS {
                let wanted = slas.iter().filter(|sla| is_missing(sla, &found));
                let wanted = wanted.filter_map(|sla| {
                    let version = sla.version.checked_sub(age).filter(|version| *version > 0);
                    Some((sla.name.as_str(), version?))
                });
                let newest = Newest {
                    versions: wanted.collect(),
                    ..Newest::all_complete([], until)
                };
                if !newest.versions.is_empty() {
                    newest.read(self, &mut found).await?;
                }
            }
            let missing: Vec<&Sla> = slas
                .iter()
                .copied()
                .filter(|sla| is_missing(sla, &found))
                .collect();
            for sla in self.with_earlier_rows(&missing, until).await? {
                if let Some(earlier) = Newest::of_earlier_schema(self, sla, until).await? {
                    earlier.read(self, &mut found).await?;
                }
            }
            all.extend(slas.iter().map(|sla| {
                let own = found.remove(sla.name.as_str()).unwrap_or_default();
                (sla.name.clone(), own)
            }));
        }
        Ok(all)
    }

    /// Those of the SLAs that have rows of `violation` at or before `until` which are older than their rows of `evaluation`:
    /// such rows were stored before there was that table.
    pub(super) async fn with_earlier_rows<'a>(
        &self,
        slas: &[&'a Sla],
        until: Timestamp,
    ) -> Result<Vec<&'a Sla>, StoreError> {
        let mut found = Vec::new();
        for slas in slas.chunks(SLAS_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "SELECT DISTINCT s.name FROM (SELECT name, version, (SELECT MIN(e.as_of) FROM evaluation e \
                 WHERE e.sla = name AND e.complete = 0) AS first_part, (SELECT MIN(e.as_of) FROM evaluation e \
                 WHERE e.sla = name AND e.complete = 1) AS first_whole FROM sla FORCE INDEX (PRIMARY) WHERE name IN (",
            );
            push_names(&mut query, slas);
            query
                .push(
                    ")) s WHERE (SELECT 1 FROM violation v FORCE INDEX (by_version) WHERE v.sla = s.name \
                     AND v.version = s.version AND v.as_of <= ",
                )
                .push_bind(column_time(until))
                .push(
                    " AND v.as_of < LEAST(COALESCE(s.first_part, '9999-12-31'), COALESCE(s.first_whole, '9999-12-31')) \
                     LIMIT 1) IS NOT NULL",
                );
            let names: Vec<String> = query.build_query_scalar().fetch_all(self.pool()).await?;
            let is_named = |sla: &&&Sla| names.iter().any(|name| *name == sla.name.as_str());
            found.extend(slas.iter().filter(is_named).copied());
        }
        Ok(found)
    }
}

fn push_names(query: &mut QueryBuilder<MySql>, slas: &[&Sla]) {
    let mut list = query.separated(", ");
    for sla in filled(slas) {
        list.push_bind(sla.name.to_string());
    }
}

fn is_missing(sla: &Sla, found: &NewestTimes) -> bool {
    let own = found.get(sla.name.as_str());
    let ranges = sla.objectives.iter().map(|objective| &objective.id);
    let events = sla.events.iter().map(|(_, objective)| &objective.id);
    ranges
        .chain(events)
        .any(|id| own.is_none_or(|own| !own.contains_key(id.as_str())))
}

/// The versions of SLAs that have the newest complete evaluation at or before `as_of`, by name, where one has any.
pub(super) async fn versions(
    store: &Store,
    slas: &[&Sla],
    as_of: Timestamp,
) -> Result<HashMap<String, u32>, StoreError> {
    let mut found = HashMap::new();
    for slas in slas.chunks(SLAS_AT_ONCE) {
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT e.sla, MAX(e.version) FROM (SELECT sla, MAX(as_of) AS as_of FROM evaluation FORCE INDEX (by_sla) \
             WHERE complete = 1 AND as_of <= ",
        );
        query.push_bind(column_time(as_of)).push(" AND sla IN (");
        push_names(&mut query, slas);
        query.push(
            ") GROUP BY sla, complete) n JOIN evaluation e FORCE INDEX (by_sla) ON e.sla = n.sla AND e.complete = 1 \
             AND e.as_of = n.as_of GROUP BY e.sla",
        );
        let rows: Vec<(String, u32)> = query.build_query_as().fetch_all(store.pool()).await?;
        found.extend(rows);
    }
    let missing: Vec<&Sla> = slas
        .iter()
        .copied()
        .filter(|sla| !found.contains_key(sla.name.as_str()))
        .collect();
    for sla in store.with_earlier_rows(&missing, as_of).await? {
        if let Some(version) = version(store, &sla.name, as_of).await? {
            found.insert(sla.name.to_string(), version);
        }
    }
    Ok(found)
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
