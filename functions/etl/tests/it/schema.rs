use etl::{objectives::Objectives, scoring::Scoring};
use store::testing::TestDatabase;

#[tokio::test]
async fn a_run_on_a_schema_of_another_release_says_so_and_names_the_versions() {
    let database = TestDatabase::create().await;
    let sentence = database.outgrow_this_program().await;
    let (slas, failure) = Objectives::new(database.store().clone()).current().await;
    assert!(slas.is_empty());
    let reason = failure.unwrap().reason;
    assert_eq!(reason, format!("{sentence}: this run judges no objective"));
    let as_of = "2026-11-26T08:45:00Z".parse().unwrap();
    let read = Scoring::new(database.store().clone())
        .read(as_of, domain::Part::WHOLE)
        .await;
    assert!(!read.failures.is_empty());
    for failure in read.failures {
        assert!(failure.reason.starts_with(&sentence), "{}", failure.reason);
    }
}
