//! What an objective of events would count now: how many counters each selector matches, in how many groups. Nothing is
//! published.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::message::{CountDocument, CountRequest, ObjectiveCount, SelectorCount};
use futures::{StreamExt, stream};
use promql::{EventsSum, Selector};
use tokio::time::timeout;

use crate::{
    prometheus::{FetchError, Prometheus},
    run::Etl,
};

/// Why nothing could be counted.
#[derive(Debug, thiserror::Error)]
pub enum CountError {
    /// Prometheus did not answer.
    #[error("Prometheus cannot be reached")]
    PrometheusAway(#[source] FetchError),
    /// It took too long.
    #[error("the counting took longer than {} s", PATIENCE.as_secs())]
    TimedOut,
}

/// Somebody waits for the answer to a change, which waits no longer.
const PATIENCE: Duration = Duration::from_secs(9);
/// How long it is waited for which bound holds: what was counted is answered all the same.
const BOUND_PATIENCE: Duration = Duration::from_secs(1);
/// Queries that are asked at once.
const AT_ONCE: usize = 8;

/// The label of a metric's name.
const NAME: &str = promql::NAME;

impl Etl {
    /// Counts the counters and groups of objectives, as they are now. What the server refuses is left unknown.
    ///
    /// # Errors
    /// When Prometheus is away or takes too long.
    pub async fn count(&self, asked: &[CountRequest]) -> Result<CountDocument, CountError> {
        timeout(PATIENCE, count(&self.prometheus, asked))
            .await
            .map_err(|_| CountError::TimedOut)?
            .map_err(CountError::PrometheusAway)
    }
}

/// What was found of a selector.
#[derive(Clone, Default)]
struct Found {
    series: Option<u64>,
    metric_type: Option<String>,
}

async fn count(
    prometheus: &Prometheus,
    asked: &[CountRequest],
) -> Result<CountDocument, FetchError> {
    let sums: Vec<Vec<(&str, Selector)>> = asked.iter().map(selectors).collect();
    let mut distinct = BTreeMap::<String, Selector>::new();
    for (_, selector) in sums.iter().flatten() {
        distinct.insert(selector.text.clone(), selector.clone());
    }
    let found = stream::iter(distinct).map(|(text, selector)| {
        let prometheus = prometheus.clone();
        async move { Ok((text, look_at(&prometheus, &selector).await?)) }
    });
    let found: Vec<Result<_, FetchError>> = found.buffer_unordered(AT_ONCE).collect().await;
    let found: BTreeMap<String, Found> = found.into_iter().collect::<Result<_, _>>()?;
    let queries: BTreeSet<&str> = asked
        .iter()
        .filter_map(|one| one.query.as_deref())
        .collect();
    let queried = stream::iter(queries.into_iter().map(str::to_owned)).map(|query| {
        let prometheus = prometheus.clone();
        async move {
            // The query may end with a comment.
            let line = format!("{query}\n");
            let series = known(prometheus.count(std::slice::from_ref(&line), &[]).await)?;
            Ok((query, series))
        }
    });
    let queried: Vec<Result<_, FetchError>> = queried.buffer_unordered(AT_ONCE).collect().await;
    let queried: BTreeMap<String, Option<u64>> = queried.into_iter().collect::<Result<_, _>>()?;
    let grouped: Vec<(Vec<String>, Vec<String>)> = asked
        .iter()
        .zip(&sums)
        .map(|(asked, selectors)| (texts(selectors), asked.by.clone()))
        .collect();
    let groups = stream::iter(grouped).map(|(texts, by)| {
        let prometheus = prometheus.clone();
        async move {
            if by.is_empty() || texts.is_empty() {
                return Ok(Some(1));
            }
            known(prometheus.count(&texts, &by).await)
        }
    });
    let groups: Vec<Result<_, FetchError>> = groups.buffered(AT_ONCE).collect().await;
    let mut counts = Vec::new();
    for ((selectors, groups), asked) in sums.iter().zip(groups).zip(asked) {
        if let Some(query) = &asked.query {
            counts.push(of_query(query, queried.get(query).copied().flatten()));
            continue;
        }
        let selectors = selectors.iter().map(|(sum, selector)| {
            let found = found.get(&selector.text).cloned();
            let Found {
                series,
                metric_type,
            } = found.unwrap_or_default();
            SelectorCount {
                sum: (*sum).to_owned(),
                selector: selector.text.clone(),
                series,
                metric_type,
            }
        });
        counts.push(ObjectiveCount {
            selectors: selectors.collect(),
            groups: groups?,
        });
    }
    // Where that is not known, or not soon, the run's bound holds.
    let is_query_only = timeout(BOUND_PATIENCE, prometheus.is_query_only()).await;
    let is_query_only = matches!(is_query_only, Ok(Ok(true)));
    Ok(CountDocument {
        counts,
        is_query_only,
    })
}

fn of_query(query: &str, series: Option<u64>) -> ObjectiveCount {
    ObjectiveCount {
        selectors: vec![SelectorCount {
            sum: "query".to_owned(),
            selector: query.to_owned(),
            series,
            metric_type: None,
        }],
        groups: None,
    }
}

/// The selectors, each once.
fn texts(selectors: &[(&str, Selector)]) -> Vec<String> {
    let mut texts: Vec<String> = selectors.iter().map(|(_, one)| one.text.clone()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// The selectors of the sums, each with the sum that it is a term of; those of a sum that cannot be read are left out.
fn selectors(asked: &CountRequest) -> Vec<(&str, Selector)> {
    let sums = asked.events.counted();
    let selectors = sums.flat_map(|(name, text)| {
        let sum = EventsSum::parse(text).map(|sum| sum.selectors);
        let terms = sum.unwrap_or_default().into_iter();
        terms.map(move |selector| (name, selector))
    });
    selectors.collect()
}

async fn look_at(prometheus: &Prometheus, selector: &Selector) -> Result<Found, FetchError> {
    let series = known(
        prometheus
            .count(std::slice::from_ref(&selector.text), &[])
            .await,
    )?;
    let mut names = selector.matchers.iter();
    let name = names
        .find(|matcher| matcher.label == NAME && matcher.operator == promql::MatchOperator::Equal);
    let metric_type = match name {
        // Servers without metadata refuse in ways of their own.
        Some(name) => prometheus.metric_type(&name.value).await.ok().flatten(),
        None => None,
    };
    Ok(Found {
        series,
        metric_type,
    })
}

/// What the server says; `None` if it refuses.
fn known(counted: Result<u64, FetchError>) -> Result<Option<u64>, FetchError> {
    match counted {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.is_unreachable() => Err(error),
        Err(_) => Ok(None),
    }
}
