//! Scores summed up, per series and model and per objective.

use std::collections::BTreeMap;

use domain::{Finding, SeriesId, Timestamp, forecast::HORIZON, score::Reliability};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use crate::{
    Store, StoreError,
    read::{column_time, series_id},
    sla::filled,
};

/// Which scores are summed up.
#[derive(Clone, Debug, Default)]
pub struct ScoreSelection {
    /// Of forecasts not before this `as_of`.
    pub from: Option<Timestamp>,
    /// Of forecasts not after this `as_of`.
    pub to: Option<Timestamp>,
    /// Objectives of this SLA alone.
    pub sla: Option<String>,
    /// Objectives on this metric alone.
    pub metric: Option<String>,
}

/// The scores of one model on one series, summed up. Means are over scored forecasts, each counting the same; `None`
/// where there are none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelScores {
    /// How many forecasts have a horizon that the newest run saw the end of.
    pub forecasts: u64,
    /// How many of them are scored.
    pub scored: u64,
    /// How many of them can never be, by reason. The rest waits for the next run.
    pub unscorable: BTreeMap<String, u64>,
    /// The share of the samples that are within the 95 % band of their step.
    pub band_coverage: Option<f64>,
    /// The share of the intervals of the smallest value that hold it.
    pub min_coverage: Option<f64>,
    /// That of the greatest value.
    pub max_coverage: Option<f64>,
    /// That of the average.
    pub average_coverage: Option<f64>,
    /// The mean pinball loss.
    pub pinball: Option<f64>,
    /// That of the quantiles of the 12 h before.
    pub pinball_climatology: Option<f64>,
    /// The mean absolute error.
    pub mae: Option<f64>,
    /// That of the last value.
    pub mae_last_value: Option<f64>,
}

/// What came of the probabilities of one objective, over its versions and series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectiveScores {
    /// The metric, if the SLA set still knows.
    pub metric: Option<String>,
    /// How many probabilities were told whose horizon is over and scored.
    pub forecasts: u64,
    /// Of how many it is known what happened. The rest is over these.
    pub scored: u64,
    /// How many violations happened.
    pub events: u64,
    /// The sum of the probabilities.
    pub said: f64,
    /// The sum of the squared differences between probability and what happened (Brier 1950).
    pub squares: f64,
    /// How many of those scored were told with a base rate of the 12 h before.
    pub with_base_rate: u64,
    /// The sum of the squared differences between that base rate and what happened.
    pub squares_base_rate: f64,
    /// On how many 10-minute spans of the clock, series by series, they were told: horizons that overlap tell the same.
    pub independent: u64,
    /// The probabilities in ten equal bins, lowest first, empty ones left out.
    pub bins: Vec<ProbabilityBin>,
}

/// The probabilities of one tenth.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbabilityBin {
    /// Where the bin begins, 0 to 0.9.
    pub lower: f64,
    /// Where it ends, 0.1 to 1; the last one with its end.
    pub upper: f64,
    /// How many there are.
    pub forecasts: u64,
    /// Their sum.
    pub said: f64,
    /// How many violations happened.
    pub events: u64,
}

/// How many series are summed up by one statement at most.
const AT_ONCE: usize = 512;
/// How many SLAs are.
const SLAS_AT_ONCE: usize = 64;

impl Store {
    /// The scores of the series, by series and model.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn scores(
        &self,
        series: &[SeriesId],
        selection: &ScoreSelection,
    ) -> Result<BTreeMap<(SeriesId, String), ModelScores>, StoreError> {
        let Some(newest) = self.newest_run().await? else {
            return Ok(BTreeMap::new());
        };
        let mut found: BTreeMap<(SeriesId, String), ModelScores> = BTreeMap::new();
        for ids in series.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "SELECT series_id, model, reason, CAST(as_of IS NULL AS SIGNED) AS awaited, COUNT(*) AS forecasts, \
                 CAST(SUM(observed) AS DOUBLE) AS observed, CAST(SUM(inside_band) AS DOUBLE) AS inside_band, \
                 CAST(SUM(min_inside) AS DOUBLE) AS min_inside, CAST(SUM(max_inside) AS DOUBLE) AS max_inside, \
                 CAST(SUM(average_inside) AS DOUBLE) AS average_inside, AVG(pinball) AS pinball, AVG(mae) AS mae, \
                 AVG(mae_last_value) AS mae_last_value, AVG(pinball_climatology) AS pinball_climatology \
                 FROM score WHERE series_id IN (",
            );
            let mut list = query.separated(",");
            for id in filled(ids) {
                list.push_bind(id.to_string());
            }
            query.push(") AND (as_of IS NOT NULL OR forecast_as_of <= ");
            query.push_bind(column_time(newest - HORIZON)).push(")");
            in_span(&mut query, selection);
            query.push(" GROUP BY series_id, model, reason, awaited");
            for row in query.build().fetch_all(self.pool()).await? {
                let model: String = row.try_get("model")?;
                found
                    .entry((series_id(&row)?, model))
                    .or_default()
                    .add(&row)?;
            }
        }
        Ok(found)
    }

    /// What came of the probabilities, by SLA and objective.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn objective_scores(
        &self,
        selection: &ScoreSelection,
    ) -> Result<BTreeMap<(String, String), ObjectiveScores>, StoreError> {
        let slas = match &selection.sla {
            Some(sla) => vec![sla.clone()],
            None => {
                sqlx::query_scalar("SELECT DISTINCT sla FROM objective_score")
                    .fetch_all(self.pool())
                    .await?
            }
        };
        let mut found = BTreeMap::new();
        for slas in slas.chunks(SLAS_AT_ONCE) {
            self.add_objective_scores(slas, selection, &mut found)
                .await?;
        }
        Ok(found)
    }

    async fn add_objective_scores(
        &self,
        slas: &[String],
        selection: &ScoreSelection,
        found: &mut BTreeMap<(String, String), ObjectiveScores>,
    ) -> Result<(), StoreError> {
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT g.*, (SELECT o.metric FROM sla_objective o \
             WHERE o.sla = g.sla AND o.version = g.version AND o.objective = g.objective) AS metric FROM ( \
             SELECT c.sla, c.objective, MAX(c.version) AS version, CAST(LEAST(FLOOR(c.probability * 10), 9) AS SIGNED) AS bin, \
             COUNT(*) AS forecasts, COUNT(c.happened) AS scored, \
             CAST(COALESCE(SUM(c.happened), 0) AS SIGNED) AS events, \
             COALESCE(SUM(IF(c.happened IS NULL, 0, c.probability)), 0) AS said, \
             COALESCE(SUM((c.probability - c.happened) * (c.probability - c.happened)), 0) AS squares, \
             COUNT(c.base_rate - c.happened) AS with_base_rate, \
             COALESCE(SUM((c.base_rate - c.happened) * (c.base_rate - c.happened)), 0) AS squares_base_rate",
        );
        of_objectives(&mut query, slas, selection);
        query.push(" GROUP BY c.sla, c.objective, bin) g ORDER BY g.sla, g.objective, g.bin");
        for row in query.build().fetch_all(self.pool()).await? {
            found.entry(objective(&row)?).or_default().add(&row)?;
        }
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT c.sla, c.objective, COUNT(DISTINCT c.series_id, \
             FLOOR(TIMESTAMPDIFF(SECOND, '2000-01-01', c.forecast_as_of) / 600)) AS independent",
        );
        of_objectives(&mut query, slas, selection);
        query.push(" AND c.happened IS NOT NULL GROUP BY c.sla, c.objective");
        for row in query.build().fetch_all(self.pool()).await? {
            if let Some(scores) = found.get_mut(&objective(&row)?) {
                scores.independent = count(&row, "independent")?;
            }
        }
        Ok(())
    }
}

fn of_objectives(query: &mut QueryBuilder<MySql>, slas: &[String], selection: &ScoreSelection) {
    query.push(" FROM objective_score c FORCE INDEX (by_time)");
    if let Some(metric) = &selection.metric {
        query
            .push(
                " JOIN sla_objective o ON o.sla = c.sla AND o.version = c.version \
                 AND o.objective = c.objective AND o.metric = ",
            )
            .push_bind(metric.clone());
    }
    query.push(" WHERE c.sla IN (");
    let mut list = query.separated(",");
    for sla in filled(slas) {
        list.push_bind(sla.clone());
    }
    query.push(")");
    in_span(query, selection);
}

fn in_span(query: &mut QueryBuilder<MySql>, selection: &ScoreSelection) {
    for (comparison, time) in [
        (" AND forecast_as_of >= ", selection.from),
        (" AND forecast_as_of <= ", selection.to),
    ] {
        if let Some(time) = time {
            query.push(comparison).push_bind(column_time(time));
        }
    }
}

fn objective(row: &MySqlRow) -> Result<(String, String), StoreError> {
    Ok((row.try_get("sla")?, row.try_get("objective")?))
}

fn count(row: &MySqlRow, column: &str) -> Result<u64, StoreError> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}

impl ModelScores {
    /// Adds a row: there is one of what waits, one for each reason and one of what is scored.
    fn add(&mut self, row: &MySqlRow) -> Result<(), StoreError> {
        let scores = self;
        let forecasts = count(row, "forecasts")?;
        scores.forecasts += forecasts;
        if row.try_get::<i64, _>("awaited")? != 0 {
            return Ok(());
        }
        if let Some(reason) = row.try_get::<Option<String>, _>("reason")? {
            *scores.unscorable.entry(reason).or_default() += forecasts;
            return Ok(());
        }
        scores.scored = forecasts;
        let sum = |column| row.try_get::<Option<f64>, _>(column);
        let share = |column| -> Result<Option<f64>, sqlx::Error> {
            Ok(sum(column)?.map(|inside| inside / forecasts as f64))
        };
        let observed = sum("observed")?.filter(|observed| *observed > 0.0);
        scores.band_coverage = sum("inside_band")?
            .zip(observed)
            .map(|(inside, observed)| inside / observed);
        scores.min_coverage = share("min_inside")?;
        scores.max_coverage = share("max_inside")?;
        scores.average_coverage = share("average_inside")?;
        scores.pinball = sum("pinball")?;
        scores.pinball_climatology = sum("pinball_climatology")?;
        scores.mae = sum("mae")?;
        scores.mae_last_value = sum("mae_last_value")?;
        Ok(())
    }
}

impl ObjectiveScores {
    /// What they are worth.
    pub fn reliability(&self) -> Finding<Reliability> {
        Reliability::of(self.said, self.scored, self.independent, self.events)
    }

    fn add(&mut self, row: &MySqlRow) -> Result<(), StoreError> {
        let bin: i64 = row.try_get("bin")?;
        let (scored, events) = (count(row, "scored")?, count(row, "events")?);
        let said: f64 = row.try_get("said")?;
        self.metric = row.try_get("metric")?;
        self.forecasts += count(row, "forecasts")?;
        self.scored += scored;
        self.events += events;
        self.said += said;
        self.squares += row.try_get::<f64, _>("squares")?;
        self.with_base_rate += count(row, "with_base_rate")?;
        self.squares_base_rate += row.try_get::<f64, _>("squares_base_rate")?;
        if scored > 0 {
            self.bins.push(ProbabilityBin {
                lower: bin as f64 / 10.0,
                upper: (bin + 1) as f64 / 10.0,
                forecasts: scored,
                said,
                events,
            });
        }
        Ok(())
    }
}
