//! The storage function's wiring.

use config::{DatabaseConfig, ExposeSecret, Retention};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{json, value::RawValue};
use storage::{
    Storage,
    schema::{self, Schema},
};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let (function, schema) = aws::started(function()).await;
    // The runtime logs what fails.
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        if schema::is_asked_for(&event.payload) {
            let prepared = schema.prepare(event.context.deadline()).await;
            return prepared
                .map(|prepared| json!(prepared))
                .map_err(Diagnostic::from);
        }
        let answer = function.handle(&event.payload).await?;
        Ok(json!(answer))
    }))
    .await
}

async fn function() -> anyhow::Result<(Storage, Schema)> {
    let environment = aws::environment().await?;
    let retention = Retention::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let store = store::connect(database.url.expose_secret())?;
    Ok((Storage::new(store, retention), Schema::new(database.url)))
}
