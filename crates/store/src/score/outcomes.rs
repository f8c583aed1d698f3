//! What came of the probabilities of budgets of events: storage says it, from the slices that it keeps.
//!
//! No probability of a budget is stored when it is answered: it follows from the slices of its moment. So each 10 minutes of the
//! clock, once the slices up to then are final, it is said again what was to come of each group, next to what came. Where there
//! are more groups than there is time for, a moment is left out as a whole.

use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use domain::{
    SeriesId, SpanSet, Timestamp,
    budget::{BudgetProbability, EventsOutlook, EventsQuestion},
    sla::{EventsObjective, SlaName},
};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use crate::{
    Store, StoreError,
    pipeline::upsert::{Row, upsert},
    read::{column_time, read_time},
    sla::StoredSla,
    slices::budgets,
};

/// How long after a moment its slices are final.
const LAG: Duration = Duration::from_secs(20 * 60);
/// Moments that are older than the newest one by more are left out.
const LATEST: Duration = Duration::from_secs(3_600);
/// Of a group that nothing was measured of for so long nothing is to come.
const SILENT: Duration = Duration::from_secs(2 * 86_400);

/// Scores what is due at `now`, for about `time`. Returns whether nothing is left.
pub(crate) async fn advance(
    store: &Store,
    connection: &mut MySqlConnection,
    now: Timestamp,
    time: Duration,
) -> Result<bool, StoreError> {
    let end = Instant::now() + time;
    let newest = BudgetProbability::newest_mark(now - LAG);
    let mut progress = Progress::read(connection, newest).await?;
    if progress.mark > newest {
        return Ok(true);
    }
    if newest.since(progress.mark) > LATEST {
        progress = Progress::at(newest);
    }
    let slas = store.slas_in_force().await?;
    let mut rows = Vec::new();
    'marks: while progress.mark <= newest {
        for stored in &slas {
            let sla = &stored.sla;
            if sla.events.is_empty() || sla.name.as_str() < progress.sla.as_str() {
                continue;
            }
            let excluded = store.excluded_time(&sla.name, now).await?;
            let mut objectives: Vec<&EventsObjective> =
                sla.events.iter().map(|(_, own)| own).collect();
            objectives.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
            for objective in objectives {
                let place = (sla.name.as_str(), objective.id.as_str());
                if objective.target.is_none() || place < (&*progress.sla, &*progress.objective) {
                    continue;
                }
                let excluded = excluded.of(&objective.id);
                for group in groups(store, &sla.name, objective, progress.mark).await? {
                    let after = (&*progress.sla, &*progress.objective, &*progress.group);
                    let id = group.to_string();
                    if (place.0, place.1, &*id) <= after {
                        continue;
                    }
                    if Instant::now() >= end {
                        break 'marks;
                    }
                    let scoring = Scoring {
                        store,
                        stored,
                        objective,
                        excluded,
                        group,
                    };
                    rows.extend(scoring.at(progress.mark).await?);
                    progress.sla = place.0.to_owned();
                    progress.objective = place.1.to_owned();
                    progress.group = id;
                }
            }
        }
        progress = Progress::at(progress.mark + BudgetProbability::STEP);
    }
    upsert(connection, rows).await?;
    progress.write(connection).await?;
    Ok(progress.mark > newest)
}

/// The groups of an objective that are asked about, in the order of their ids: all events together where it has no `by`.
async fn groups(
    store: &Store,
    sla: &SlaName,
    objective: &EventsObjective,
    mark: Timestamp,
) -> Result<Vec<SeriesId>, StoreError> {
    let definition = objective.definition();
    let found = store
        .counted_groups(sla, &objective.id, &definition)
        .await?;
    let asked = found.into_iter().filter(|found| {
        found.last_measured >= Some(mark - SILENT)
            && found.group.0.is_empty() == objective.by.is_empty()
    });
    Ok(asked.map(|found| found.id).collect())
}

/// A group that is scored.
struct Scoring<'a> {
    store: &'a Store,
    stored: &'a StoredSla,
    objective: &'a EventsObjective,
    excluded: &'a SpanSet,
    group: SeriesId,
}

impl Scoring<'_> {
    /// What came of the probabilities whose time was over at `mark`.
    async fn at(&self, mark: Timestamp) -> Result<Vec<ScoreRow>, StoreError> {
        let mut rows = Vec::new();
        for about in BudgetProbability::ALL {
            let said_at = mark - about.ahead(self.objective);
            // Before that nobody could ask.
            if !about.is_scored_at(mark) || said_at < self.stored.created_at {
                continue;
            }
            let question = EventsQuestion::of_outlook(self.objective, said_at, self.excluded);
            let before = self.timeline(question).await?;
            let outlook = EventsOutlook::of(self.objective, &before, said_at);
            let Some(probability) = about.of(&outlook) else {
                continue;
            };
            let question = about.question(self.objective, said_at, self.excluded);
            let all = self.timeline(question).await?;
            rows.push(ScoreRow {
                sla: self.stored.sla.name.to_string(),
                objective: self.objective.id.to_string(),
                about: about.as_str(),
                version: self.stored.sla.version,
                group: self.group.to_string(),
                said_at: column_time(said_at),
                over_at: column_time(mark),
                probability,
                happened: about.happened(self.objective, &all, said_at),
            });
        }
        Ok(rows)
    }

    async fn timeline(
        &self,
        question: EventsQuestion,
    ) -> Result<domain::budget::Timeline, StoreError> {
        let sla = &self.stored.sla.name;
        let (objective, excluded) = (self.objective, self.excluded);
        budgets::timeline(self.store, sla, objective, self.group, question, excluded).await
    }
}

#[derive(Debug)]
struct ScoreRow {
    sla: String,
    objective: String,
    about: &'static str,
    version: u32,
    group: String,
    said_at: NaiveDateTime,
    over_at: NaiveDateTime,
    probability: f64,
    happened: Option<bool>,
}

impl Row for ScoreRow {
    const INTO: &'static str = "INSERT INTO budget_score (sla, objective, about, version, group_id, \
        forecast_as_of, over_at, probability, happened) VALUES";
    const COLUMNS: usize = 9;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE over_at = VALUES(over_at), \
        probability = VALUES(probability), happened = VALUES(happened)";
    type Key = (String, String, &'static str, u32, String, NaiveDateTime);

    fn key(&self) -> Self::Key {
        let (sla, objective) = (self.sla.clone(), self.objective.clone());
        let group = self.group.clone();
        (
            sla,
            objective,
            self.about,
            self.version,
            group,
            self.said_at,
        )
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(&*self.sla)?;
        arguments.add(&*self.objective)?;
        arguments.add(self.about)?;
        arguments.add(self.version)?;
        arguments.add(&*self.group)?;
        arguments.add(self.said_at)?;
        arguments.add(self.over_at)?;
        arguments.add(self.probability)?;
        arguments.add(self.happened)
    }
}

/// The row of `budget_score_progress`.
#[derive(Debug)]
struct Progress {
    /// The moment that is being scored.
    mark: Timestamp,
    /// Of it is scored what is not after these, in this order; nothing if they are empty.
    sla: String,
    objective: String,
    group: String,
}

impl Progress {
    fn at(mark: Timestamp) -> Self {
        Self {
            mark,
            sla: String::new(),
            objective: String::new(),
            group: String::new(),
        }
    }

    /// At first, `newest`.
    async fn read(connection: &mut MySqlConnection, newest: Timestamp) -> Result<Self, StoreError> {
        let row: Option<(NaiveDateTime, String, String, String)> = sqlx::query_as(
            "SELECT mark, sla, objective, group_id FROM budget_score_progress WHERE only_row = 1",
        )
        .fetch_optional(connection)
        .await?;
        Ok(row.map_or_else(
            || Self::at(newest),
            |(mark, sla, objective, group)| Self {
                mark: read_time(mark),
                sla,
                objective,
                group,
            },
        ))
    }

    async fn write(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO budget_score_progress (only_row, mark, sla, objective, group_id) VALUES (1, ?, ?, ?, ?) \
             ON DUPLICATE KEY UPDATE mark = VALUES(mark), sla = VALUES(sla), objective = VALUES(objective), \
             group_id = VALUES(group_id)",
        )
        .bind(column_time(self.mark))
        .bind(&self.sla)
        .bind(&self.objective)
        .bind(&self.group)
        .execute(connection)
        .await?;
        Ok(())
    }
}
