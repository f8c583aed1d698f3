//! How many series there are now, and what the metadata say of a metric.

use std::collections::BTreeMap;

use promql::label_name;
use serde::Deserialize;

use crate::{
    FetchError, Prometheus,
    client::timeout,
    response::{document, json},
};

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Vector {
    /// Nothing where some servers have an empty list.
    result: Option<Vec<Element>>,
}

#[derive(Deserialize)]
struct Element {
    /// A time, and a number as a text, or as it is.
    value: (f64, serde_json::Value),
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "type")]
    metric_type: String,
}

impl Prometheus {
    /// How many series these selectors match now, each once, or how many groups they are in by the values of `by`.
    ///
    /// # Errors
    /// When Prometheus does not answer or refuses.
    pub async fn count(&self, selectors: &[String], by: &[String]) -> Result<u64, FetchError> {
        let union = selectors.join(" or ");
        let query = if by.is_empty() {
            format!("count({union})")
        } else {
            let labels: Vec<String> = by.iter().map(|label| label_name(label)).collect();
            format!("count(count by ({}) ({union}))", labels.join(", "))
        };
        let response = self
            .query("api/v1/query", &[("query", query), timeout()])
            .await?;
        let answer: Answer<Vector> = json(&document(response).await?)?;
        let result = answer.data.result.unwrap_or_default();
        let Some(Element { value: (_, value) }) = result.first() else {
            return Ok(0);
        };
        let count = match value {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        let count = count.ok_or_else(|| FetchError::Malformed(format!("{value} is no count")))?;
        Ok(count as u64)
    }

    /// What the metadata say that a metric is, such as `counter` or `gauge`; `None` where they say nothing or different
    /// things.
    ///
    /// # Errors
    /// When Prometheus does not answer or has no metadata.
    pub async fn metric_type(&self, metric: &str) -> Result<Option<String>, FetchError> {
        let parameters = [("metric", metric.to_owned()), ("limit", "1".to_owned())];
        let response = self.get_with("api/v1/metadata", &parameters).await?;
        let answer: Answer<BTreeMap<String, Vec<Metadata>>> = json(&document(response).await?)?;
        let mut types: Vec<String> = answer
            .data
            .into_values()
            .flatten()
            .map(|metadata| metadata.metric_type)
            .collect();
        types.dedup();
        Ok(types.pop().filter(|_| types.is_empty()))
    }
}
