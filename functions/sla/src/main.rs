//! The sla function's process.

use config::{AccessConfig, DatabaseConfig, Environment, ExposeSecret, schedule_interval};
use http_api::Api;
use sla::{Evaluator, ROUTES, SlaManager};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::of_process();
    let access = AccessConfig::read(&environment)?;
    let manager = SlaManager {
        store: store::connect(DatabaseConfig::read(&environment)?.url.expose_secret())?,
        evaluator: Evaluator::new(environment.http_url("ETL_URL")?, access.own_token())?,
        schedule_interval: schedule_interval(&environment)?,
    };
    Api::new(&ROUTES, &access)
        .serve(|call| manager.answer(call))
        .await
}
