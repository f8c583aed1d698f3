//! A webhook's receiver that does what it is asked to.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use alerting::receivers::resolver::Lookup;
use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, response::IntoResponse};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;

/// The secret of every receiver here.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Behaviour {
    /// What to answer, one after the other; then 200.
    answers: VecDeque<(StatusCode, Vec<(&'static str, String)>)>,
    received: Vec<Received>,
}

/// A receiver on a free port of loopback.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            behaviour: Arc::default(),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next answer.
    pub(crate) fn answer(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (*name, (*value).to_owned()));
        let answer = (StatusCode::from_u16(status).unwrap(), headers.collect());
        self.behaviour.lock().unwrap().answers.push_back(answer);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.behaviour.lock().unwrap().received.clone()
    }

    /// The kinds of the messages, in their order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let received = self.received().into_iter();
        let kinds = received.map(|own| own.body["type"].as_str().unwrap().to_owned());
        kinds.collect()
    }
}

/// Takes what is signed rightly.
async fn take(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: String,
) -> impl IntoResponse {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let signatures = header("webhook-signature");
    assert!(signatures.split(' ').any(|signature| signature == expected));
    let age = chrono::Utc::now().timestamp() - timestamp.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    let mut behaviour = receiver.behaviour.lock().unwrap();
    let body = serde_json::from_str(&body).unwrap();
    behaviour.received.push(Received { id, body });
    let (status, headers) = behaviour.answers.pop_front().unwrap_or_default();
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| {
            (
                axum::http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )
        })
        .collect();
    (status, headers)
}

/// Names with addresses of their own: nothing of a test leaves the machine.
#[derive(Clone, Default)]
pub(crate) struct Names(pub(crate) Vec<(&'static str, IpAddr)>);

impl Lookup for Names {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        let own = self.0.iter().filter(|(known, _)| *known == name);
        let addresses: Vec<IpAddr> = own.map(|(_, address)| *address).collect();
        Box::pin(async move {
            match addresses.is_empty() {
                true => Err(std::io::Error::other("no such name")),
                false => Ok(addresses),
            }
        })
    }
}
