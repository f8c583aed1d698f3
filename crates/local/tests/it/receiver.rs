//! A webhook's receiver, which checks what is signed.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::HeaderMap, http::StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver on a free port of loopback.
#[derive(Clone)]
pub(crate) struct Receiver {
    /// `ALERT_WEBHOOKS` that names it.
    pub(crate) webhooks: String,
    messages: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let secret = format!("whsec_{SECRET}");
        let webhooks = json!([{"name": "test", "url": url, "secrets": [secret]}]);
        let receiver = Self {
            webhooks: webhooks.to_string(),
            messages: Arc::default(),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// The types of the messages about an SLA, in their order.
    pub(crate) fn types(&self, sla: &str) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        let about = messages
            .iter()
            .filter(|own| own["data"]["labels"]["sla"] == sla);
        about
            .map(|own| own["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(SECRET).unwrap()).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    if header("webhook-signature") != signature {
        return StatusCode::UNAUTHORIZED;
    }
    let message = serde_json::from_str(&body).unwrap();
    receiver.messages.lock().unwrap().push(message);
    StatusCode::NO_CONTENT
}
