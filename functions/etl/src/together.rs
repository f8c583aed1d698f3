//! Requests that come while a run is under way are answered by one coming run: many changes of SLAs are a few runs.
//!
//! A Lambda instance does one thing at a time, so that the requests wait in the database.

use std::{collections::BTreeSet, time::Duration};

use chrono::Utc;
use domain::{Timestamp, message::RunDocument};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError, run_request::WaitingRequest};

use crate::{
    deadline::Deadline, request::RunRequest, run::RunError, shards::Runs, subject::Trigger,
};

/// What is asked for: these SLAs, or everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    slas: Option<Vec<String>>,
}

/// How a request was answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// By this run.
    Run(RunDocument),
    /// By this run, to which Prometheus answered nothing.
    PrometheusAway(Box<RunDocument>),
}

/// Whoever asked, waits 10 s.
const PATIENCE: Duration = Duration::from_secs(25);

/// Why requests are not answered together.
#[derive(Debug, thiserror::Error)]
enum Apart {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("what is stored about a request is not understood")]
    Json(#[from] serde_json::Error),
    #[error("the runs before do not end")]
    Crowded,
}

impl Runs {
    /// Runs for a request about the present, and for all others that wait by then. Where the database does not let them
    /// wait, the request has a run of its own.
    ///
    /// # Errors
    /// As [`Runs::run`].
    pub async fn run_together(
        &self,
        request: &RunRequest,
        deadline: Deadline,
    ) -> Result<RunDocument, RunError> {
        let together = self.waiting.as_ref();
        let Some(store) = together.filter(|_| !request.is_pinned && request.metrics.is_none())
        else {
            return self.run(request, Trigger::Http, deadline).await;
        };
        match self.wait_and_run(store, request, deadline).await {
            Ok(outcome) => outcome,
            Err(apart) => {
                tracing::warn!(
                    error = &apart as &dyn std::error::Error,
                    "a request has a run of its own"
                );
                self.run(request, Trigger::Http, deadline).await
            }
        }
    }

    async fn wait_and_run(
        &self,
        store: &Store,
        request: &RunRequest,
        deadline: Deadline,
    ) -> Result<Result<RunDocument, RunError>, Apart> {
        let asked = Asked {
            slas: request.slas.clone(),
        };
        let asked = serde_json::to_string(&asked)?;
        let now = || Timestamp::from(Utc::now());
        let id = store.ask_for_run(&asked, now()).await?;
        let turn = store.run_turn(PATIENCE.min(deadline.left())).await?;
        let mut turn = turn.ok_or(Apart::Crowded)?;
        if let Some(answer) = turn.answer(id).await? {
            return Ok(found(serde_json::from_str(&answer)?, request));
        }
        let waiting = turn.waiting(now()).await?;
        let union = RunRequest {
            slas: union(&waiting)?,
            ..RunRequest::everything((now() - self.etl.settle).floor_to_second())
        };
        let answer = match self.run(&union, Trigger::Http, deadline).await {
            Ok(document) => Answer::Run(document),
            Err(RunError::PrometheusAway(document)) => Answer::PrometheusAway(document),
            Err(error) => return Ok(Err(error)),
        };
        let ids: Vec<u64> = waiting.iter().map(|waiting| waiting.id).collect();
        turn.give(&ids, &serde_json::to_string(&answer)?).await?;
        Ok(found(answer, request))
    }
}

/// All that is asked for: the SLAs that are named, or everything.
fn union(waiting: &[WaitingRequest]) -> Result<Option<Vec<String>>, serde_json::Error> {
    let mut slas = BTreeSet::new();
    for WaitingRequest { request, .. } in waiting {
        let asked: Asked = serde_json::from_str(request)?;
        let Some(names) = asked.slas else {
            return Ok(None);
        };
        slas.extend(names);
    }
    Ok(Some(slas.into_iter().collect()))
}

/// What a run for many says to one of the requests.
fn found(answer: Answer, request: &RunRequest) -> Result<RunDocument, RunError> {
    let document = match answer {
        Answer::Run(document) => document,
        Answer::PrometheusAway(document) => return Err(RunError::PrometheusAway(document)),
    };
    let is_certain = !document
        .failures
        .iter()
        .any(|failure| failure.stage == "objectives");
    let names = request.slas.iter().flatten();
    let mut unknown = names.filter(|name| {
        let mut evaluated = document.evaluated.iter();
        !evaluated.any(|evaluated| evaluated.sla == name.as_str())
    });
    match unknown.next() {
        Some(name) if is_certain => Err(RunError::UnknownSla(name.clone())),
        _ => Ok(document),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(requests: &[&str]) -> Vec<WaitingRequest> {
        let requests = requests.iter().zip(1..);
        requests
            .map(|(request, id)| WaitingRequest {
                id,
                request: (*request).to_owned(),
            })
            .collect()
    }

    #[test]
    fn one_run_is_about_every_sla_that_is_asked_for() {
        let (a, b, everything) = (
            r#"{"slas":["a","b"]}"#,
            r#"{"slas":["b","c"]}"#,
            r#"{"slas":null}"#,
        );
        let slas = union(&waiting(&[b, a])).unwrap().unwrap();
        assert_eq!(slas, ["a", "b", "c"]);
        assert_eq!(union(&waiting(&[a, everything])).unwrap(), None);
    }
}
