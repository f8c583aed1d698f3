use std::collections::{BTreeSet, HashMap};

use domain::{Labels, Timestamp, Window, sla::Objective};
use futures::TryStreamExt;
use sqlx::{QueryBuilder, types::Json};

use super::filled;
use crate::{Store, StoreError, read::column_time};

/// What is known of the series that objectives are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSeries {
    /// The names of all metrics, sorted.
    pub metrics: Vec<String>,
    /// For each objective, in their order, how many series that were seen in the last 12 h it matches.
    pub matches: Vec<u64>,
}

const METRICS_AT_ONCE: usize = 1024;

impl Store {
    /// Looks up what `objectives` are about at `now`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn known_series(
        &self,
        objectives: &[Objective],
        now: Timestamp,
    ) -> Result<KnownSeries, StoreError> {
        let metrics: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT metric FROM series ORDER BY metric")
                .fetch_all(self.pool())
                .await?;
        let asked: BTreeSet<&str> = objectives
            .iter()
            .map(|objective| objective.metric.as_str())
            .collect();
        let asked: Vec<&str> = asked
            .into_iter()
            .filter(|name| metrics.iter().any(|known| known == name))
            .collect();
        let mut matching = Matching::new(objectives);
        for names in asked.chunks(METRICS_AT_ONCE) {
            let mut query = QueryBuilder::new(
                "SELECT metric, labels FROM series FORCE INDEX (by_metric) WHERE last_seen >= ",
            );
            query
                .push_bind(column_time(now - Window::TwelveHours.length()))
                .push(" AND metric IN (");
            let mut list = query.separated(", ");
            for name in filled(names) {
                list.push_bind(*name);
            }
            query.push(")");
            let mut rows = query.build_query_as().fetch(self.pool());
            while let Some(row) = rows.try_next().await? {
                let (metric, Json(labels)): (String, Json<Labels>) = row;
                matching.count(&metric, &labels);
            }
        }
        Ok(KnownSeries {
            metrics,
            matches: matching.counts,
        })
    }
}

/// Counts the series of each objective in one pass over the series, however many objectives there are: objectives that
/// name the same labels are found by those labels' values.
struct Matching<'a> {
    /// By metric: the label names, and by their values the objectives.
    selectors: HashMap<&'a str, HashMap<Vec<&'a str>, ByValues<'a>>>,
    counts: Vec<u64>,
}

/// The positions of objectives, by the values of the labels they name.
type ByValues<'a> = HashMap<Vec<&'a str>, Vec<usize>>;

impl<'a> Matching<'a> {
    fn new(objectives: &'a [Objective]) -> Self {
        let mut selectors: HashMap<&str, HashMap<Vec<&str>, ByValues<'_>>> = HashMap::new();
        for (position, Objective { metric, labels, .. }) in objectives.iter().enumerate() {
            let names = labels.0.keys().map(String::as_str).collect();
            let values = labels.0.values().map(String::as_str).collect();
            let by_values = selectors
                .entry(metric)
                .or_default()
                .entry(names)
                .or_default();
            by_values.entry(values).or_default().push(position);
        }
        Self {
            selectors,
            counts: vec![0; objectives.len()],
        }
    }

    fn count(&mut self, metric: &str, labels: &Labels) {
        for (names, by_values) in self.selectors.get(metric).into_iter().flatten() {
            let values: Option<Vec<&str>> = names
                .iter()
                .map(|name| labels.0.get(*name).map(String::as_str))
                .collect();
            let matching = values.and_then(|values| by_values.get(&values));
            for position in matching.into_iter().flatten() {
                self.counts[*position] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_series_counts_for_every_objective_whose_labels_it_carries() {
        let objective = |metric: &str, labels: &[(&str, &str)]| {
            let labels = labels.iter().copied().collect();
            Objective::new(
                metric.parse().unwrap(),
                labels,
                (None, None),
                Duration::ZERO,
            )
        };
        let objectives = [
            objective("cpu", &[]),
            objective("cpu", &[("job", "node")]),
            objective("cpu", &[("job", "node"), ("instance", "a")]),
            objective("cpu", &[("job", "")]),
            objective("mem", &[("job", "node")]),
            objective("cpu", &[("job", "node")]),
        ];
        let mut matching = Matching::new(&objectives);
        for labels in [
            [("job", "node"), ("instance", "a")],
            [("job", "node"), ("instance", "b")],
            [("job", ""), ("x", "y")],
        ] {
            matching.count("cpu", &labels.into_iter().collect());
        }
        assert_eq!(matching.counts, [3, 2, 1, 1, 0, 2]);
    }
}
