use std::time::Duration;

use config::{AccessConfig, Bounds};
use domain::{
    Sample, Timestamp,
    evaluation::{ForecastRisk, Outlook, STALENESS, clean, evaluate},
    message::{SeriesReference, ViolationsDocument},
    sla::Objective,
};
use http_api::{Api, Reply, testing};
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, http};
use serde_json::Value;
use sla::{Evaluator, ROUTES, ReadLast, SlaManager};
use store::{
    Store,
    pipeline::Document,
    testing::{Documents, TestDatabase},
};

/// The function as it runs, without the Lambda runtime.
pub(crate) struct Service {
    api: Api<SlaManager>,
    manager: SlaManager,
}

impl Service {
    /// With nobody to evaluate at once.
    pub(crate) fn new(store: Store) -> Self {
        Self::with(store, Evaluator::new(None, None).unwrap())
    }

    pub(crate) fn with(store: Store, evaluator: Evaluator) -> Self {
        Self {
            api: Api::new(ROUTES, &AccessConfig::Anonymous),
            manager: SlaManager {
                store,
                evaluator,
                schedule_interval: Duration::from_secs(30),
                settle: Duration::from_secs(5),
                bounds: Bounds::default(),
                queries_allowed: true,
                read_last: ReadLast::default(),
            },
        }
    }

    /// With another bound on what is judged.
    pub(crate) fn judging(mut self, pairs: u64) -> Self {
        self.manager.bounds.judged_pairs = pairs;
        self
    }

    /// Where objectives may bring no PromQL of their own.
    pub(crate) fn without_queries(mut self) -> Self {
        self.manager.queries_allowed = false;
        self
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        uri: &str,
        if_match: Option<&str>,
        body: impl ToString,
    ) -> Reply {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut request = http::Request::builder()
            .method(method)
            .header("content-type", "application/json");
        if let Some(version) = if_match {
            request = request.header("if-match", version);
        }
        let request = request
            .body(Body::from(body.to_string()))
            .unwrap()
            .with_raw_http_path(path)
            .with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        testing::answer(&self.api, &self.manager, request).await
    }

    pub(crate) async fn status(
        &self,
        method: &str,
        uri: &str,
        if_match: Option<&str>,
        body: impl ToString,
    ) -> u16 {
        self.send(method, uri, if_match, body)
            .await
            .status()
            .as_u16()
    }

    /// A page or form, as a browser asks for it.
    pub(crate) async fn browse(&self, method: &str, uri: &str, form: &str) -> Reply {
        self.browser(method, uri, form, &[]).await
    }

    /// The same by a browser that has the page already.
    pub(crate) async fn browse_known(&self, uri: &str, tag: &str) -> Reply {
        self.browser("GET", uri, "", &[("if-none-match", tag)])
            .await
    }

    /// The same by one that takes it compressed.
    pub(crate) async fn browse_compressed(&self, uri: &str) -> Reply {
        self.browser("GET", uri, "", &[("accept-encoding", "gzip")])
            .await
    }

    async fn browser(
        &self,
        method: &str,
        uri: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut request = http::Request::builder()
            .method(method)
            .header("host", "127.0.0.1:9000")
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Body::from(form))
            .unwrap()
            .with_raw_http_path(path)
            .with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        self.api.answer(&self.manager, request).await
    }

    /// The last whole second, as an evaluation has it.
    pub(crate) fn now(&self) -> String {
        let now: Timestamp = chrono::Utc::now().into();
        now.floor_to_second().to_string()
    }

    /// The document of a route that answers with 200.
    pub(crate) async fn get(&self, uri: &str) -> Value {
        let reply = self.send("GET", uri, None, "").await;
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

pub(crate) fn etag(reply: &Reply) -> &str {
    reply.headers()["etag"].to_str().unwrap()
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What an evaluation finds: the values of the last samples, one every 15 s, the newest last and at `as_of`.
pub(crate) struct Told<'a> {
    pub(crate) sla: &'a str,
    pub(crate) version: u32,
    pub(crate) objective: &'a Objective,
    pub(crate) as_of: &'a str,
}

impl Told<'_> {
    pub(crate) fn of(&self, instance: &str, values: &[f64], risk: ForecastRisk) -> Document {
        let as_of = time(self.as_of);
        let age = |position: usize| Duration::from_secs(15 * (values.len() - 1 - position) as u64);
        let samples = values.iter().enumerate();
        let samples = samples.map(|(position, value)| Sample {
            time: as_of - age(position),
            value: *value,
        });
        let evaluated = evaluate(self.objective, &clean(samples.collect()), STALENESS, as_of);
        let judgement = evaluated.judgement().unwrap();
        let about = Documents::about(&self.objective.metric, instance);
        let series = SeriesReference::new(about.series(), None);
        Document::Violations(Box::new(ViolationsDocument::judged(
            &self.sla.parse().unwrap(),
            self.version,
            self.objective,
            series,
            judgement,
            Outlook::Forecast(risk),
        )))
    }

    pub(crate) fn of_nothing(&self) -> Document {
        let document = ViolationsDocument::without_series(
            &self.sla.parse().unwrap(),
            self.version,
            self.objective,
            time(self.as_of),
        );
        Document::Violations(Box::new(document))
    }
}

pub(crate) fn outlook(probability: f64) -> ForecastRisk {
    ForecastRisk {
        probability,
        probability_new: probability / 2.0,
        expected_violations: probability,
        expected_seconds: 60.0 * probability,
        first_crossing: None,
        crossing_share: probability,
        ..ForecastRisk::default()
    }
}

/// The objectives of an SLA in force.
pub(crate) async fn objectives(database: &TestDatabase, name: &str) -> Vec<Objective> {
    database
        .store()
        .sla(name)
        .await
        .unwrap()
        .unwrap()
        .sla
        .objectives
}
