//! What `up` prints once the first run is stored. Every number was asked of the HTTP routes.

mod documents;
mod numbers;
mod sentences;
mod table;

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value};

use crate::api::Api;
use table::Findings;

/// The table of a run, and a sentence per objective of the SLA `sla`.
///
/// # Errors
/// When a route does not answer, or with something else than the contract says.
pub(crate) async fn report(api: &Api, as_of: &str, sla: Option<&str>) -> Result<String> {
    let at = |route: &str| format!("/{route}?as_of={as_of}");
    let full = format!("/metadata?as_of={as_of}&full=true");
    let (predict, metrics) = (at("predict"), at("metrics"));
    let (series, summaries, metadata, predictions) = tokio::try_join!(
        api.list("/series", "series"),
        api.list(&metrics, "metrics"),
        api.list(&full, "metadata"),
        api.list(&predict, "predictions"),
    )?;
    let findings = Findings {
        series: read("/series", series)?,
        summaries: read("/metrics", summaries)?,
        metadata: read("/metadata", metadata)?,
        predictions: read("/predict", predictions)?,
    };
    let mut text = table::table(&findings).to_string();
    text.push('\n');
    if let Some(sla) = sla {
        let check = api.get(&format!("/check_json?sla={sla}")).await?;
        let outlook = api.get(&format!("/predict_json?sla={sla}")).await?;
        let budgets = api.get(&format!("/sla/{sla}/budget")).await?;
        let budgets = from_value(budgets).context("/sla/{name}/budget has another shape")?;
        let check = from_value(check).context("/check_json has another shape")?;
        let outlook = from_value(outlook).context("/predict_json has another shape")?;
        for sentence in sentences::sentences(&check, &outlook, &budgets) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{sentence}");
        }
    }
    Ok(text)
}

fn read<T: DeserializeOwned>(route: &str, entries: Vec<Value>) -> Result<Vec<T>> {
    entries
        .into_iter()
        .map(|entry| from_value(entry).with_context(|| format!("{route} has another shape")))
        .collect()
}
