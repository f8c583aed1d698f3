//! The storage function's wiring.

use std::time::{Duration, Instant, SystemTime};

use aws::Metrics;
use config::{DatabaseConfig, Retention};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json, value::RawValue};
use storage::{
    AlertingFunction, Redrive, Storage,
    schema::{self, Schema},
};
use store::{Role, Store};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber_with_writer(aws::Log::open);
    let (function, schema) = aws::started(function()).await;
    // The runtime logs what fails.
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        answer(&function, &schema, &event.payload, &event.context).await
    }))
    .await
}

async fn answer(
    function: &Storage,
    schema: &Schema,
    event: &RawValue,
    context: &Context,
) -> Result<Value, Diagnostic> {
    let left = context.deadline().duration_since(SystemTime::now());
    let deadline = Instant::now() + left.unwrap_or_default();
    let end = deadline.checked_sub(MARGIN).unwrap_or(deadline);
    if schema::is_asked_for(event) {
        let mut prepared = schema.prepare(context.deadline(), aws::database).await?;
        if prepared.done {
            // What a newer program sent before is understood now.
            let redriven = function.redrive(Redrive::NEWER, end).await?;
            prepared.done = redriven.is_over();
        }
        return Ok(json!(prepared));
    }
    if let Some(asked) = Redrive::asked_for(event)? {
        return Ok(json!(function.redrive(asked, end).await?));
    }
    Ok(json!(function.handle_until(event, Some(deadline)).await?))
}

/// A piece of a redrive takes less.
const MARGIN: Duration = Duration::from_secs(15);

async fn function() -> anyhow::Result<(Storage, Schema)> {
    let environment = aws::environment().await?;
    let retention = Retention::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let store = Store::open(&database, Role::Writer)?.renewed_by(aws::database);
    let function = Storage::new(store, retention)
        .measured(Metrics::read(&environment))
        .asking(AlertingFunction::read(&environment)?);
    Ok((function, Schema::new(database)))
}
