//! `score` and `objective_score`: what came of forecasts, and which of them nobody has scored yet.

use chrono::NaiveDateTime;
use domain::message::{ObjectiveScore, ScoreDocument};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{StoreError, read::column_time, score::hours};

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let (mut awaited, mut scores, mut objectives) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry.document {
            Document::Prediction(document) => {
                awaited.extend(document.forecast.known().map(|forecast| AwaitedRow {
                    series_id: &entry.series_id,
                    forecast_as_of: entry.as_of,
                    model: &forecast.model.name,
                }));
            }
            Document::Score(document) => {
                let forecast_as_of = column_time(document.forecast_as_of);
                scores.push(ScoreRow {
                    series_id: &entry.series_id,
                    forecast_as_of,
                    as_of: entry.as_of,
                    document,
                });
                objectives.extend(document.objectives.iter().map(|score| ObjectiveRow {
                    series_id: &entry.series_id,
                    forecast_as_of,
                    as_of: entry.as_of,
                    score,
                }));
            }
            _ => {}
        }
    }
    // Of several rows with one key the last one is written.
    scores.sort_by_key(|row| row.as_of);
    objectives.sort_by_key(|row| row.as_of);
    let scored: Vec<_> = scores
        .iter()
        .map(|row| (row.series_id, row.forecast_as_of))
        .collect();
    upsert(connection, awaited).await?;
    upsert(connection, scores).await?;
    upsert(connection, objectives).await?;
    hours::renew_late(connection, scored.into_iter()).await
}

/// A forecast that waits for its score.
#[derive(Debug)]
struct AwaitedRow<'a> {
    series_id: &'a str,
    forecast_as_of: NaiveDateTime,
    model: &'a str,
}

impl<'a> Row for AwaitedRow<'a> {
    const INTO: &'static str = "INSERT INTO score (series_id, forecast_as_of, model) VALUES";
    const COLUMNS: usize = 3;
    const OTHERWISE: &'static str =
        "ON DUPLICATE KEY UPDATE model = IF(as_of IS NULL, VALUES(model), model)";
    type Key = (&'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.series_id, self.forecast_as_of)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.series_id)?;
        arguments.add(self.forecast_as_of)?;
        arguments.add(self.model)
    }
}

#[derive(Debug)]
struct ScoreRow<'a> {
    series_id: &'a str,
    forecast_as_of: NaiveDateTime,
    as_of: NaiveDateTime,
    document: &'a ScoreDocument,
}

/// `column = …` for each column, `as_of` last: assignments see those before them, and have to look at it as it was.
macro_rules! unless_older {
    ($($column:literal),*) => {
        concat!(
            "ON DUPLICATE KEY UPDATE ",
            $($column, " = IF(as_of IS NULL OR VALUES(as_of) >= as_of, VALUES(", $column, "), ", $column, "), ",)*
            "as_of = IF(as_of IS NULL OR VALUES(as_of) >= as_of, VALUES(as_of), as_of)"
        )
    };
}

impl<'a> Row for ScoreRow<'a> {
    const INTO: &'static str = "INSERT INTO score (series_id, forecast_as_of, as_of, model, reason, \
        steps, observed, inside_band, min_inside, max_inside, average_inside, pinball, mae, \
        mae_last_value, pinball_climatology) VALUES";
    const COLUMNS: usize = 15;
    const OTHERWISE: &'static str = unless_older!(
        "model",
        "reason",
        "steps",
        "observed",
        "inside_band",
        "min_inside",
        "max_inside",
        "average_inside",
        "pinball",
        "mae",
        "mae_last_value",
        "pinball_climatology"
    );
    type Key = (&'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        (self.series_id, self.forecast_as_of)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let scores = self.document.scores.known();
        arguments.add(self.series_id)?;
        arguments.add(self.forecast_as_of)?;
        arguments.add(self.as_of)?;
        arguments.add(self.document.model.as_str())?;
        arguments.add(self.document.scores.reason())?;
        arguments.add(scores.map(|scores| scores.steps))?;
        arguments.add(scores.map(|scores| scores.observed))?;
        arguments.add(scores.map(|scores| scores.inside_band))?;
        arguments.add(scores.map(|scores| scores.min_inside))?;
        arguments.add(scores.map(|scores| scores.max_inside))?;
        arguments.add(scores.map(|scores| scores.average_inside))?;
        arguments.add(scores.map(|scores| scores.pinball))?;
        arguments.add(scores.map(|scores| scores.mae))?;
        arguments.add(scores.and_then(|scores| scores.mae_last_value))?;
        arguments.add(scores.and_then(|scores| scores.pinball_climatology))
    }
}

#[derive(Debug)]
struct ObjectiveRow<'a> {
    series_id: &'a str,
    forecast_as_of: NaiveDateTime,
    as_of: NaiveDateTime,
    score: &'a ObjectiveScore,
}

impl<'a> Row for ObjectiveRow<'a> {
    const INTO: &'static str = "INSERT INTO objective_score (sla, objective, version, series_id, \
        forecast_as_of, as_of, probability, model_probability, base_rate, happened) VALUES";
    const COLUMNS: usize = 10;
    const OTHERWISE: &'static str =
        unless_older!("probability", "model_probability", "base_rate", "happened");
    type Key = (&'a str, &'a str, u32, &'a str, NaiveDateTime);

    fn key(&self) -> Self::Key {
        let ObjectiveScore {
            sla,
            objective,
            version,
            ..
        } = self.score;
        (
            sla,
            objective,
            *version,
            self.series_id,
            self.forecast_as_of,
        )
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.score.sla.as_str())?;
        arguments.add(self.score.objective.as_str())?;
        arguments.add(self.score.version)?;
        arguments.add(self.series_id)?;
        arguments.add(self.forecast_as_of)?;
        arguments.add(self.as_of)?;
        arguments.add(self.score.probability)?;
        arguments.add(self.score.model_probability)?;
        arguments.add(self.score.base_rate)?;
        arguments.add(self.score.happened)
    }
}
