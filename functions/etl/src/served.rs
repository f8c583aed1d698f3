//! Which metrics one fetch serves: those whose query is the same.

use std::{collections::HashMap, sync::Arc};

use domain::sla::SampledQuery;

use crate::{metrics_file::Metric, objectives::ActiveObjective};

/// The metrics of one query: one of the metrics file, or those of all objectives that bring the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Served(Arc<[Arc<Metric>]>);

impl Served {
    /// The one whose query is asked.
    pub(crate) fn first(&self) -> &Arc<Metric> {
        &self.0[0]
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Arc<Metric>] {
        &self.0
    }
}

/// The metrics that objectives bring themselves, each once.
pub(crate) fn of_objectives(active: &[ActiveObjective]) -> Vec<Arc<Metric>> {
    let metrics = active.iter().filter_map(|active| {
        let SampledQuery { text, step } = active.objective.query.as_ref()?;
        let metric = Metric::of_query(active.objective.metric.clone(), text, *step)?;
        Some(Arc::new(metric))
    });
    metrics.collect()
}

/// What is fetched, in the order of the metrics, those with `is_shared` together where their queries are the same; and the
/// metrics whose queries are beyond the first `most`.
pub(crate) fn together(
    metrics: Vec<Arc<Metric>>,
    most: u64,
    is_shared: impl Fn(&Metric) -> bool,
) -> (Vec<Served>, Vec<Arc<Metric>>) {
    let mut groups: Vec<Vec<Arc<Metric>>> = Vec::new();
    let mut positions = HashMap::new();
    let mut beyond = Vec::new();
    for metric in metrics {
        if !is_shared(&metric) {
            groups.push(vec![metric]);
            continue;
        }
        let key = (metric.query.clone(), metric.reading.staleness());
        match positions.get(&key) {
            Some(position) => {
                let group: &mut Vec<Arc<Metric>> = &mut groups[*position];
                group.push(metric);
            }
            None if positions.len() as u64 >= most => beyond.push(metric),
            None => {
                positions.insert(key, groups.len());
                groups.push(vec![metric]);
            }
        }
    }
    let served = groups.into_iter().map(|group| Served(group.into()));
    (served.collect(), beyond)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn metric(name: &str, query: &str) -> Arc<Metric> {
        let step = Duration::from_secs(60);
        Arc::new(Metric::of_query(name.parse().unwrap(), query, step).unwrap())
    }

    #[test]
    fn the_same_query_of_several_objectives_is_asked_once() {
        let metrics = vec![
            metric("cpu", "x"),
            metric("a/1", "x"),
            metric("a/2", "y # twice"),
            metric("b/1", "x"),
            metric("b/2", "y"),
        ];
        let (served, beyond) = together(metrics, 100, |metric| metric.name.contains('/'));
        let names: Vec<Vec<&str>> = served
            .iter()
            .map(|served| served.all().iter().map(|metric| &*metric.name).collect())
            .collect();
        assert_eq!(names, [vec!["cpu"], vec!["a/1", "b/1"], vec!["a/2", "b/2"]]);
        assert_eq!(beyond, []);
    }

    #[test]
    fn so_many_different_queries_are_asked_and_no_more() {
        let metrics = (0..=100).map(|k| metric(&format!("a/{k:03}"), &format!("x{k}")));
        let more = [metric("b/1", "x0"), metric("b/2", "x100")];
        let (served, beyond) = together(metrics.chain(more).collect(), 100, |_| true);
        assert_eq!(served.len(), 100);
        let beyond: Vec<&str> = beyond.iter().map(|metric| &*metric.name).collect();
        assert_eq!(beyond, ["a/100", "b/2"]);
    }
}
