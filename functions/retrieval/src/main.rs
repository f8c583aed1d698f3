//! The retrieval function's wiring.

use config::{AccessConfig, DatabaseConfig, schedule_interval};
use http_api::Api;
use retrieval::{ROUTES, Retrieval};
use store::{Role, Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::tracing::init_default_subscriber_with_writer(aws::Log::open);
    let (api, retrieval) = aws::started(function()).await;
    api.serve(&retrieval).await
}

async fn function() -> anyhow::Result<(Api<Retrieval>, Retrieval)> {
    let environment = aws::environment().await?;
    let database = DatabaseConfig::read(&environment)?;
    let retrieval = Retrieval {
        store: Store::open(&database, Role::Reader)?.renewed_by(aws::database),
        schedule_interval: schedule_interval(&environment)?,
    };
    Ok((
        Api::new(ROUTES, &AccessConfig::read(&environment)?),
        retrieval,
    ))
}
