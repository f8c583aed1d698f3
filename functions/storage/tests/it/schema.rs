//! Preparing the schema, as a deployment asks for it.

use std::time::{Duration, SystemTime};

use config::DatabaseConfig;
use lambda_runtime::Diagnostic;
use storage::schema::Schema;
use store::testing::TestDatabase;

#[tokio::test]
async fn a_login_that_is_refused_is_read_once_more() {
    let database = TestDatabase::create().await;
    let url = database.url();
    let before = DatabaseConfig::at(&url.replacen("://", "://before-", 1));
    let schema = Schema::new(before);
    let deadline = SystemTime::now() + Duration::from_secs(60);
    let unread = async || Err::<DatabaseConfig, _>("there is no secret");
    let refused = schema.prepare(deadline, unread).await.unwrap_err();
    assert_eq!(Diagnostic::from(refused).error_type, "DatabaseAway");
    let read = async || Ok::<_, String>(DatabaseConfig::at(url));
    assert!(schema.prepare(deadline, read).await.unwrap().done);
}
