use std::{sync::Arc, time::Duration};

use alerting::{Alerting, ROUTES, function::Function, receivers::Receivers};
use config::{AccessConfig, AlertConfig, Environment};
use domain::{Timestamp, sla::Objective};
use http_api::{Api, testing};
use lambda_http::{Body, RequestExt, aws_lambda_events::query_map::QueryMap, http};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use store::{
    sla::Condition,
    testing::{Documents, TestDatabase, recorded},
};

use crate::receiver::{Names, Receiver, SECRET};

/// The function with an SLA `demo` whose one objective is "at most 80 for a minute".
pub(crate) struct System {
    pub(crate) database: TestDatabase,
    variables: Vec<(String, String)>,
    names: Names,
}

impl System {
    /// With these webhooks, by name.
    pub(crate) async fn with(receivers: &[(&str, &Receiver)]) -> Self {
        let urls = receivers.iter();
        let urls: Vec<_> = urls.map(|(name, own)| (*name, own.url())).collect();
        Self::at(&urls, true).await
    }

    /// With webhooks at these addresses, that may be private or not.
    pub(crate) async fn at(webhooks: &[(&str, String)], private: bool) -> Self {
        let webhooks: Vec<Value> = webhooks
            .iter()
            .map(|(name, url)| json!({"name": name, "url": url, "secrets": [SECRET]}))
            .collect();
        let variables = vec![
            ("ALERT_WEBHOOKS".to_owned(), json!(webhooks).to_string()),
            ("ALERT_ALLOW_PRIVATE".to_owned(), private.to_string()),
        ];
        let system = Self {
            database: TestDatabase::create().await,
            variables,
            names: Names::default(),
        };
        system.put_sla(&[about("a").objective()]).await;
        system
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn named(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    pub(crate) async fn put_sla(&self, objectives: &[Objective]) {
        let store = self.database.store();
        let now = Timestamp::from(chrono::Utc::now());
        let put = store.put_sla("demo", objectives, &Condition::Any, now);
        put.await.unwrap();
    }

    /// An instance of its own.
    pub(crate) fn alerting(&self) -> Alerting {
        let environment: Environment = self.variables.iter().cloned().collect();
        let config = AlertConfig::read(&environment).unwrap();
        let lookup = Arc::new(self.names.clone());
        Alerting {
            store: store::connect(self.database.url()).unwrap(),
            receivers: Receivers::new(&config, &environment, lookup).unwrap(),
            schedule_interval: Duration::from_secs(30),
            hold: config.hold,
            public_url: config.public_url,
            kept: Duration::from_secs(86_400),
        }
    }

    /// What the schedule asks for; each receiver gets one round of attempts.
    pub(crate) async fn tick(&self) -> Value {
        let event = json!({"detail-type": "Scheduled Event", "time": "2026-11-23T08:45:00Z"});
        self.handle(event).await
    }

    pub(crate) async fn handle(&self, event: Value) -> Value {
        let function = Function::new(self.alerting(), &AccessConfig::Anonymous);
        let event = LambdaEvent::new(event, Context::default());
        function.handle(event).await.unwrap()
    }

    /// An evaluation `age` seconds ago, in which these machines have these values.
    pub(crate) async fn evaluate(&self, age: u64, machines: &[(&str, f64)]) {
        let now = Timestamp::from(chrono::Utc::now()).floor_to_second();
        let as_of = now - Duration::from_secs(age);
        let of = |value| (0..10).map(|step| (step * 15, value)).collect::<Vec<_>>();
        let documents = machines.iter().map(|(instance, value)| {
            let objective = about("a").objective();
            about(instance).violations_of(&objective, &of(*value), as_of)
        });
        let documents = recorded(documents);
        let stored = self.database.store().store_batch(&documents, &[]);
        stored.await.unwrap();
    }

    pub(crate) async fn get(&self, uri: &str) -> Value {
        self.ask("GET", uri).await.1
    }

    pub(crate) async fn ask(&self, method: &str, uri: &str) -> (u16, Value) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let request = http::Request::builder().method(method);
        let request = request
            .body(Body::Empty)
            .unwrap()
            .with_raw_http_path(path)
            .with_query_string_parameters(query.parse::<QueryMap>().unwrap());
        let api = Api::new(ROUTES, &AccessConfig::Anonymous);
        let reply = testing::answer(&api, &self.alerting(), request).await;
        let Body::Text(text) = reply.body() else {
            panic!("{:?}", reply.body());
        };
        (reply.status().as_u16(), serde_json::from_str(text).unwrap())
    }
}

/// What is found of a machine. The objective is about all of them.
fn about(instance: &str) -> Documents {
    Documents::about("cpuUsage", instance)
}
