//! The etl function's wiring.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use config::{AccessConfig, DatabaseConfig, ExposeSecret, KafkaConfig, PrometheusConfig, settle};
use etl::{
    brokers, function::Function, metrics_file, objectives::Objectives, prometheus::Prometheus,
    publish::Publisher, run::Etl,
};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let function = function()
        .await
        .inspect_err(|error| tracing::error!("{error:#}"))?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        function.handle(event).await
    }))
    .await
}

async fn function() -> anyhow::Result<Function> {
    let environment = aws::environment().await?;
    let access = AccessConfig::read(&environment)?;
    let kafka = KafkaConfig::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let metrics = metrics_file::load(Path::new(
        environment.get("METRICS_FILE").unwrap_or("metrics.toml"),
    ))?;
    let etl = Etl {
        metrics: metrics.into_iter().map(Arc::new).collect(),
        prometheus: Prometheus::new(&PrometheusConfig::read(&environment)?)?,
        objectives: Objectives::new(store::connect(database.url.expose_secret())?),
        publisher: Publisher::new(&kafka, &brokers::bootstrap(&kafka).await?)
            .context("KAFKA_BROKERS: no client")?,
        settle: settle(&environment)?,
    };
    Ok(Function::new(etl, &access))
}
