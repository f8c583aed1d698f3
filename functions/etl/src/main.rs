//! The etl function's wiring.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use config::{
    AccessConfig, Bounds, DatabaseConfig, HistoryTerms, KafkaConfig, PrometheusConfig,
    queries_allowed, schedule_interval, settle,
};
use etl::{
    function::Function,
    metrics_file,
    objectives::Objectives,
    order::Order,
    prometheus::{Prometheus, Reading},
    replay::Replaying,
    run::Etl,
    scoring::Scoring,
    shards::{Runs, Shards},
    topic,
};
use kafka::{Publisher, Topic, msk};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use store::{Role, Store};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber_with_writer(aws::Log::open);
    let (function, topic) = aws::started(function()).await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        if topic::is_asked_for(&event.payload) {
            return topic::prepare(&topic, &event.payload)
                .await
                .map_err(Diagnostic::from);
        }
        function.handle(event).await.map_err(Diagnostic::from)
    }))
    .await
}

async fn function() -> anyhow::Result<(Function, Topic)> {
    let environment = aws::environment().await?;
    let access = AccessConfig::read(&environment)?;
    let kafka = KafkaConfig::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let metrics = environment.get("METRICS_FILE").unwrap_or("metrics.toml");
    let metrics = metrics_file::load(Path::new(metrics)).context("METRICS_FILE")?;
    for metric in &metrics {
        if let Reading::Sampled {
            unparsed: Some(reason),
            ..
        } = &metric.reading
        {
            tracing::warn!(
                metric = metric.name.as_str(),
                reason,
                "a query is not understood here and is left to the server"
            );
        }
    }
    let brokers = msk::bootstrap(&kafka).await?;
    let open = || Store::open(&database, Role::Reader).map(|store| store.renewed_by(aws::database));
    let store = open()?;
    // On a connection of its own: no other read keeps a run from what it judges.
    let slas = open()?;
    let etl = Etl {
        metrics: metrics.into_iter().map(Arc::new).collect(),
        prometheus: Prometheus::for_runs(&PrometheusConfig::read(&environment)?)?
            .renewed_by(aws::prometheus),
        objectives: Objectives::new(slas.clone()),
        scoring: Scoring::new(store.clone()),
        order: Order::new(store),
        publisher: Publisher::new(&kafka, &brokers)
            .context("KAFKA_BROKERS: no client")?
            .renewed_by(aws::kafka),
        settle: settle(&environment)?,
        interval: schedule_interval(&environment)?,
        bounds: Bounds::read(&environment)?,
        queries_allowed: queries_allowed(&environment)?,
        keeps_history: HistoryTerms::read(&environment)?.is_written,
        encoding: environment.parsed("KAFKA_ENCODING")?.unwrap_or_default(),
        measured: aws::Metrics::read(&environment),
    };
    let runs = Runs {
        etl,
        shards: Shards::read(&environment)?,
        waiting: Some(slas.clone()),
    };
    let function = Function::new(runs, &access).replaying(Replaying::read(&environment, slas)?);
    Ok((function, Topic::new(kafka, brokers)))
}
