//! A schedule, as EventBridge runs a rule's.

mod expression;

use std::pin::pin;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde_json::json;
use tokio::time::{Duration, sleep};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{ACCOUNT, InvocationType, Invoker};

pub use expression::{InvalidSchedule, ScheduleExpression};

/// The clock is looked at this often at least: a machine may have slept, and its clock may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Invokes a function with a `Scheduled Event`, again and again.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The rule's name, in the event's `resources`.
    pub name: String,
    /// When.
    pub expression: ScheduleExpression,
    /// The function's name.
    pub function: String,
    /// `Event`: the host retries. With `RequestResponse` nobody does.
    pub kind: InvocationType,
    /// The event's region (`us-east-1`).
    pub region: String,
}

impl Schedule {
    /// A schedule as EventBridge has it: asynchronous, in `us-east-1`.
    pub fn new(
        name: impl Into<String>,
        expression: ScheduleExpression,
        function: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            expression,
            function: function.into(),
            kind: InvocationType::Event,
            region: "us-east-1".to_owned(),
        }
    }

    /// Runs until `shutdown`. A rate's first event comes one interval after the start. An invocation that fails is
    /// logged, and one that takes longer than the interval costs the events that it ran over, never a queue of them.
    pub async fn run(self, invoker: Invoker, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        tokio::select! {
            () = &mut shutdown => {}
            () = self.tick(&invoker) => {
                warn!(schedule = %self.name, "the schedule has no further event");
                shutdown.await;
            }
        }
    }

    async fn tick(&self, invoker: &Invoker) {
        let mut last = Utc::now().trunc_subsecs(0);
        while let Some(due) = self.next_due(last) {
            sleep_until(due).await;
            let payload = self.event(due, Uuid::new_v4());
            match invoker
                .invoke(&self.function, self.kind, payload.into_bytes())
                .await
            {
                Ok(_) => debug!(schedule = %self.name, function = %self.function, "invoked"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    warn!(schedule = %self.name, function = %self.function, error, "the invocation failed");
                }
            }
            last = due;
        }
    }

    /// The first time after `last` that is not over; those that are over are skipped.
    fn next_due(&self, last: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (due, skipped) = self.expression.next_due(last, Utc::now())?;
        if skipped > 0 {
            warn!(schedule = %self.name, skipped, "events were skipped, because the one before took too long");
        }
        Some(due)
    }

    fn event(&self, time: DateTime<Utc>, id: Uuid) -> String {
        json!({
            "version": "0",
            "id": id.to_string(),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": time.to_rfc3339_opts(SecondsFormat::Secs, true),
            "region": self.region,
            "resources": [format!("arn:aws:events:{}:{ACCOUNT}:rule/{}", self.region, self.name)],
            "detail": {},
        })
        .to_string()
    }
}

/// Not one long sleep: a machine may sleep too, and its clock may be set.
async fn sleep_until(due: DateTime<Utc>) {
    while let Ok(left) = (due - Utc::now()).to_std() {
        sleep(left.min(LONGEST_SLEEP)).await;
    }
}
