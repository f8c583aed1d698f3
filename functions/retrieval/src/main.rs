//! The retrieval function's wiring.

use config::{AccessConfig, DatabaseConfig, ExposeSecret, schedule_interval};
use http_api::Api;
use retrieval::{ROUTES, Retrieval};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::tracing::init_default_subscriber();
    let (api, retrieval) = aws::started(function()).await;
    api.serve(&retrieval).await
}

async fn function() -> anyhow::Result<(Api<Retrieval>, Retrieval)> {
    let environment = aws::environment().await?;
    let database = DatabaseConfig::read(&environment)?;
    let retrieval = Retrieval {
        store: store::connect(database.url.expose_secret())?,
        schedule_interval: schedule_interval(&environment)?,
    };
    Ok((
        Api::new(ROUTES, &AccessConfig::read(&environment)?),
        retrieval,
    ))
}
