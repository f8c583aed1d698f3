//! In which order a run fetches its metrics: first those that the newest run did not reach, so that a slow Prometheus
//! keeps none of them waiting for ever.

use std::sync::Arc;

use store::Store;

use crate::{metrics_file::Metric, objectives::PATIENCE};

/// Where the newest run is looked up.
#[derive(Debug)]
pub struct Order {
    store: Store,
}

impl Order {
    /// Nothing is read yet.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The metrics that the newest stored run over all metrics did not reach, in its order. None where that is not known.
    pub(crate) async fn unreached(&self) -> Vec<String> {
        match tokio::time::timeout(PATIENCE, self.store.unreached_metrics()).await {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the newest run cannot be read"
                );
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// The metrics with those in front that are `first`, in that order; the others by name.
pub(crate) fn ordered(mut metrics: Vec<Arc<Metric>>, first: &[String]) -> Vec<Arc<Metric>> {
    let place = |metric: &Metric| {
        let place = first.iter().position(|name| metric.name == name.as_str());
        place.unwrap_or(first.len())
    };
    metrics.sort_by(|a, b| (place(a), &a.name).cmp(&(place(b), &b.name)));
    metrics
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics_file::Reading;

    #[test]
    fn metrics_that_were_not_reached_come_first_and_the_others_by_name() {
        let metric = |name: &str| {
            Arc::new(Metric {
                name: name.parse().unwrap(),
                query: String::new(),
                unit: None,
                reading: Reading::Sampled {
                    step: Duration::from_secs(15),
                    has_names: false,
                    unparsed: None,
                },
            })
        };
        let metrics = ["b", "d", "a", "c"].map(metric);
        for (first, expected) in [
            (&[][..], "abcd"),
            (&["d", "b"], "dbac"),
            (&["gone", "c", "a", "b", "d"], "cabd"),
        ] {
            let first: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
            let found = ordered(metrics.to_vec(), &first);
            let names: String = found.iter().map(|metric| &*metric.name).collect();
            assert_eq!(names, expected);
        }
    }
}
