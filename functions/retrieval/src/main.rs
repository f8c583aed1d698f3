//! The retrieval function's process.

use config::{AccessConfig, DatabaseConfig, Environment, ExposeSecret, schedule_interval};
use http_api::Api;
use retrieval::{ROUTES, Retrieval};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::of_process();
    let retrieval = Retrieval {
        store: store::connect(DatabaseConfig::read(&environment)?.url.expose_secret())?,
        schedule_interval: schedule_interval(&environment)?,
    };
    let api = Api::new(&ROUTES, &AccessConfig::read(&environment)?);
    api.serve(|call| retrieval.answer(call)).await
}
