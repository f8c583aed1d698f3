//! Asking the alerting function to compare what holds with what was said, as soon as there is something new.

use std::time::Duration;

use aws::Functions;
use config::{ConfigError, Environment};
use domain::Timestamp;
use store::{Store, StoreError, pipeline::Document};

use crate::batch::Batch;

/// The alerting function.
#[derive(Clone, Debug)]
pub struct AlertingFunction {
    functions: Functions,
    name: String,
}

/// The batch is stored already: its invocation must not wait long. The schedule of alerting comes within a minute.
const PATIENCE: Duration = Duration::from_secs(2);

impl AlertingFunction {
    /// Reads `ALERTING_FUNCTION`, the name of a function of this account and region; without it nobody is asked.
    ///
    /// # Errors
    /// When it is set, and a variable that it takes to invoke it is absent or malformed.
    pub fn read(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let Some(name) = environment.get("ALERTING_FUNCTION") else {
            return Ok(None);
        };
        Ok(Some(Self {
            functions: Functions::read(environment)?,
            name: name.to_owned(),
        }))
    }

    /// Has it invoked if a batch may have completed an evaluation: it holds a run's record, or rows of a run whose record is
    /// stored.
    pub(crate) async fn ask_after(&self, batch: &Batch, store: &Store) {
        match is_news(batch, store).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "whether alerting has to compare is not known");
                return;
            }
        }
        let event = br#"{"compare":true}"#.to_vec();
        if let Err(error) = self
            .functions
            .invoke_later(&self.name, event, PATIENCE)
            .await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "alerting cannot be asked to compare: its schedule will"
            );
        }
    }
}

async fn is_news(batch: &Batch, store: &Store) -> Result<bool, StoreError> {
    let documents = &batch.documents;
    if documents
        .iter()
        .any(|document| matches!(document, Document::Run(_)))
    {
        return Ok(true);
    }
    store.has_run_of(&evaluated(documents)).await
}

/// When the evaluations were that these rows belong to.
fn evaluated(documents: &[Document]) -> Vec<Timestamp> {
    let is_row =
        |document: &&Document| matches!(document, Document::Violations(_) | Document::Slices(_));
    let rows = documents.iter().filter(is_row);
    let mut times: Vec<Timestamp> = rows.map(Document::as_of).collect();
    times.sort_unstable();
    times.dedup();
    times
}

#[cfg(test)]
mod tests {
    use domain::message::Kind;
    use store::testing::Documents;

    use super::*;

    #[test]
    fn rows_of_ranges_and_of_events_complete_evaluations() {
        let of =
            |kind, as_of: &str| Documents::about("cpuUsage", "a").of(kind, as_of.parse().unwrap());
        let documents = [
            of(Kind::Slices, "2026-11-23T08:45:30Z"),
            of(Kind::Violations, "2026-11-23T08:45:00Z"),
            of(Kind::Metrics, "2026-11-23T08:46:00Z"),
            of(Kind::Slices, "2026-11-23T08:45:00Z"),
        ];
        let expected = ["2026-11-23T08:45:00Z", "2026-11-23T08:45:30Z"];
        let expected = expected.map(|time| time.parse::<Timestamp>().unwrap());
        assert_eq!(evaluated(&documents), expected);
    }
}
