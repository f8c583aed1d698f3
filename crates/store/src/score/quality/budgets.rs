//! Scores of budgets of events, summed up per objective and probability.

use std::collections::BTreeMap;

use domain::{Timestamp, budget::BudgetProbability};
use sqlx::{MySql, QueryBuilder, Row as _, mysql::MySqlRow};

use super::{
    ObjectiveScores, SLAS_AT_ONCE, ScoreSelection, count, hours, objective, of_slas, within,
};
use crate::{Store, StoreError, read::column_time};

/// What came of the probabilities of budgets of events, by SLA, objective and probability.
pub type BudgetScores = BTreeMap<(String, String, BudgetProbability), ObjectiveScores>;

/// Which probabilities `from` and `to` of a selection choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoredWhen {
    /// Those that were said then.
    Said,
    /// Those whose time was over then.
    Over,
}

/// The spans of the clock by which horizons that overlap count once: as long as the horizon.
const SPAN: &str = "TO_SECONDS(c.forecast_as_of) DIV CASE c.about WHEN 'exhausted_1h' THEN 3600 \
    WHEN 'exhausted_6h' THEN 21600 WHEN 'exhausted_1d' THEN 86400 ELSE 600 END";

impl Store {
    /// What came of the probabilities of budgets of events.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn budget_scores(
        &self,
        selection: &ScoreSelection,
        when: ScoredWhen,
    ) -> Result<BudgetScores, StoreError> {
        let slas = match &selection.sla {
            Some(sla) => vec![sla.clone()],
            None => {
                sqlx::query_scalar("SELECT DISTINCT sla FROM budget_score")
                    .fetch_all(self.pool())
                    .await?
            }
        };
        let mut found = BudgetScores::new();
        for slas in slas.chunks(SLAS_AT_ONCE) {
            let mut by_bin = QueryBuilder::new("SELECT c.sla, c.objective, c.about, ");
            by_bin.push(hours::BIN).push(
                " AS bin, MAX(c.version) AS version, COUNT(*) AS forecasts, COUNT(c.happened) AS scored, \
                 CAST(COALESCE(SUM(c.happened), 0) AS SIGNED) AS events, \
                 COALESCE(SUM(IF(c.happened IS NULL, 0, c.probability)), 0) AS said, \
                 COALESCE(SUM((c.probability - c.happened) * (c.probability - c.happened)), 0) AS squares, ",
            );
            independent(&mut by_bin, slas, (selection, when));
            by_bin.push(", bin");
            for row in self.rows(by_bin).await? {
                let Some(key) = key(&row)? else { continue };
                let metric = format!("{}/{}", key.0, key.1);
                let scores = found.entry(key).or_default();
                scores.metric = Some(metric);
                scores.add_bin_of_budget(&row)?;
            }
            let mut all = QueryBuilder::new("SELECT c.sla, c.objective, c.about, ");
            independent(&mut all, slas, (selection, when));
            for row in self.rows(all).await? {
                let Some(key) = key(&row)? else { continue };
                if let Some(scores) = found.get_mut(&key) {
                    scores.independent = count(&row, "independent")?;
                }
            }
        }
        Ok(found)
    }
}

/// How many spans have a known outcome, by objective and probability.
fn independent(
    query: &mut QueryBuilder<MySql>,
    slas: &[String],
    (selection, when): (&ScoreSelection, ScoredWhen),
) {
    query
        .push("COUNT(DISTINCT IF(c.happened IS NULL, NULL, c.group_id), ")
        .push(SPAN)
        .push(") AS independent FROM budget_score c FORCE INDEX (by_time)");
    of_slas(query, slas);
    let from = selection.from.map(column_time);
    // Times have milliseconds.
    let after = |to: Timestamp| column_time(to + std::time::Duration::from_millis(1));
    let to = selection.to.map(after);
    match when {
        ScoredWhen::Over => within(query, "c.over_at", (from, to)),
        ScoredWhen::Said => {
            // What is over before that was said before; what was said then is over a day later.
            within(query, "c.over_at", (from, None));
            within(query, "c.forecast_as_of", (from, to));
        }
    }
    if let Some(metric) = &selection.metric {
        query
            .push(" AND CONCAT(c.sla, '/', c.objective) = ")
            .push_bind(metric.clone());
    }
    query.push(" GROUP BY c.sla, c.objective, c.about");
}

fn key(row: &MySqlRow) -> Result<Option<(String, String, BudgetProbability)>, StoreError> {
    let about: String = row.try_get("about")?;
    let mut known = BudgetProbability::ALL.into_iter();
    let Some(about) = known.find(|known| known.as_str() == about) else {
        return Ok(None);
    };
    let (sla, objective) = objective(row)?;
    Ok(Some((sla, objective, about)))
}

impl ObjectiveScores {
    fn add_bin_of_budget(&mut self, row: &MySqlRow) -> Result<(), StoreError> {
        let bin: i64 = row.try_get("bin")?;
        let (scored, events) = (count(row, "scored")?, count(row, "events")?);
        let said: f64 = row.try_get("said")?;
        self.version = self.version.max(row.try_get("version")?);
        self.forecasts += count(row, "forecasts")?;
        self.scored += scored;
        self.events += events;
        self.said += said;
        self.squares += row.try_get::<f64, _>("squares")?;
        if scored > 0 {
            let bin = self.bin(bin as f64 / 10.0, (bin + 1) as f64 / 10.0);
            bin.add(scored, said, events);
            bin.independent = count(row, "independent")?;
        }
        Ok(())
    }
}
