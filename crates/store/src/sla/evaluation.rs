//! What is known of an SLA: for each objective the rows of its newest complete evaluation, by one statement however many
//! objectives there are.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use domain::{
    Labels, SeriesId, Timestamp,
    evaluation::ObjectiveState,
    message::{SeriesReference, ViolationsDocument},
    sla::{Objective, Sla, SlaName},
};
use serde::Deserialize;
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::{
    newest::Newest,
    stored_episodes, versions,
    worst::{STATE, Worst},
};
use crate::{
    Store, StoreError,
    pipeline::{MOST_EPISODES, REFUSED, StoredEvaluation},
    read::{read_time, series_id, unexpected},
};

/// A version of an SLA and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The name.
    pub name: SlaName,
    /// The version.
    pub version: u32,
    /// Its objectives, in the order given.
    pub objectives: Vec<EvaluatedObjective>,
}

/// An objective and its newest complete evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedObjective {
    /// The objective.
    pub objective: Objective,
    /// When it was evaluated; `None` before the first complete evaluation.
    pub as_of: Option<Timestamp>,
    /// How many series match.
    pub series: u64,
    /// Of how many a violation is going on.
    pub firing: u64,
    /// Of how many no sample stands, those that have ended left out.
    pub no_data: u64,
    /// How many have ended.
    pub ended: u64,
    /// The evaluation, series by series, the worst first, at most 100; none before the first.
    pub entries: Vec<StoredEvaluation>,
}

/// Which evaluations are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The newest ones at or before a time, of the version that is in force.
    InForce {
        /// That time: what an evaluation from the future says is not known yet.
        until: Timestamp,
    },
    /// The newest ones at or before a time, of the version that was evaluated then, as they were published.
    AsOf(Timestamp),
}

/// The most entries of one objective.
const MOST_ENTRIES: usize = 100;
/// About how many entries all objectives have at most, unless there are more objectives: they fit into one answer.
const MOST_OF_ALL: usize = 5_000;
/// The states whose series are counted.
const COUNTED: [&str; 3] = ["firing", "no_data", "ended"];
/// Rows read at most beside one for each objective, before they are counted first.
const MORE_ROWS: usize = 500;

impl Evaluation {
    /// The newest of the objectives' evaluations; `None` before the first.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.objectives.iter().filter_map(|one| one.as_of).max()
    }

    /// Whether all objectives were evaluated at one time.
    pub fn is_complete(&self) -> bool {
        let newest = self.as_of();
        newest.is_some() && self.objectives.iter().all(|one| one.as_of == newest)
    }
}

impl Store {
    /// What is known of an SLA. `None` if there is no such SLA.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn evaluation(
        &self,
        name: &str,
        asked: Asked,
        worst: Worst,
    ) -> Result<Option<Evaluation>, StoreError> {
        let (sla, until) = match asked {
            Asked::InForce { until } => (self.sla(name).await?.map(|stored| stored.sla), until),
            Asked::AsOf(as_of) => (self.evaluated_version(name, as_of).await?, as_of),
        };
        let Some(sla) = sla else {
            return Ok(None);
        };
        let mut found = self
            .found(&sla, &Newest::complete(&sla, until), worst)
            .await?;
        if found.len() < sla.objectives.len()
            && let Some(earlier) = Newest::of_earlier_schema(self, &sla, until).await?
        {
            for (objective, evaluated) in self.found(&sla, &earlier, worst).await? {
                found.entry(objective).or_insert(evaluated);
            }
        }
        let mut objectives: Vec<EvaluatedObjective> = sla
            .objectives
            .iter()
            .map(|objective| {
                let missing = || EvaluatedObjective::missing(objective.clone());
                found.remove(objective.id.as_str()).unwrap_or_else(missing)
            })
            .collect();
        if matches!(asked, Asked::InForce { .. }) {
            let entries = objectives.iter_mut().flat_map(|one| &mut one.entries);
            stored_episodes::complete(self, entries).await?;
        }
        Ok(Some(Evaluation {
            name: sla.name,
            version: sla.version,
            objectives,
        }))
    }

    /// The version of an SLA that was evaluated newest at or before `as_of`, else the one in force.
    async fn evaluated_version(
        &self,
        name: &str,
        as_of: Timestamp,
    ) -> Result<Option<Sla>, StoreError> {
        match super::newest::version(self, name, as_of).await? {
            Some(version) => Ok(Some(Sla {
                name: name.parse().map_err(unexpected)?,
                version,
                objectives: versions::objectives(self, name, version).await?,
            })),
            None => Ok(self.sla(name).await?.map(|stored| stored.sla)),
        }
    }

    /// The newest evaluations, by objective.
    async fn found(
        &self,
        sla: &Sla,
        newest: &Newest<'_>,
        worst: Worst,
    ) -> Result<HashMap<String, EvaluatedObjective>, StoreError> {
        let most_rows = sla.objectives.len() + MORE_ROWS;
        let mut query = QueryBuilder::new(
            "SELECT n.objective, n.as_of, e.ended_until, v.series_id, v.document",
        );
        newest.push_rows(&mut query);
        query.push(" LIMIT ").push_bind(most_rows as u64);
        let rows = query.build().fetch_all(self.pool()).await?;
        let found = self.read_rows(sla, &rows).await?;
        let few = |one: &EvaluatedObjective| one.entries.len() <= MOST_ENTRIES;
        if rows.len() < most_rows && found.values().all(few) {
            let counted = found.into_iter().map(|(id, mut one)| {
                one.count();
                one.entries = worst.first(one.entries);
                (id, one)
            });
            return Ok(counted.collect());
        }
        self.found_worst(sla, newest, worst).await
    }

    /// The same where there are too many rows to read them all: the database counts them and picks the worst.
    async fn found_worst(
        &self,
        sla: &Sla,
        newest: &Newest<'_>,
        worst: Worst,
    ) -> Result<HashMap<String, EvaluatedObjective>, StoreError> {
        let most = (MOST_OF_ALL / sla.objectives.len().max(1)).clamp(1, MOST_ENTRIES);
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT r.objective, r.as_of, r.ended_until, r.series_id, CAST(r.series AS SIGNED) AS series",
        );
        for state in COUNTED {
            query.push(format!(", CAST(r.{state} AS SIGNED) AS {state}"));
        }
        query.push(
            ", w.document FROM (SELECT n.objective, n.as_of, e.ended_until, v.series_id, \
             SUM(v.series_id <> '') OVER objectives AS series",
        );
        for state in COUNTED {
            query.push(format!(
                ", SUM(v.series_id <> '' AND {STATE} = '{state}') OVER objectives AS {state}"
            ));
        }
        query.push(", ROW_NUMBER() OVER (PARTITION BY n.objective ORDER BY v.series_id = '', ");
        query.push(worst.sql()).push(", v.series_id) AS place");
        newest.push_rows(&mut query);
        query
            .push(" WINDOW objectives AS (PARTITION BY n.objective)) r JOIN violation w ON w.sla = ")
            .push_bind(sla.name.as_str())
            .push(" AND w.version = ")
            .push_bind(sla.version)
            .push(
                " AND w.objective = r.objective AND w.as_of = r.as_of AND w.series_id = r.series_id \
                 WHERE (r.series = 0 OR r.series_id <> '') AND r.place <= ",
            )
            .push_bind(most as u64);
        let rows = query.build().fetch_all(self.pool()).await?;
        let mut found = self.read_rows(sla, &rows).await?;
        for row in &rows {
            let count = |name| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
            if let Some(one) = found.get_mut(row.try_get::<&str, _>("objective")?) {
                one.series = count("series")?;
                let [firing, no_data, ended] = COUNTED.map(count);
                (one.firing, one.no_data, one.ended) = (firing?, no_data?, ended?);
            }
        }
        for one in found.values_mut() {
            one.entries = worst.first(std::mem::take(&mut one.entries));
        }
        Ok(found)
    }

    /// The rows by objective, in no order.
    async fn read_rows(
        &self,
        sla: &Sla,
        rows: &[MySqlRow],
    ) -> Result<HashMap<String, EvaluatedObjective>, StoreError> {
        let objectives: HashMap<&str, &Objective> = sla
            .objectives
            .iter()
            .map(|objective| (objective.id.as_str(), objective))
            .collect();
        let mut found = HashMap::<String, EvaluatedObjective>::new();
        let mut refused = BTreeSet::new();
        for row in rows {
            let id: &str = row.try_get("objective")?;
            let Some(objective) = objectives.get(id) else {
                continue;
            };
            let as_of = read_time(row.try_get::<NaiveDateTime, _>("as_of")?);
            // JSON on MySQL, a text on MariaDB: both are read as text.
            let document: &str = row.try_get_unchecked("document")?;
            let mut entry = if document == REFUSED {
                let series = series_id(row)?;
                refused.insert(series);
                StoredEvaluation::refused(sla, objective, series, as_of)
            } else {
                read(document)?
            };
            let ended_until: Option<NaiveDateTime> = row.try_get("ended_until")?;
            entry.document.settle(ended_until.map(read_time));
            if !found.contains_key(id) {
                let missing = EvaluatedObjective::missing((*objective).clone());
                found.insert(id.to_owned(), missing);
            }
            if let Some(one) = found.get_mut(id) {
                one.as_of = Some(as_of);
                one.entries.push(entry);
            }
        }
        if !refused.is_empty() {
            self.name_refused(refused, &mut found).await?;
        }
        Ok(found)
    }

    /// Gives the series of messages that were set aside their labels, as far as they are known.
    async fn name_refused(
        &self,
        refused: BTreeSet<SeriesId>,
        found: &mut HashMap<String, EvaluatedObjective>,
    ) -> Result<(), StoreError> {
        let named = self.series_named(refused).await?;
        let entries = found.values_mut().flat_map(|one| &mut one.entries);
        for series in entries.filter_map(|entry| entry.document.series.as_mut()) {
            if let Some(known) = named.get(&series.series) {
                series.labels = known.labels.clone();
            }
        }
        Ok(())
    }
}

impl EvaluatedObjective {
    /// An objective without a complete evaluation.
    fn missing(objective: Objective) -> Self {
        Self {
            objective,
            as_of: None,
            series: 0,
            firing: 0,
            no_data: 0,
            ended: 0,
            entries: Vec::new(),
        }
    }

    /// Counts the series among the entries, of which none is left out.
    fn count(&mut self) {
        let documents = self.entries.iter().map(|entry| &entry.document);
        let states: Vec<ObjectiveState> = documents
            .filter(|document| document.series.is_some())
            .map(|document| document.state)
            .collect();
        let count = |wanted| states.iter().filter(|state| **state == wanted).count() as u64;
        self.series = states.len() as u64;
        self.firing = count(ObjectiveState::Firing);
        self.no_data = count(ObjectiveState::NoData);
        self.ended = count(ObjectiveState::Ended);
    }
}

impl StoredEvaluation {
    /// What is known of a row whose message was set aside.
    fn refused(sla: &Sla, objective: &Objective, series: SeriesId, as_of: Timestamp) -> Self {
        Self {
            document: ViolationsDocument {
                series: Some(SeriesReference {
                    series,
                    metric: objective.metric.clone(),
                    labels: Labels::default(),
                    unit: None,
                }),
                reason: Some("refused".to_owned()),
                ..ViolationsDocument::without_series(&sla.name, sla.version, objective, as_of)
            },
            episodes_total: 0,
        }
    }
}

/// Reads a document, and only where not all of its episodes are kept a second time for their number: serde's `flatten`
/// would copy all of it.
fn read(text: &str) -> Result<StoredEvaluation, StoreError> {
    #[derive(Deserialize)]
    struct Total {
        episodes_total: u64,
    }
    let document: ViolationsDocument = serde_json::from_str(text)?;
    let kept = document.episodes.len();
    let episodes_total = if kept < MOST_EPISODES {
        kept as u64
    } else {
        serde_json::from_str::<Total>(text)?.episodes_total
    };
    Ok(StoredEvaluation {
        document,
        episodes_total,
    })
}
