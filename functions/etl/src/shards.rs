//! Runs of more series than one invocation can do: split by series, each part in an invocation of its own.

use std::time::Instant;

use aws::{Functions, InvokeError};
use config::{ConfigError, Environment};
use domain::{
    Part,
    message::{RunDocument, Stage},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::{
    deadline::Deadline,
    part::{PartDocument, PartRequest},
    request::RunRequest,
    run::{Etl, RunError},
    subject::Trigger,
};

/// Starts runs, whole or in parts.
#[derive(Debug)]
pub struct Runs {
    /// What runs.
    pub etl: Etl,
    /// How to have parts run; `None`: every run is whole.
    pub shards: Option<Shards>,
    /// Where requests wait for a run; `None`: each has a run of its own.
    pub waiting: Option<Store>,
}

/// This function, as it invokes itself.
#[derive(Clone, Debug)]
pub struct Shards {
    functions: Functions,
    name: String,
    count: u32,
}

/// More would ask Prometheus for the same series more often than it is worth.
const MOST_SHARDS: u32 = 32;

/// The event that asks for a part.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartEvent {
    shard: PartRequest,
}

/// Why a part did not come back.
#[derive(Debug, thiserror::Error)]
enum PartError {
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error("its answer is not understood: {0}")]
    Answer(#[from] serde_json::Error),
}

impl Shards {
    /// Reads `SHARDS`, 1 to 32, default 1. More than one need this function's own name (`AWS_LAMBDA_FUNCTION_NAME`) and
    /// what [`Functions::read`] reads.
    ///
    /// # Errors
    /// When a variable is absent or malformed.
    pub fn read(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let count = environment.parsed("SHARDS")?.unwrap_or(1u32);
        if !(1..=MOST_SHARDS).contains(&count) {
            return Err(ConfigError::new("SHARDS", "is not a number from 1 to 32"));
        }
        if count == 1 {
            return Ok(None);
        }
        let name = environment.required("AWS_LAMBDA_FUNCTION_NAME")?.to_owned();
        let functions = Functions::read(environment)?;
        Ok(Some(Self {
            functions,
            name,
            count,
        }))
    }

    /// Has a part run. One that is not back at the run's deadline is lost: the run's record says so.
    async fn invoke(
        &self,
        request: PartRequest,
        deadline: Deadline,
    ) -> Result<PartDocument, PartError> {
        let event = serde_json::to_vec(&PartEvent { shard: request })?;
        let patience = deadline.left();
        let answer = self.functions.invoke(&self.name, event, patience).await?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// The part that a direct invocation asks for, if it asks for one.
pub fn part_of(event: &Value) -> Option<PartRequest> {
    event.get("shard")?;
    let event = PartEvent::deserialize(event).ok()?;
    let part = event.shard.part;
    let sound = (1..=MOST_SHARDS).contains(&part.of) && part.index < part.of;
    sound.then_some(event.shard)
}

impl Runs {
    /// Runs once, in as many parts as there are shards.
    ///
    /// # Errors
    /// As [`Etl::run`]. A part that does not come back is a failure in the document.
    pub async fn run(
        &self,
        request: &RunRequest,
        trigger: Trigger,
        deadline: Deadline,
    ) -> Result<RunDocument, RunError> {
        let Some(shards) = &self.shards else {
            return self.etl.run(request, trigger, deadline).await;
        };
        let started = Instant::now();
        let mut split = self.etl.split(request, trigger).await?;
        let run_id = split.run_id().to_owned();
        let mut parts: Vec<_> = stream::iter(0..shards.count)
            .map(|index| {
                let of = shards.count;
                let asked = PartRequest {
                    part: Part { index, of },
                    run_id: run_id.clone(),
                    as_of: request.as_of,
                    metrics: request.metrics.clone(),
                    slas: request.slas.clone(),
                    left_ms: u64::try_from(deadline.left().as_millis()).ok(),
                };
                async move {
                    (
                        index,
                        shards.invoke(asked, deadline).await,
                        started.elapsed(),
                    )
                }
            })
            .buffer_unordered(MOST_SHARDS as usize)
            .collect()
            .await;
        parts.sort_by_key(|(index, ..)| *index);
        let mut came_back = Vec::new();
        for (index, part, took) in parts {
            let asked = Part {
                index,
                of: shards.count,
            };
            match part {
                Ok(part) => {
                    split.add(asked, &part);
                    split.stage(Stage {
                        stage: format!("shard {index}"),
                        milliseconds: took.as_secs_f64() * 1000.0,
                    });
                    came_back.push(part);
                }
                Err(error) => {
                    tracing::error!(event = "shard_lost", shard = index, %error, "a shard did not come back");
                    split.lost(&self.etl, asked);
                }
            }
        }
        let complete = came_back.len() == shards.count as usize;
        let prometheus_away = complete && came_back.iter().all(|part| part.prometheus_away);
        split.finish(&self.etl, prometheus_away).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_shard_needs_nothing_and_more_need_to_know_themselves() {
        let read = |variables: &[(&str, &str)]| Shards::read(&variables.iter().copied().collect());
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("SHARDS", "1")]).unwrap().is_none());
        for (count, named) in [
            ("0", "SHARDS"),
            ("33", "SHARDS"),
            ("many", "SHARDS"),
            ("4", "AWS_LAMBDA_FUNCTION_NAME"),
        ] {
            assert_eq!(read(&[("SHARDS", count)]).unwrap_err().variable, named);
        }
    }

    #[test]
    fn a_part_beyond_the_last_is_none() {
        let event = |index: u32, of: u32| {
            json!({"shard": {
                "part": {"index": index, "of": of}, "run_id": "r",
                "as_of": "2026-11-23T08:45:00Z", "metrics": null, "slas": null,
            }})
        };
        assert!(part_of(&event(3, 4)).is_some());
        for (index, of) in [(4, 4), (0, 0), (0, 33)] {
            assert!(part_of(&event(index, of)).is_none());
        }
        assert!(part_of(&json!({"shard": 1})).is_none());
        assert!(part_of(&json!({"metrics": ["cpuUsage"]})).is_none());
    }
}
