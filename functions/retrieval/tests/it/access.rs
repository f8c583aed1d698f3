use http_api::testing;
use retrieval::ROUTES;

#[tokio::test]
async fn no_route_answers_whom_it_does_not_know() {
    testing::hold_access(ROUTES).await;
}
