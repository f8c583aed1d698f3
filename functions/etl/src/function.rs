//! The function: an event in, a run, an answer out.

use std::time::{Duration, SystemTime};

use chrono::Utc;
use config::AccessConfig;
use domain::{
    Timestamp, fault,
    message::{RunDocument, TrialOrCount},
};
use http_api::{Api, ApiError, Call, Fault, Reply, reply, routes};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};

use crate::{
    count::CountError,
    deadline::Deadline,
    replay::{self, Replaying},
    request::{Request, RunRequest},
    run::RunError,
    shards::{self, Runs},
    subject::Trigger,
    trial::TrialError,
    trigger::Event,
};

routes! {
    Runs {
        POST "/ETL" post {
            id: "run",
            summary: "run now",
            curl: "-X POST {base}/ETL -d '{}'",
            parameters: [],
            body: optional "RunRequest",
            // A run sees to its own end.
            patience: None,
            answers: [200 TrialOrCount, 202 RunDocument],
            problems: [503],
        }
    }
}

/// A run and the ways to ask for one.
#[derive(Debug)]
pub struct Function {
    runs: Runs,
    api: Api<Runs>,
    replaying: Option<Replaying>,
}

/// Why an event has no answer: a function error.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The event is none that starts a run.
    #[error(transparent)]
    Unknown(#[from] crate::trigger::UnknownEvent),
    /// A direct invocation's document is invalid.
    #[error("the request is invalid: {}", listed(.0))]
    Invalid(Vec<fault::Fault>),
    /// The run came to nothing.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The objectives could not be tried.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// The counters could not be counted.
    #[error(transparent)]
    Count(#[from] CountError),
    /// The answer cannot be written, which is a defect.
    #[error("the answer cannot be written as JSON")]
    Answer(#[from] serde_json::Error),
}

/// How the Lambda runtime reports it to the invoker.
impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        let kind = match &error {
            FunctionError::Unknown(_) => "UnknownEvent",
            FunctionError::Invalid(_) | FunctionError::Run(RunError::UnknownSla(_)) => {
                "InvalidRequest"
            }
            FunctionError::Run(RunError::PrometheusAway(_))
            | FunctionError::Trial(_)
            | FunctionError::Count(_) => "PrometheusAway",
            FunctionError::Run(RunError::KafkaAway(_)) => "KafkaAway",
            FunctionError::Run(RunError::Refused(_)) => "KafkaRefused",
            FunctionError::Answer(_) => "Internal",
        };
        Self {
            error_type: kind.to_owned(),
            error_message: error.to_string(),
        }
    }
}

impl Function {
    /// A function that starts `runs` and lets in whom `access` permits.
    pub fn new(runs: Runs, access: &AccessConfig) -> Self {
        Self {
            runs,
            api: Api::new(ROUTES, access),
            replaying: None,
        }
    }

    /// The same, which works off replays.
    #[must_use]
    pub fn replaying(self, replaying: Replaying) -> Self {
        Self {
            replaying: Some(replaying),
            ..self
        }
    }

    /// Runs once, whatever asked for it.
    ///
    /// # Errors
    /// For a schedule or a direct invocation whose run came to nothing; a request gets a problem document instead.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, FunctionError> {
        let (payload, context) = event.into_parts();
        let deadline = Deadline::of_invocation(&context, SystemTime::now());
        match Event::parse(payload)? {
            Event::Schedule { time } => {
                let age = Timestamp::from(Utc::now()).since(time);
                if let Some(skipped) = skipped(age, self.runs.etl.interval) {
                    return Ok(skipped);
                }
                let request = RunRequest::everything(time - self.runs.etl.settle);
                let answer = self.direct(&request, Trigger::Schedule, deadline).await;
                self.start_replay().await;
                answer
            }
            Event::Direct(document) if replay::is_asked_for(&document) => {
                Ok(match &self.replaying {
                    // Boxed: its state is large, and the function's holds that of everything it may do.
                    Some(replaying) => Box::pin(replaying.work(&self.runs.etl, deadline)).await,
                    None => json!({"waits": "this function works off no replays"}),
                })
            }
            Event::Direct(document) => {
                if let Some(part) = shards::part_of(&document) {
                    let document = self.runs.etl.run_part(&part, deadline).await?;
                    return Ok(serde_json::to_value(document)?);
                }
                match parse(&self.runs, &document).map_err(FunctionError::Invalid)? {
                    Request::Run(request) => self.direct(&request, Trigger::Invoke, deadline).await,
                    Request::Trial { as_of, trial } => {
                        let tried = self.runs.etl.try_out(&trial, as_of, deadline);
                        let document = tried.await?;
                        Ok(serde_json::to_value(document)?)
                    }
                    Request::Count(asked) => {
                        let document = self.runs.etl.count(&asked).await?;
                        Ok(serde_json::to_value(document)?)
                    }
                }
            }
            Event::Http(request) => {
                let answer = self.api.answer_payload(&self.runs, *request, context);
                let answer = answer.await?;
                // After a run alone: nobody else waits for more than was asked.
                if answer["statusCode"] == 202 {
                    self.start_replay().await;
                }
                Ok(answer)
            }
        }
    }

    /// Has the next piece of a replay worked off, if one waits, in an invocation of its own.
    async fn start_replay(&self) {
        if let Some(replaying) = &self.replaying {
            Box::pin(replaying.start()).await;
        }
    }

    async fn direct(
        &self,
        request: &RunRequest,
        trigger: Trigger,
        deadline: Deadline,
    ) -> Result<Value, FunctionError> {
        match self.runs.run(request, trigger, deadline).await {
            Ok(document) => Ok(serde_json::to_value(document)?),
            // The run and its failure are published: asking again would only publish it again.
            Err(RunError::PrometheusAway(document)) if trigger == Trigger::Schedule => {
                Ok(serde_json::to_value(document)?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn post(runs: &Runs, call: &Call) -> Result<Reply, ApiError> {
    let deadline = call.context().map_or_else(Deadline::default, |context| {
        Deadline::of_invocation(context, SystemTime::now())
    });
    call.query().finish()?;
    let document = call.json_or_null()?;
    let request = parse(runs, &document)
        .map_err(|faults| ApiError::Invalid(faults.into_iter().map(Fault::from).collect()))?;
    let request = match request {
        Request::Run(request) => request,
        Request::Trial { as_of, trial } => {
            let tried = runs.etl.try_out(&trial, as_of, deadline).await;
            return reply::ok(&tried.map_err(|error| ApiError::Unavailable {
                what: "Prometheus",
                source: error.into(),
            })?);
        }
        Request::Count(asked) => {
            let counted = runs.etl.count(&asked).await;
            return reply::ok(&counted.map_err(|error| ApiError::Unavailable {
                what: "Prometheus",
                source: error.into(),
            })?);
        }
    };
    match runs.run_together(&request, deadline).await {
        Ok(document) => reply::accepted(&document),
        Err(error @ RunError::UnknownSla(_)) => Err(ApiError::Invalid(vec![Fault::at(
            "/sla",
            error.to_string(),
        )])),
        Err(error @ RunError::PrometheusAway(_)) => Err(ApiError::Unavailable {
            what: "Prometheus",
            source: error.into(),
        }),
        Err(error @ (RunError::KafkaAway(_) | RunError::Refused(_))) => {
            Err(ApiError::Unavailable {
                what: "Kafka",
                source: error.into(),
            })
        }
    }
}

fn parse(runs: &Runs, document: &Value) -> Result<Request, Vec<fault::Fault>> {
    let now = Timestamp::from(Utc::now());
    let etl = &runs.etl;
    let request = Request::parse(document, now, etl.settle, |name| etl.knows(name))?;
    if etl.queries_allowed {
        return Ok(request);
    }
    let faults = request.queries();
    if faults.is_empty() {
        Ok(request)
    } else {
        Err(faults)
    }
}

/// The answer to a schedule's event that is older than one interval: the next one is due already.
fn skipped(age: Duration, interval: Duration) -> Option<Value> {
    if age <= interval {
        return None;
    }
    let (age, interval) = (age.as_secs(), interval.as_secs());
    tracing::warn!(
        event = "run_skipped",
        age_seconds = age,
        "an event of the schedule is too old"
    );
    let reason = format!("the event is {age} s old, older than one interval of {interval} s");
    Some(json!({"skipped": true, "reason": reason, "age_seconds": age}))
}

fn listed(faults: &[fault::Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_older_than_one_interval_is_skipped() {
        let (age, interval) = (Duration::from_secs(61), Duration::from_secs(60));
        let answer = skipped(age, interval).unwrap();
        assert_eq!(
            (&answer["skipped"], &answer["age_seconds"]),
            (&json!(true), &json!(61))
        );
        assert_eq!(skipped(interval, interval), None);
    }
}
