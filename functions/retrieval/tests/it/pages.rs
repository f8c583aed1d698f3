//! The pages about series: what they show of which time.

use lambda_http::Body;
use store::testing::{Documents, TestDatabase};

use crate::service::{Service, filled, time};

const AS_OF: &str = "2026-11-23T08:45:00Z";

fn address() -> String {
    let about = Documents::about("cpuUsage", "a");
    format!("/ui/series/{}", about.series().id())
}

/// The status, the tag and the text of a page.
async fn page(service: &Service, uri: &str) -> (u16, String, String) {
    let reply = service.browse(uri).await;
    let tag = reply.headers().get("etag");
    let tag = tag.map_or("", |tag| tag.to_str().unwrap()).to_owned();
    let Body::Text(text) = reply.body() else {
        panic!("{reply:?}");
    };
    (reply.status().as_u16(), tag, text.clone())
}

#[tokio::test]
async fn a_series_is_shown_in_the_time_that_is_asked_for() {
    let database = filled(&[("cpuUsage", "a")], &[AS_OF]).await;
    let service = Service::new(database.store().clone());
    let expected = "Expected in the next 10 minutes";
    let (status, _, newest) = page(&service, &address()).await;
    assert_eq!(status, 200, "{newest}");
    assert!(newest.contains(expected), "{newest}");
    assert!(newest.contains("?from=-12h"), "{newest}");
    let (from, to) = ("2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z");
    let asked = format!("{}?from={from}&to={to}", address());
    let (status, _, shown) = page(&service, &asked).await;
    assert_eq!(status, 200, "{shown}");
    for end in [from, to] {
        assert!(shown.contains(&format!("value=\"{end}\"")), "{shown}");
    }
    // What follows the newest time is no part of that one.
    assert!(!shown.contains(expected), "{shown}");
    for query in ["from=-3h", "from=-90d", "from=08:12&to=now"] {
        let (status, _, shown) = page(&service, &format!("{}?{query}", address())).await;
        assert_eq!(status, 200, "{query}: {shown}");
    }
    for query in ["from=-1h&to=-2h", "from=nonsense", "sort=worst"] {
        let (status, ..) = page(&service, &format!("{}?{query}", address())).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_series_without_a_forecast_is_the_same_page_as_long_as_its_data_is() {
    let database = TestDatabase::create().await;
    let about = Documents::about("cpuUsage", "a");
    let documents = [
        about.metrics(time(AS_OF)),
        about.metadata(time(AS_OF)),
        about.history(time(AS_OF)),
    ];
    database.store().store_batch(&documents, &[]).await.unwrap();
    let service = Service::new(database.store().clone());
    let (status, tag, shown) = page(&service, &address()).await;
    assert_eq!(status, 200, "{shown}");
    // The three hours up to its newest sample, whenever that was.
    assert!(!shown.contains("There is nothing to draw"), "{shown}");
    assert_eq!(page(&service, &address()).await.1, tag);
    assert!(!tag.is_empty());
}
