//! Objectives in numbers: state, counts and probability of each series in the newest complete evaluation of
//! each objective, and no document.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Labels, SeriesId, Timestamp,
    evaluation::{ObjectiveState, Windows},
    sla::Sla,
};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::{newest::Newest, worst::STATE};
use crate::{
    Store, StoreError,
    read::{read_time, series_id, unexpected},
};

/// The rows of the newest complete evaluation of an objective.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedRows {
    /// When it was evaluated.
    pub as_of: Timestamp,
    /// One for each series; none where no series matched.
    pub rows: Vec<JudgedRow>,
}

/// An objective on one series.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedRow {
    /// The series.
    pub series: SeriesId,
    /// How it stands, by what is known of all series of the objective.
    pub state: ObjectiveState,
    /// What happened in the last 1h, 3h and 12h; `None` where that is not known.
    pub windows: Option<Windows>,
    /// How likely a violation is within 10 minutes; `None` where that is not known, or the series has ended.
    pub probability: Option<f64>,
    /// How many violations are expected within 10 minutes; `None` as `probability`.
    pub expected_violations: Option<f64>,
}

impl Store {
    /// The newest complete evaluations of an SLA's objectives at or before `until`, by the objective's id.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn judged_rows(
        &self,
        sla: &Sla,
        until: Timestamp,
    ) -> Result<BTreeMap<String, JudgedRows>, StoreError> {
        let complete = Newest::complete(sla, until);
        let mut found = self.judged(&complete).await?;
        if found.len() < sla.objectives.len()
            && let Some(earlier) = Newest::of_earlier_schema(self, sla, until).await?
        {
            for (objective, rows) in self.judged(&earlier).await? {
                found.entry(objective).or_insert(rows);
            }
        }
        Ok(found)
    }

    /// The labels of these series, as far as they are known.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn labels_of(
        &self,
        series: BTreeSet<SeriesId>,
    ) -> Result<BTreeMap<SeriesId, Labels>, StoreError> {
        let named = self.series_named(series).await?.into_iter();
        Ok(named.map(|(id, series)| (id, series.labels)).collect())
    }

    async fn judged(
        &self,
        newest: &Newest<'_>,
    ) -> Result<BTreeMap<String, JudgedRows>, StoreError> {
        let mut query = QueryBuilder::<MySql>::new("SELECT n.objective, n.as_of, v.series_id, ");
        query.push(format_args!("CAST({STATE} AS CHAR) AS state"));
        for (path, column) in [
            ("windows", "windows"),
            ("outlook.probability", "probability"),
            ("outlook.expected_violations", "expected_violations"),
        ] {
            query.push(format_args!(
                ", CAST(JSON_EXTRACT(v.document, '$.{path}') AS CHAR) AS {column}"
            ));
        }
        newest.push_rows(&mut query);
        let mut found = BTreeMap::<String, JudgedRows>::new();
        for row in query.build().fetch_all(self.pool()).await? {
            let objective: String = row.try_get("objective")?;
            let as_of = read_time(row.try_get("as_of")?);
            let rows = found.entry(objective).or_insert_with(|| JudgedRows {
                as_of,
                rows: Vec::new(),
            });
            if !row.try_get::<&str, _>("series_id")?.is_empty() {
                rows.rows.push(read(&row)?);
            }
        }
        Ok(found)
    }
}

fn read(row: &MySqlRow) -> Result<JudgedRow, StoreError> {
    let state = state(row.try_get_unchecked("state")?)?;
    let json = |column| -> Result<Option<&str>, sqlx::Error> {
        let text: Option<&str> = row.try_get_unchecked(column)?;
        // What is not in the document is NULL, or JSON's null.
        Ok(text.filter(|text| *text != "null"))
    };
    let number = |column| -> Result<Option<f64>, StoreError> {
        // Nothing is to come of a series that has ended.
        let text = json(column)?.filter(|_| state != ObjectiveState::Ended);
        Ok(text.map(serde_json::from_str).transpose()?)
    };
    Ok(JudgedRow {
        series: series_id(row)?,
        state,
        windows: json("windows")?.map(serde_json::from_str).transpose()?,
        probability: number("probability")?,
        expected_violations: number("expected_violations")?,
    })
}

/// A state that no evaluation has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the state of a series")]
struct UnknownState(String);

fn state(word: &str) -> Result<ObjectiveState, StoreError> {
    match word {
        "ended" => Ok(ObjectiveState::Ended),
        "ok" => Ok(ObjectiveState::Ok),
        "pending" => Ok(ObjectiveState::Pending),
        "no_data" => Ok(ObjectiveState::NoData),
        "firing" => Ok(ObjectiveState::Firing),
        other => Err(unexpected(UnknownState(other.to_owned()))),
    }
}
