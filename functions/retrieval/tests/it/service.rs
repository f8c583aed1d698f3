use std::time::Duration;

use config::AccessConfig;
use domain::Timestamp;
use http_api::{Api, Reply, testing};
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, http};
use retrieval::{ROUTES, Retrieval};
use serde_json::Value;
use store::{
    Store,
    testing::{Documents, TestDatabase},
};

/// The function as it runs, without the Lambda runtime.
pub(crate) struct Service {
    api: Api<Retrieval>,
    retrieval: Retrieval,
}

impl Service {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            api: Api::new(ROUTES, &AccessConfig::Anonymous),
            retrieval: Retrieval {
                store,
                schedule_interval: Duration::from_secs(30),
            },
        }
    }

    /// For which whatever was evaluated since 2000 is new enough.
    pub(crate) fn patient(store: Store) -> Self {
        let mut service = Self::new(store);
        service.retrieval.schedule_interval = Duration::from_secs(3_000 * 86_400);
        service
    }

    pub(crate) async fn reply(&self, method: &str, uri: &str) -> Reply {
        self.reply_to(method, uri, &[], Body::Empty).await
    }

    /// The text of a route that answers with 200 to who wants this media type.
    pub(crate) async fn text(&self, uri: &str, accept: &str) -> String {
        let headers = [("accept", accept)];
        let reply = self.reply_to("GET", uri, &headers, Body::Empty).await;
        assert_eq!(reply.status(), 200, "{uri}: {:?}", reply.body());
        match reply.body() {
            Body::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn reply_to(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Reply {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut request = http::Request::builder()
            .method(method)
            .uri("http://127.0.0.1:9000/")
            .header("host", "127.0.0.1:9000");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body)
            .unwrap()
            .with_raw_http_path(path)
            .with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        testing::answer(&self.api, &self.retrieval, request).await
    }

    /// A page, as a browser asks for it.
    pub(crate) async fn browse(&self, uri: &str) -> Reply {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let request = http::Request::builder()
            .header("host", "127.0.0.1:9000")
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let request = request
            .body(Body::Empty)
            .unwrap()
            .with_raw_http_path(path)
            .with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        self.api.answer(&self.retrieval, request).await
    }

    /// The document of a route that answers with 200.
    pub(crate) async fn get(&self, uri: &str) -> Value {
        let reply = self.reply("GET", uri).await;
        let document = json(&reply);
        assert_eq!(reply.status(), 200, "{uri}: {document}");
        document
    }
}

pub(crate) fn json(reply: &Reply) -> Value {
    match reply.body() {
        Body::Text(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A database with everything about these series at these times.
pub(crate) async fn filled(series: &[(&str, &str)], times: &[&str]) -> TestDatabase {
    let database = TestDatabase::create().await;
    for as_of in times {
        store_run(&database, series, as_of).await;
    }
    database
}

pub(crate) async fn store_run(database: &TestDatabase, series: &[(&str, &str)], as_of: &str) {
    let as_of = time(as_of);
    let mut documents = Vec::new();
    for (metric, instance) in series {
        let about = Documents::about(metric, instance);
        documents.extend([
            about.metrics(as_of),
            about.metadata(as_of),
            about.prediction(as_of),
        ]);
    }
    documents.push(Documents::about("cpuUsage", "demo").run(as_of));
    database.store().store_batch(&documents, &[]).await.unwrap();
}
