//! Standard Webhooks 1.0: a POST that says who sent it and when.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use config::{ExposeSecret, WebhookConfig};
use domain::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Response, header::CONTENT_TYPE};
use sha2::Sha256;

use super::{
    address::Allowed,
    failure::{Attempt, sentence},
    resolver,
};

/// A webhook.
pub struct Webhook {
    config: WebhookConfig,
    client: Client,
    allowed: Allowed,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Webhook").field(&self.config.name).finish()
    }
}

impl Webhook {
    pub(super) fn new(config: WebhookConfig, client: Client, allowed: Allowed) -> Self {
        Self {
            config,
            client,
            allowed,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether it gets the watchdog.
    pub fn has_watchdog(&self) -> bool {
        self.config.watchdog
    }

    pub(super) fn address(&self) -> &str {
        self.config.url.as_str()
    }

    /// Sends a message, signed at `now` with each secret.
    pub async fn send(&self, id: &str, body: &str, now: Timestamp) -> Attempt {
        if let Err(refused) = resolver::judge(&self.config.url, self.allowed) {
            return Attempt::failed(refused.to_string());
        }
        let timestamp = now.millis().div_euclid(1000);
        let signatures = self.config.secrets.iter();
        let signatures =
            signatures.map(|secret| signature(secret.expose_secret(), id, timestamp, body));
        let signatures: Vec<String> = signatures.collect();
        let sent = self
            .client
            .post(self.config.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body.to_owned())
            .send();
        match sent.await {
            Ok(response) => {
                let attempt = Attempt::answered(response.status(), response.headers());
                read_away(response).await;
                attempt
            }
            Err(error) => Attempt::failed(sentence(&error)),
        }
    }
}

/// An answer that is read to its end leaves the connection to the next message.
const LONGEST_ANSWER: usize = 64 << 10;

/// Reads what an answer says, which is of no use, as far as it is short.
async fn read_away(mut response: Response) {
    let mut length = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        length += chunk.len();
        if length > LONGEST_ANSWER {
            break;
        }
    }
}

/// `v1,` and HMAC-SHA256 over id, timestamp and body with dots between, in base64.
fn signature(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return String::new();
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the reference libraries' own tests (standard-webhooks/standard-webhooks, `libraries/rust` and others).
    #[test]
    fn the_signature_is_that_of_the_reference() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
