//! What alerts follow from: how each series stands in the newest complete evaluation of each objective, and no document of
//! those that stand well.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use domain::{
    Labels, SeriesId, Timestamp,
    evaluation::Episode,
    sla::{SeriesEnd, Sla},
};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::{filled, newest::Newest};
use crate::{
    Store, StoreError,
    read::{read_time, series_id},
};

/// The rows of the newest complete evaluation of an objective.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedRows {
    /// When it was evaluated.
    pub as_of: Timestamp,
    /// One for each series; none where no series matched.
    pub rows: Vec<EvaluatedRow>,
}

/// An objective on one series.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluatedRow {
    /// The series.
    pub series: SeriesId,
    /// How it stands.
    pub standing: SeriesStanding,
    /// Since when no sample stands, where none does.
    pub silent_since: Option<Timestamp>,
    /// Its labels, where there is something to say of it.
    pub labels: Option<Labels>,
    /// The violation that goes on, or went on when it fell silent.
    pub episode: Option<Episode>,
    /// How likely a violation is within 10 minutes, where that was asked for and is known.
    pub probability: Option<f64>,
}

/// How an objective stands on a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesStanding {
    /// In range, or not out of it for long enough.
    Well,
    /// A violation goes on.
    Firing,
    /// A violation went on when the series fell silent.
    SilentFiring,
    /// No sample stands.
    NoData,
    /// It has ended.
    Ended,
}

impl SeriesStanding {
    /// By the columns of a row: its state; from when on no sample stands, and the state then; until when silent series of the
    /// objective have ended.
    fn of(
        state: &str,
        silent_since: Option<NaiveDateTime>,
        silent_state: Option<&str>,
        ended_until: Option<NaiveDateTime>,
    ) -> Self {
        let is_over = silent_since
            .zip(ended_until)
            .is_some_and(|(since, until)| since <= until);
        match (state, silent_state) {
            ("ended", _) => Self::Ended,
            ("firing", _) if silent_since.is_some() => Self::SilentFiring,
            ("firing", _) => Self::Firing,
            ("no_data", _) if is_over => Self::Ended,
            ("no_data", Some("ok")) if ended_until.is_some() => Self::Ended,
            ("no_data", Some("firing")) => Self::SilentFiring,
            ("no_data", _) => Self::NoData,
            _ => Self::Well,
        }
    }

    /// Whether a sample of the series stands.
    pub fn stands(self) -> bool {
        matches!(self, Self::Well | Self::Firing)
    }
}

impl Store {
    /// The newest complete evaluations of an SLA's objectives at or before `until`, by the objective's id. `forecast`:
    /// objectives of which probabilities are asked for.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn evaluated_rows(
        &self,
        sla: &Sla,
        until: Timestamp,
        forecast: &[&str],
    ) -> Result<BTreeMap<String, EvaluatedRows>, StoreError> {
        let complete = Newest::complete(sla, until);
        let endless = sla.objectives.iter();
        let endless = endless.filter(|objective| objective.series_end == SeriesEnd::NoData);
        let endless: Vec<&str> = endless.map(|objective| objective.id.as_str()).collect();
        let mut found = self.rows_of(&complete, forecast, &endless).await?;
        if found.len() < sla.objectives.len()
            && let Some(earlier) = Newest::of_earlier_schema(self, sla, until).await?
        {
            for (objective, rows) in self.rows_of(&earlier, forecast, &endless).await? {
                found.entry(objective).or_insert(rows);
            }
        }
        Ok(found)
    }

    /// `endless`: objectives whose series never end.
    async fn rows_of(
        &self,
        newest: &Newest<'_>,
        forecast: &[&str],
        endless: &[&str],
    ) -> Result<BTreeMap<String, EvaluatedRows>, StoreError> {
        // The last episode by its number: MariaDB finds `[last]` in the first row alone.
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT n.objective, n.as_of, v.series_id, CAST(v.state AS CHAR) AS state, v.silent_since, \
             CAST(v.silent_state AS CHAR) AS silent_state, \
             (SELECT e.ended_until FROM evaluation e WHERE e.sla = v.sla AND e.version = v.version \
             AND e.objective = v.objective AND e.as_of = v.as_of) AS ended_until, \
             IF(v.state = 'firing' OR v.silent_state = 'firing', \
             CAST(JSON_EXTRACT(v.document, CONCAT('$.episodes[', \
             GREATEST(JSON_LENGTH(v.document, '$.episodes'), 1) - 1, ']')) AS CHAR), NULL) AS episode, \
             IF(v.state = 'firing' OR v.silent_state = 'firing'",
        );
        push_asked(&mut query, forecast);
        query.push(" OR (v.state = 'no_data' AND (FALSE");
        push_asked(&mut query, endless);
        query.push(")), CAST(JSON_EXTRACT(v.document, '$.series.labels') AS CHAR), NULL) AS labels, IF(FALSE");
        push_asked(&mut query, forecast);
        query.push(
            ", CAST(JSON_EXTRACT(v.document, '$.outlook.probability') AS CHAR), NULL) AS probability",
        );
        newest.push_rows(&mut query);
        let mut found = BTreeMap::<String, EvaluatedRows>::new();
        for row in query.build().fetch_all(self.pool()).await? {
            let objective: String = row.try_get("objective")?;
            let as_of = read_time(row.try_get("as_of")?);
            let rows = found.entry(objective).or_insert_with(|| EvaluatedRows {
                as_of,
                rows: Vec::new(),
            });
            if row.try_get::<&str, _>("series_id")?.is_empty() {
                continue;
            }
            rows.rows.push(read(&row)?);
        }
        Ok(found)
    }
}

fn push_asked(query: &mut QueryBuilder<MySql>, objectives: &[&str]) {
    if objectives.is_empty() {
        return;
    }
    query.push(" OR n.objective IN (");
    let mut list = query.separated(", ");
    for objective in filled(objectives) {
        list.push_bind((*objective).to_owned());
    }
    query.push(")");
}

fn read(row: &MySqlRow) -> Result<EvaluatedRow, StoreError> {
    let state: &str = row.try_get_unchecked("state")?;
    let silent_state: Option<&str> = row.try_get_unchecked("silent_state")?;
    let silent_since: Option<NaiveDateTime> = row.try_get("silent_since")?;
    let standing = SeriesStanding::of(
        state,
        silent_since,
        silent_state,
        row.try_get("ended_until")?,
    );
    let text = |column| row.try_get_unchecked::<Option<&str>, _>(column);
    let json = |column| -> Result<Option<&str>, sqlx::Error> {
        // What is not in the document is NULL, or JSON's null.
        Ok(text(column)?.filter(|text| *text != "null"))
    };
    Ok(EvaluatedRow {
        series: series_id(row)?,
        standing,
        silent_since: silent_since.map(read_time),
        labels: json("labels")?.map(serde_json::from_str).transpose()?,
        episode: json("episode")?.map(serde_json::from_str).transpose()?,
        probability: json("probability")?.map(serde_json::from_str).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;
    use crate::read::column_time;

    #[test]
    fn how_a_series_stands_follows_from_its_row() {
        let at = |text: &str| Some(column_time(text.parse::<Timestamp>().unwrap()));
        let (early, late) = (at("2026-11-23T08:00:00Z"), at("2026-11-23T09:00:00Z"));
        for (row, expected) in [
            (("ok", None, None, None), SeriesStanding::Well),
            (("pending", None, None, early), SeriesStanding::Well),
            (("firing", None, None, None), SeriesStanding::Firing),
            (
                ("firing", early, Some("firing"), None),
                SeriesStanding::SilentFiring,
            ),
            (
                ("no_data", early, Some("firing"), None),
                SeriesStanding::SilentFiring,
            ),
            (
                ("no_data", late, Some("firing"), early),
                SeriesStanding::SilentFiring,
            ),
            (
                ("no_data", early, Some("firing"), late),
                SeriesStanding::Ended,
            ),
            (("no_data", early, Some("ok"), late), SeriesStanding::Ended),
            (("no_data", early, Some("ok"), None), SeriesStanding::NoData),
            (("no_data", None, None, late), SeriesStanding::NoData),
            (("ended", early, None, None), SeriesStanding::Ended),
        ] {
            let (state, silent_since, silent_state, ended_until) = row;
            let standing = SeriesStanding::of(state, silent_since, silent_state, ended_until);
            assert_eq!(standing, expected, "{row:?}");
        }
    }
}
