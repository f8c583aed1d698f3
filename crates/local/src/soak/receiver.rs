//! Receivers of alerts: one that takes everything at once, and one that mostly does not.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    serve::Listener,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::faults::Random;

/// Whoever receives alerts.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) name: &'static str,
    url: String,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    taken: Mutex<Vec<Message>>,
    /// Decides what goes wrong; `None`: nothing does.
    random: Option<Mutex<Random>>,
    calm: AtomicBool,
}

/// A message that was taken, whether or not its sender learnt of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) data: Value,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Taken,
    /// Taken, but the answer comes when nobody waits for it any more.
    Late,
    Failed(StatusCode),
}

/// Longer than a sender waits.
const LATE: Duration = Duration::from_secs(12);

impl Receiver {
    /// Listens on a port of loopback. With a seed much goes wrong.
    pub(super) async fn start(name: &'static str, seed: Option<u64>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let receiver = Self {
            name,
            url: format!("http://{}/{name}", listener.local_addr()?),
            inner: Arc::new(Inner {
                taken: Mutex::default(),
                random: seed.map(|seed| Mutex::new(Random(seed))),
                calm: AtomicBool::new(false),
            }),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        let listener = Closing {
            listener,
            receiver: receiver.clone(),
        };
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(receiver)
    }

    /// What `ALERT_WEBHOOKS` says of it.
    pub(super) fn webhook(&self) -> Value {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        json!({"name": self.name, "url": self.url, "secrets": [secret]})
    }

    /// From now on nothing goes wrong.
    pub(super) fn calm(&self) {
        self.inner.calm.store(true, Ordering::Relaxed);
    }

    /// What was taken until now, in its order.
    pub(super) fn taken(&self) -> Vec<Message> {
        let taken = self.inner.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn below(&self, bound: u64) -> Option<u64> {
        let random = self.inner.random.as_ref()?;
        if self.inner.calm.load(Ordering::Relaxed) {
            return None;
        }
        let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
        Some(random.below(bound))
    }

    fn way(&self) -> Way {
        match self.below(10) {
            None | Some(0..4) => Way::Taken,
            Some(4) => Way::Late,
            Some(5..8) => Way::Failed(StatusCode::INTERNAL_SERVER_ERROR),
            Some(_) => Way::Failed(StatusCode::TOO_MANY_REQUESTS),
        }
    }

    fn keep(&self, headers: &HeaderMap, body: &[u8]) {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = headers.get("webhook-id");
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let message = Message {
            id: id.to_owned(),
            kind: document["type"].as_str().unwrap_or_default().to_owned(),
            data: document["data"].clone(),
        };
        let taken = self.inner.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    match receiver.way() {
        Way::Failed(status) => (status, [(header::RETRY_AFTER, "1")]).into_response(),
        way => {
            receiver.keep(&headers, &body);
            if way == Way::Late {
                sleep(LATE).await;
            }
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// Closes some connections before anything is read.
struct Closing {
    listener: TcpListener,
    receiver: Receiver,
}

impl Listener for Closing {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if self.receiver.below(5) != Some(0) {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receiver_that_fails_takes_everything_once_it_is_calm() {
        let receiver = Receiver::start("failing", Some(1)).await.unwrap();
        let ways: Vec<_> = (0..100).map(|_| receiver.way()).collect();
        let expected = [
            Way::Taken,
            Way::Late,
            Way::Failed(StatusCode::INTERNAL_SERVER_ERROR),
            Way::Failed(StatusCode::TOO_MANY_REQUESTS),
        ];
        for way in expected {
            assert!(ways.contains(&way), "{way:?}");
        }
        receiver.calm();
        let client = http_client::direct().build().unwrap();
        let body = json!({"type": "alert.firing", "data": {"fingerprint": "f"}});
        for _ in 0..10 {
            let request = client
                .post(&receiver.url)
                .header("webhook-id", "f-1-firing");
            let answer = request.json(&body).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
        let taken = receiver.taken();
        assert_eq!(taken.len(), 10);
        assert_eq!(
            (&*taken[0].id, &*taken[0].kind),
            ("f-1-firing", "alert.firing")
        );
    }
}
