//! What is known of SLAs: for each objective the rows of its newest complete evaluation, by one statement however many SLAs
//! and objectives there are.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use domain::{
    Labels, SeriesId, Timestamp,
    evaluation::{ObjectiveState, Outlook},
    message::{SeriesReference, ViolationsDocument},
    sla::{EventsObjective, Objective, Sla, SlaName},
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
    /// Its objectives of ranges, in the order given.
    pub objectives: Vec<EvaluatedObjective>,
    /// Its objectives of events, in the order given.
    pub events: Vec<EvaluatedEvents>,
}

/// An objective of events, and when its events were counted.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedEvents {
    /// Its place among all objectives of the SLA, from 0.
    pub place: usize,
    /// The objective.
    pub objective: EventsObjective,
    /// Its newest complete evaluation; `None` before the first.
    pub as_of: Option<Timestamp>,
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
/// SLAs, and objectives of all of them together, whose rows are read by one statement.
const SLAS_AT_ONCE: usize = 256;
const OBJECTIVES_AT_ONCE: usize = 2_000;
/// Rows read at most beside one for each objective, before they are counted first.
const MORE_ROWS: usize = 500;

impl Asked {
    /// The time that evaluations are asked for at or before.
    fn until(self) -> Timestamp {
        match self {
            Self::InForce { until } => until,
            Self::AsOf(as_of) => as_of,
        }
    }
}

impl Evaluation {
    /// The newest of the objectives' evaluations; `None` before the first.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.times().flatten().max()
    }

    /// Whether all objectives were evaluated at one time.
    pub fn is_complete(&self) -> bool {
        let newest = self.as_of();
        newest.is_some() && self.times().all(|as_of| as_of == newest)
    }

    /// When each of the objectives was evaluated.
    fn times(&self) -> impl Iterator<Item = Option<Timestamp>> {
        let ranges = self.objectives.iter().map(|one| one.as_of);
        ranges.chain(self.events.iter().map(|one| one.as_of))
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
        let sla = match asked {
            Asked::InForce { .. } => self.sla(name).await?.map(|stored| stored.sla),
            Asked::AsOf(as_of) => self.evaluated_version(name, as_of).await?,
        };
        let Some(sla) = sla else {
            return Ok(None);
        };
        Ok(self.evaluations(vec![sla], asked, worst).await?.pop())
    }

    /// What is known of each of these versions of SLAs, in their order, by few statements however many there are.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn evaluations(
        &self,
        slas: Vec<Sla>,
        asked: Asked,
        worst: Worst,
    ) -> Result<Vec<Evaluation>, StoreError> {
        let until = asked.until();
        let mut all = Vec::new();
        let mut rest = &slas[..];
        while let (chunk, more) = rest.split_at(chunk_length(rest))
            && !chunk.is_empty()
        {
            all.extend(self.evaluations_at_once(chunk, until, worst).await?);
            rest = more;
        }
        if matches!(asked, Asked::InForce { .. }) {
            let objectives = all
                .iter_mut()
                .flat_map(|own: &mut Evaluation| &mut own.objectives);
            let entries = objectives.flat_map(|one| &mut one.entries);
            stored_episodes::complete(self, entries).await?;
        }
        Ok(all)
    }

    /// The versions of SLAs that were evaluated newest at or before `as_of`, where that is not known those in force, which
    /// are given.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn evaluated_versions(
        &self,
        in_force: Vec<Sla>,
        as_of: Timestamp,
    ) -> Result<Vec<Sla>, StoreError> {
        let named: Vec<&Sla> = in_force.iter().collect();
        let evaluated = super::newest::versions(self, &named, as_of).await?;
        let other: Vec<(String, u32, i64)> = in_force
            .iter()
            .filter_map(|sla| {
                let version = *evaluated.get(sla.name.as_str())?;
                (version != sla.version).then(|| (sla.name.to_string(), version, 0))
            })
            .collect();
        let other = self.versions(&other).await?.into_iter();
        let mut other: HashMap<SlaName, Sla> = other
            .map(|stored| (stored.sla.name.clone(), stored.sla))
            .collect();
        let slas = in_force.into_iter();
        Ok(slas
            .map(|sla| other.remove(&sla.name).unwrap_or(sla))
            .collect())
    }

    async fn evaluations_at_once(
        &self,
        slas: &[Sla],
        until: Timestamp,
        worst: Worst,
    ) -> Result<Vec<Evaluation>, StoreError> {
        let newest = Newest::all_complete(slas, until);
        let mut found = self.found(slas, &newest, worst).await?;
        let is_missing = |sla: &&Sla| {
            let own = found.get(sla.name.as_str());
            own.map_or(0, HashMap::len) < sla.objectives.len()
        };
        let missing: Vec<&Sla> = slas.iter().filter(is_missing).collect();
        for sla in self.with_earlier_rows(&missing, until).await? {
            if let Some(earlier) = Newest::of_earlier_schema(self, sla, until).await? {
                let slas = std::slice::from_ref(sla);
                for (name, objectives) in self.found(slas, &earlier, worst).await? {
                    let own = found.entry(name).or_default();
                    for (objective, evaluated) in objectives {
                        own.entry(objective).or_insert(evaluated);
                    }
                }
            }
        }
        let with_events: Vec<&Sla> = slas.iter().filter(|sla| !sla.events.is_empty()).collect();
        let counted = self.newest_evaluations_of(&with_events, until).await?;
        let known = slas.iter().map(|sla| {
            let mut found = found.remove(sla.name.as_str()).unwrap_or_default();
            let objectives = sla.objectives.iter().map(|objective| {
                let missing = || EvaluatedObjective::missing(objective.clone());
                found.remove(objective.id.as_str()).unwrap_or_else(missing)
            });
            let counted = counted.get(&sla.name);
            Evaluation {
                name: sla.name.clone(),
                version: sla.version,
                objectives: objectives.collect(),
                events: sla
                    .events
                    .iter()
                    .map(|(place, objective)| EvaluatedEvents {
                        place: *place,
                        as_of: counted.and_then(|own| own.get(objective.id.as_str()).copied()),
                        objective: objective.clone(),
                    })
                    .collect(),
            }
        });
        Ok(known.collect())
    }

    /// The version of an SLA that was evaluated newest at or before `as_of`, else the one in force.
    async fn evaluated_version(
        &self,
        name: &str,
        as_of: Timestamp,
    ) -> Result<Option<Sla>, StoreError> {
        match super::newest::version(self, name, as_of).await? {
            Some(version) => {
                let objectives = versions::objectives(self, name, version).await?;
                let name = name.parse().map_err(unexpected)?;
                Ok(Some(Sla::new(name, version, objectives)))
            }
            None => Ok(self.sla(name).await?.map(|stored| stored.sla)),
        }
    }

    /// The newest evaluations, by SLA and objective.
    async fn found(
        &self,
        slas: &[Sla],
        newest: &Newest<'_>,
        worst: Worst,
    ) -> Result<FoundObjectives, StoreError> {
        let most_rows = count_of(slas) + MORE_ROWS;
        let mut query = QueryBuilder::new(
            "SELECT n.sla, n.objective, n.as_of, e.ended_until, v.series_id, v.document",
        );
        newest.push_rows(&mut query);
        query.push(" LIMIT ").push_bind(most_rows as u64);
        let rows = query.build().fetch_all(self.pool()).await?;
        let found = self.read_rows(slas, &rows).await?;
        let few = |one: &EvaluatedObjective| one.entries.len() <= MOST_ENTRIES;
        if rows.len() < most_rows && found.values().flat_map(HashMap::values).all(few) {
            let mut counted = found;
            for one in counted.values_mut().flat_map(HashMap::values_mut) {
                one.count();
                one.entries = worst.first(std::mem::take(&mut one.entries));
            }
            return Ok(counted);
        }
        self.found_worst(slas, newest, worst).await
    }

    /// The same where there are too many rows to read them all: the database counts them and picks the worst.
    async fn found_worst(
        &self,
        slas: &[Sla],
        newest: &Newest<'_>,
        worst: Worst,
    ) -> Result<FoundObjectives, StoreError> {
        let most = (MOST_OF_ALL / count_of(slas).max(1)).clamp(1, MOST_ENTRIES);
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT r.sla, r.objective, r.as_of, r.ended_until, r.series_id, CAST(r.series AS SIGNED) AS series",
        );
        for state in COUNTED {
            query.push(format!(", CAST(r.{state} AS SIGNED) AS {state}"));
        }
        query.push(
            ", w.document FROM (SELECT n.sla, n.version, n.objective, n.as_of, e.ended_until, v.series_id, \
             SUM(v.series_id <> '') OVER objectives AS series",
        );
        for state in COUNTED {
            query.push(format!(
                ", SUM(v.series_id <> '' AND {STATE} = '{state}') OVER objectives AS {state}"
            ));
        }
        query.push(
            ", ROW_NUMBER() OVER (PARTITION BY n.sla, n.objective ORDER BY v.series_id = '', ",
        );
        query.push(worst.sql()).push(", v.series_id) AS place");
        newest.push_rows(&mut query);
        query
            .push(
                " WINDOW objectives AS (PARTITION BY n.sla, n.objective)) r JOIN violation w ON w.sla = r.sla \
                 AND w.version = r.version AND w.objective = r.objective AND w.as_of = r.as_of \
                 AND w.series_id = r.series_id \
                 WHERE (r.series = 0 OR r.series_id <> '') AND r.place <= ",
            )
            .push_bind(most as u64);
        let rows = query.build().fetch_all(self.pool()).await?;
        let mut found = self.read_rows(slas, &rows).await?;
        for row in &rows {
            let count = |name| row.try_get::<i64, _>(name).map(i64::unsigned_abs);
            let own = found.get_mut(row.try_get::<&str, _>("sla")?);
            let objective = row.try_get::<&str, _>("objective")?;
            if let Some(one) = own.and_then(|own| own.get_mut(objective)) {
                one.series = count("series")?;
                let [firing, no_data, ended] = COUNTED.map(count);
                (one.firing, one.no_data, one.ended) = (firing?, no_data?, ended?);
            }
        }
        for one in found.values_mut().flat_map(HashMap::values_mut) {
            one.entries = worst.first(std::mem::take(&mut one.entries));
        }
        Ok(found)
    }

    /// The rows by SLA and objective, in no order.
    async fn read_rows(
        &self,
        slas: &[Sla],
        rows: &[MySqlRow],
    ) -> Result<FoundObjectives, StoreError> {
        let objectives = |sla: &'_ Sla| -> HashMap<String, Objective> {
            let own = sla.objectives.iter();
            own.map(|objective| (objective.id.to_string(), objective.clone()))
                .collect()
        };
        let slas: HashMap<&str, (&Sla, HashMap<String, Objective>)> = slas
            .iter()
            .map(|sla| (sla.name.as_str(), (sla, objectives(sla))))
            .collect();
        let mut found = FoundObjectives::new();
        let mut refused = BTreeSet::new();
        for row in rows {
            let (name, id): (&str, &str) = (row.try_get("sla")?, row.try_get("objective")?);
            let Some((sla, objectives)) = slas.get(name) else {
                continue;
            };
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
            let own = found.entry(name.to_owned()).or_default();
            let missing = || EvaluatedObjective::missing(objective.clone());
            let one = own.entry(id.to_owned()).or_insert_with(missing);
            one.as_of = Some(as_of);
            one.entries.push(entry);
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
        found: &mut FoundObjectives,
    ) -> Result<(), StoreError> {
        let named = self.series_named(refused).await?;
        let objectives = found.values_mut().flat_map(HashMap::values_mut);
        let entries = objectives.flat_map(|one| &mut one.entries);
        for series in entries.filter_map(|entry| entry.document.series.as_mut()) {
            if let Some(known) = named.get(&series.series) {
                series.labels = known.labels.clone();
            }
        }
        Ok(())
    }
}

/// By SLA and objective.
type FoundObjectives = HashMap<String, HashMap<String, EvaluatedObjective>>;

/// Objectives of all SLAs together.
fn count_of(slas: &[Sla]) -> usize {
    slas.iter().map(|sla| sla.objectives.len()).sum()
}

/// With how many of the SLAs one statement is asked: not too many objectives, unless the first has them.
fn chunk_length(slas: &[Sla]) -> usize {
    let mut objectives = 0;
    let fitting = slas.iter().take(SLAS_AT_ONCE).take_while(|sla| {
        let is_first = objectives == 0;
        objectives += sla.objectives.len().max(1);
        is_first || objectives <= OBJECTIVES_AT_ONCE
    });
    fitting.count()
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
                outlook: Outlook::unavailable("refused"),
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
