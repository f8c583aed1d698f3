//! The sla function's wiring.

use config::{AccessConfig, Bounds, DatabaseConfig, queries_allowed, schedule_interval, settle};
use http_api::Api;
use sla::{Evaluator, ROUTES, ReadLast, SlaManager};
use store::{Role, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::tracing::init_default_subscriber_with_writer(aws::Log::open);
    let (api, manager) = aws::started(function()).await;
    api.serve(&manager).await
}

async fn function() -> anyhow::Result<(Api<SlaManager>, SlaManager)> {
    let environment = aws::environment().await?;
    let access = AccessConfig::read(&environment)?;
    let database = DatabaseConfig::read(&environment)?;
    let manager = SlaManager {
        store: Store::open(&database, Role::Reader)?.renewed_by(aws::database),
        evaluator: Evaluator::read(&environment, access.own_token())?,
        schedule_interval: schedule_interval(&environment)?,
        settle: settle(&environment)?,
        bounds: Bounds::read(&environment)?,
        queries_allowed: queries_allowed(&environment)?,
        read_last: ReadLast::default(),
    };
    Ok((Api::new(ROUTES, &access), manager))
}
