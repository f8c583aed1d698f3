//! The storage function's wiring.

use config::{DatabaseConfig, ExposeSecret, Retention};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
use storage::Storage;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let function = function()
        .await
        .inspect_err(|error| tracing::error!("{error:#}"))?;
    // The runtime logs what fails.
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        function.handle(&event.payload).await
    }))
    .await
}

async fn function() -> anyhow::Result<Storage> {
    let environment = aws::environment().await?;
    let retention = Retention::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let store = store::connect(database.url.expose_secret())?;
    Ok(Storage::new(store, retention))
}
