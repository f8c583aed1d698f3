//! Scores summed up, per series and model and per objective.

mod budgets;

use std::{collections::BTreeMap, time::Duration};

use chrono::NaiveDateTime;
use domain::{Finding, SeriesId, Timestamp, forecast::HORIZON, score::Reliability};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use crate::{
    Store, StoreError,
    read::{column_time, series_id},
    retention::{hour_after, hour_of},
    sla::filled,
};

pub use budgets::{BudgetScores, ScoredWhen};

use super::hours;

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

impl ModelScores {
    /// How much smaller the mean absolute error is than that of the last value, as a share of it; `None` where one of them
    /// is not known or that of the last value is 0.
    pub fn skill(&self) -> Option<f64> {
        let last_value = self.mae_last_value.filter(|error| *error > 0.0);
        let (own, last) = self.mae.zip(last_value)?;
        Some(1.0 - own / last)
    }
}

/// What came of the probabilities of one objective, over its versions and series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectiveScores {
    /// The metric, if the SLA set still knows.
    pub metric: Option<String>,
    /// How many probabilities were published whose horizon is over and scored.
    pub forecasts: u64,
    /// Of how many it is known what happened. The rest is over these.
    pub scored: u64,
    /// How many violations happened.
    pub events: u64,
    /// The sum of the probabilities.
    pub said: f64,
    /// The sum of the squared differences between probability and what happened (Brier 1950).
    pub squares: f64,
    /// How many of those scored were published with a base rate of the 12 h before.
    pub with_base_rate: u64,
    /// The sum of the squared differences between that base rate and what happened.
    pub squares_base_rate: f64,
    /// On how many 10-minute spans of the clock, series by series, they were published: horizons that overlap say the same.
    pub independent: u64,
    /// The probabilities in ten equal bins, lowest first, empty ones left out.
    pub bins: Vec<ProbabilityBin>,
    /// The newest version whose probabilities are among them.
    pub version: u32,
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
    /// On how many 10-minute spans of the clock, series by series, they were published.
    pub independent: u64,
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
        let parts = Parts::of(selection, hours::summed_up(self.pool()).await?);
        let mut found: BTreeMap<(SeriesId, String), Sums> = BTreeMap::new();
        for ids in series.chunks(AT_ONCE) {
            for query in parts.of_series(ids) {
                for row in self.rows(query).await? {
                    let model: String = row.try_get("model")?;
                    let sums = found.entry((series_id(&row)?, model)).or_default();
                    sums.add(&row)?;
                }
            }
            for row in self.rows(awaited(ids, selection, newest)).await? {
                let model: String = row.try_get("model")?;
                let sums = found.entry((series_id(&row)?, model)).or_default();
                sums.awaited += count(&row, "forecasts")?;
            }
        }
        let scores = found.into_iter().map(|(key, sums)| (key, sums.scores()));
        Ok(scores.collect())
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
        let parts = Parts::of(selection, hours::summed_up(self.pool()).await?);
        let mut found: BTreeMap<_, ObjectiveScores> = BTreeMap::new();
        for slas in slas.chunks(SLAS_AT_ONCE) {
            for query in parts.of_objectives(slas, selection) {
                for row in self.rows(query).await? {
                    found.entry(objective(&row)?).or_default().add(&row)?;
                }
            }
            for query in parts.independent(slas, selection) {
                for row in self.rows(query).await? {
                    if let Some(scores) = found.get_mut(&objective(&row)?) {
                        scores.independent += count(&row, "independent")?;
                    }
                }
            }
            for query in parts.independent_by_bin(slas, selection) {
                for row in self.rows(query).await? {
                    let bin: i64 = row.try_get("bin")?;
                    let independent = count(&row, "independent")?;
                    // Of a tenth whose outcomes are all unknown there is no bin.
                    if independent > 0
                        && let Some(scores) = found.get_mut(&objective(&row)?)
                    {
                        let bin = scores.bin(bin as f64 / 10.0, (bin + 1) as f64 / 10.0);
                        bin.independent += independent;
                    }
                }
            }
        }
        Ok(found)
    }

    async fn rows(&self, mut query: QueryBuilder<MySql>) -> Result<Vec<MySqlRow>, StoreError> {
        Ok(query.build().fetch_all(self.pool()).await?)
    }
}

/// The forecasts of these series whose horizon is over and that wait for their score.
fn awaited(
    series: &[SeriesId],
    selection: &ScoreSelection,
    newest: Timestamp,
) -> QueryBuilder<MySql> {
    let mut query = QueryBuilder::new(
        "SELECT c.series_id, c.model, COUNT(*) AS forecasts FROM score c FORCE INDEX (by_run) \
         WHERE c.as_of IS NULL AND c.forecast_as_of <= ",
    );
    let over = newest - HORIZON;
    query.push_bind(column_time(selection.to.map_or(over, |to| to.min(over))));
    if let Some(from) = selection.from {
        query
            .push(" AND c.forecast_as_of >= ")
            .push_bind(column_time(from));
    }
    of_series(&mut query, series);
    query.push(" GROUP BY c.series_id, c.model");
    query
}

fn of_series(query: &mut QueryBuilder<MySql>, series: &[SeriesId]) {
    query.push(" AND c.series_id IN (");
    let mut list = query.separated(",");
    for id in filled(series) {
        list.push_bind(id.to_string());
    }
    query.push(")");
}

fn of_slas(query: &mut QueryBuilder<MySql>, slas: &[String]) {
    query.push(" WHERE c.sla IN (");
    let mut list = query.separated(",");
    for sla in filled(slas) {
        list.push_bind(sla.clone());
    }
    query.push(")");
}

fn on_metric(query: &mut QueryBuilder<MySql>, selection: &ScoreSelection) {
    if let Some(metric) = &selection.metric {
        query
            .push(
                " JOIN sla_objective o ON o.sla = c.sla AND o.version = c.version \
                 AND o.objective = c.objective AND o.metric = ",
            )
            .push_bind(metric.clone());
    }
}

/// A time span, `[start, end)`, each end as far as there is one.
type Bounds = (Option<NaiveDateTime>, Option<NaiveDateTime>);

fn within(query: &mut QueryBuilder<MySql>, column: &'static str, (start, end): Bounds) {
    for (comparison, time) in [(" >= ", start), (" < ", end)] {
        if let Some(time) = time {
            query.push(" AND ").push(column).push(comparison);
            query.push_bind(time);
        }
    }
}

/// Where the scores of a selection are read: whole hours that are summed up as such, the rest row by row.
#[derive(Clone, Debug, Default, PartialEq)]
struct Parts {
    rows: Vec<Bounds>,
    hours: Option<Bounds>,
}

impl Parts {
    fn of(selection: &ScoreSelection, summed_up: Option<NaiveDateTime>) -> Self {
        let from = selection.from.map(column_time);
        // Times have milliseconds.
        let to = selection
            .to
            .map(|to| column_time(to) + Duration::from_millis(1));
        let first = from.map(|from| match hour_of(from) {
            hour if hour == from => from,
            _ => hour_after(from),
        });
        let last = summed_up.map(|summed_up| match to {
            Some(to) => hour_of(to).min(summed_up),
            None => summed_up,
        });
        let Some(last) = last.filter(|last| first.is_none_or(|first| first < *last)) else {
            return Self {
                rows: vec![(from, to)],
                hours: None,
            };
        };
        let before = (from != first).then_some((from, first));
        let after = to.is_none_or(|to| last < to).then_some((Some(last), to));
        Self {
            rows: before.into_iter().chain(after).collect(),
            hours: Some((first, Some(last))),
        }
    }

    /// What sums up the scores of series, by model and reason.
    fn of_series(&self, series: &[SeriesId]) -> Vec<QueryBuilder<MySql>> {
        let rows = self.rows.iter().map(|bounds| {
            let mut query = QueryBuilder::new(
                "SELECT c.series_id, c.model, COALESCE(c.reason, '') AS reason, ",
            );
            query.push(hours::SCORE_SUMS);
            query.push(" FROM score c WHERE c.as_of IS NOT NULL");
            of_series(&mut query, series);
            within(&mut query, "c.forecast_as_of", *bounds);
            query.push(" GROUP BY c.series_id, c.model, c.reason");
            query
        });
        let hours = self.hours.iter().map(|bounds| {
            let mut query = QueryBuilder::new(
                "SELECT c.series_id, c.model, c.reason, CAST(SUM(c.forecasts) AS SIGNED), \
                 CAST(SUM(c.observed) AS SIGNED), CAST(SUM(c.inside_band) AS SIGNED), \
                 CAST(SUM(c.min_inside) AS SIGNED), CAST(SUM(c.max_inside) AS SIGNED), \
                 CAST(SUM(c.average_inside) AS SIGNED), SUM(c.pinball), SUM(c.mae), \
                 SUM(c.mae_last_value), CAST(SUM(c.with_last_value) AS SIGNED), \
                 SUM(c.pinball_climatology), CAST(SUM(c.with_climatology) AS SIGNED) \
                 FROM score_hour c WHERE TRUE",
            );
            of_series(&mut query, series);
            within(&mut query, "c.`hour`", *bounds);
            query.push(" GROUP BY c.series_id, c.model, c.reason");
            query
        });
        rows.chain(hours).collect()
    }

    /// What sums up the scores of objectives, by tenth of the probability.
    fn of_objectives(
        &self,
        slas: &[String],
        selection: &ScoreSelection,
    ) -> Vec<QueryBuilder<MySql>> {
        const METRIC: &str = "SELECT g.*, (SELECT o.metric FROM sla_objective o WHERE o.sla = g.sla \
            AND o.version = g.version AND o.objective = g.objective) AS metric FROM (";
        let rows = self.rows.iter().map(|bounds| {
            let mut query = QueryBuilder::new(METRIC);
            query.push("SELECT c.sla, c.objective, MAX(c.version) AS version, ");
            query.push(hours::BIN).push(" AS bin, ");
            query.push(hours::OBJECTIVE_SUMS);
            of_rows(&mut query, slas, selection, *bounds);
            query
        });
        let hours = self.hours.iter().map(|bounds| {
            let mut query = QueryBuilder::new(METRIC);
            query.push(
                "SELECT c.sla, c.objective, MAX(c.version) AS version, CAST(c.bin AS SIGNED) AS bin, \
                 CAST(SUM(c.forecasts) AS SIGNED) AS forecasts, CAST(SUM(c.scored) AS SIGNED) AS scored, \
                 CAST(SUM(c.events) AS SIGNED) AS events, SUM(c.said) AS said, SUM(c.squares) AS squares, \
                 CAST(SUM(c.with_base_rate) AS SIGNED) AS with_base_rate, \
                 SUM(c.squares_base_rate) AS squares_base_rate",
            );
            of_hours(&mut query, slas, selection, *bounds);
            query
        });
        let queries = rows.chain(hours).map(|mut query| {
            query.push(" GROUP BY c.sla, c.objective, bin) g");
            query
        });
        queries.collect()
    }

    /// What counts the spans of 10 minutes with a known outcome.
    fn independent(&self, slas: &[String], selection: &ScoreSelection) -> Vec<QueryBuilder<MySql>> {
        let rows = self.rows.iter().map(|bounds| {
            let mut query = QueryBuilder::new(
                "SELECT c.sla, c.objective, COUNT(DISTINCT c.series_id, \
                 TO_SECONDS(c.forecast_as_of) DIV 600) AS independent",
            );
            of_rows(&mut query, slas, selection, *bounds);
            query.push(" AND c.happened IS NOT NULL GROUP BY c.sla, c.objective");
            query
        });
        let hours = self.hours.iter().map(|bounds| {
            let mut query = QueryBuilder::new(
                "SELECT g.sla, g.objective, CAST(SUM(g.spans) AS SIGNED) AS independent FROM ( \
                 SELECT c.sla, c.objective, BIT_COUNT(BIT_OR(c.spans)) AS spans",
            );
            of_hours(&mut query, slas, selection, *bounds);
            query.push(
                " GROUP BY c.sla, c.objective, c.series_id, c.`hour`) g GROUP BY g.sla, g.objective",
            );
            query
        });
        rows.chain(hours).collect()
    }

    /// The same by tenth of the probability.
    fn independent_by_bin(
        &self,
        slas: &[String],
        selection: &ScoreSelection,
    ) -> Vec<QueryBuilder<MySql>> {
        let rows = self.rows.iter().map(|bounds| {
            let mut query = QueryBuilder::new("SELECT c.sla, c.objective, ");
            query.push(hours::BIN).push(
                " AS bin, COUNT(DISTINCT c.series_id, TO_SECONDS(c.forecast_as_of) DIV 600) AS independent",
            );
            of_rows(&mut query, slas, selection, *bounds);
            query.push(" AND c.happened IS NOT NULL GROUP BY c.sla, c.objective, bin");
            query
        });
        let hours = self.hours.iter().map(|bounds| {
            let mut query = QueryBuilder::new(
                "SELECT g.sla, g.objective, g.bin, CAST(SUM(g.spans) AS SIGNED) AS independent FROM ( \
                 SELECT c.sla, c.objective, CAST(c.bin AS SIGNED) AS bin, BIT_COUNT(BIT_OR(c.spans)) AS spans",
            );
            of_hours(&mut query, slas, selection, *bounds);
            query.push(
                " GROUP BY c.sla, c.objective, c.bin, c.series_id, c.`hour`) g \
                 GROUP BY g.sla, g.objective, g.bin",
            );
            query
        });
        rows.chain(hours).collect()
    }
}

fn of_rows(
    query: &mut QueryBuilder<MySql>,
    slas: &[String],
    selection: &ScoreSelection,
    bounds: Bounds,
) {
    query.push(" FROM objective_score c FORCE INDEX (by_time)");
    on_metric(query, selection);
    of_slas(query, slas);
    within(query, "c.forecast_as_of", bounds);
}

fn of_hours(
    query: &mut QueryBuilder<MySql>,
    slas: &[String],
    selection: &ScoreSelection,
    bounds: Bounds,
) {
    query.push(" FROM objective_score_hour c FORCE INDEX (PRIMARY)");
    on_metric(query, selection);
    of_slas(query, slas);
    within(query, "c.`hour`", bounds);
}

fn objective(row: &MySqlRow) -> Result<(String, String), StoreError> {
    Ok((row.try_get("sla")?, row.try_get("objective")?))
}

fn count(row: &MySqlRow, column: &str) -> Result<u64, StoreError> {
    Ok(row.try_get::<i64, _>(column)?.unsigned_abs())
}

/// The sums of the scores of one model on one series.
#[derive(Debug, Default)]
struct Sums {
    awaited: u64,
    unscorable: BTreeMap<String, u64>,
    scored: u64,
    observed: u64,
    inside_band: u64,
    min_inside: u64,
    max_inside: u64,
    average_inside: u64,
    pinball: f64,
    mae: f64,
    mae_last_value: f64,
    with_last_value: u64,
    pinball_climatology: f64,
    with_climatology: u64,
}

impl Sums {
    /// Adds a row: series, model and reason, then the columns of `score_hour` in their order.
    fn add(&mut self, row: &MySqlRow) -> Result<(), StoreError> {
        let count = |index: usize| row.try_get::<i64, _>(index).map(i64::unsigned_abs);
        let sum = |index: usize| row.try_get::<f64, _>(index);
        let reason: String = row.try_get(2)?;
        let forecasts = count(3)?;
        if !reason.is_empty() {
            *self.unscorable.entry(reason).or_default() += forecasts;
            return Ok(());
        }
        self.scored += forecasts;
        self.observed += count(4)?;
        self.inside_band += count(5)?;
        self.min_inside += count(6)?;
        self.max_inside += count(7)?;
        self.average_inside += count(8)?;
        self.pinball += sum(9)?;
        self.mae += sum(10)?;
        self.mae_last_value += sum(11)?;
        self.with_last_value += count(12)?;
        self.pinball_climatology += sum(13)?;
        self.with_climatology += count(14)?;
        Ok(())
    }

    fn scores(self) -> ModelScores {
        let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        let share = |inside: u64| mean(inside as f64, self.scored);
        ModelScores {
            forecasts: self.awaited + self.scored + self.unscorable.values().sum::<u64>(),
            scored: self.scored,
            band_coverage: mean(self.inside_band as f64, self.observed),
            min_coverage: share(self.min_inside),
            max_coverage: share(self.max_inside),
            average_coverage: share(self.average_inside),
            pinball: mean(self.pinball, self.scored),
            pinball_climatology: mean(self.pinball_climatology, self.with_climatology),
            mae: mean(self.mae, self.scored),
            mae_last_value: mean(self.mae_last_value, self.with_last_value),
            unscorable: self.unscorable,
        }
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
        let version: u32 = row.try_get("version")?;
        if version >= self.version {
            self.version = version;
            self.metric = row.try_get("metric")?;
        }
        self.forecasts += count(row, "forecasts")?;
        self.scored += scored;
        self.events += events;
        self.said += said;
        self.squares += row.try_get::<f64, _>("squares")?;
        self.with_base_rate += count(row, "with_base_rate")?;
        self.squares_base_rate += row.try_get::<f64, _>("squares_base_rate")?;
        if scored > 0 {
            self.bin(bin as f64 / 10.0, (bin + 1) as f64 / 10.0)
                .add(scored, said, events);
        }
        Ok(())
    }

    /// The bin that begins at `lower`, an empty one if there is none.
    fn bin(&mut self, lower: f64, upper: f64) -> &mut ProbabilityBin {
        let position = self.bins.partition_point(|bin| bin.lower < lower);
        if self.bins.get(position).is_none_or(|bin| bin.lower > lower) {
            let empty = ProbabilityBin {
                lower,
                upper,
                forecasts: 0,
                said: 0.0,
                events: 0,
                independent: 0,
            };
            self.bins.insert(position, empty);
        }
        &mut self.bins[position]
    }
}

impl ProbabilityBin {
    fn add(&mut self, forecasts: u64, said: f64, events: u64) {
        self.forecasts += forecasts;
        self.said += said;
        self.events += events;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_hours_that_are_summed_up_are_read_as_such() {
        let time = |text: &str| {
            let time: Timestamp = format!("2026-11-26T{text}Z").parse().unwrap();
            time
        };
        let at = |text: &str| Some(column_time(time(text)));
        let parts = |from: Option<&str>, to: Option<&str>, summed_up: Option<&str>| {
            let selection = ScoreSelection {
                from: from.map(time),
                to: to.map(time),
                ..ScoreSelection::default()
            };
            let parts = Parts::of(&selection, summed_up.and_then(at));
            (parts.rows, parts.hours)
        };
        assert_eq!(parts(None, None, None), (vec![(None, None)], None));
        assert_eq!(
            parts(None, None, Some("08:00:00")),
            (vec![(at("08:00:00"), None)], Some((None, at("08:00:00"))))
        );
        assert_eq!(
            parts(Some("05:30:00"), Some("07:10:00"), Some("08:00:00")),
            (
                vec![
                    (at("05:30:00"), at("06:00:00")),
                    (at("07:00:00"), at("07:10:00.001"))
                ],
                Some((at("06:00:00"), at("07:00:00")))
            )
        );
        assert_eq!(
            parts(Some("05:00:00"), Some("06:59:59.999"), Some("08:00:00")),
            (vec![], Some((at("05:00:00"), at("07:00:00"))))
        );
        for (from, to) in [("07:10:00", "07:50:00"), ("08:00:00", "09:00:00")] {
            let rows = (at(from), column_time(time(to)) + Duration::from_millis(1));
            assert_eq!(
                parts(Some(from), Some(to), Some("08:00:00")),
                (vec![(rows.0, Some(rows.1))], None)
            );
        }
    }
}
