//! The alerting function's wiring.

use std::sync::Arc;

use alerting::{
    Alerting,
    function::Function,
    receivers::{Receivers, resolver::SystemLookup},
};
use config::{AccessConfig, AlertConfig, DatabaseConfig, Retention, schedule_interval};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Role, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber_with_writer(aws::Log::open);
    let function = aws::started(function()).await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        function.handle(event).await.map_err(Diagnostic::from)
    }))
    .await
}

async fn function() -> anyhow::Result<Function> {
    let environment = aws::environment().await?;
    let access = AccessConfig::read(&environment)?;
    let config = AlertConfig::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let alerting = Alerting {
        store: Store::open(&database, Role::Writer)?.renewed_by(aws::database),
        receivers: Receivers::new(&config, &environment, Arc::new(SystemLookup))?,
        schedule_interval: schedule_interval(&environment)?,
        hold: config.hold,
        public_url: config.public_url,
        kept: Retention::read(&environment)?.everything,
    };
    Ok(Function::new(alerting, &access))
}
