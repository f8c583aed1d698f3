//! The Invoke API, from the caller's side.

use std::time::Duration;

use reqwest::{Client, Url};

/// Longer than any function may run.
const LONGEST_INVOCATION: Duration = Duration::from_secs(16 * 60);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most of an error's body that a message shows.
const LONGEST_ERROR_CHARS: usize = 2000;

/// Invokes the functions of one host. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Invoker {
    client: Client,
    base: Url,
}

/// Whether an invocation waits for the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationType {
    /// Waits for the function's answer.
    RequestResponse,
    /// Is done when the host has taken the event; retries are the host's business.
    Event,
}

/// Why there is no invoker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokerError {
    /// The base URL is none of `http` or `https`.
    #[error("{url:?} is not the http or https URL of an Invoke API")]
    Url {
        /// What was given.
        url: String,
    },
    /// The HTTP client does not start.
    #[error("the HTTP client does not start")]
    Client(#[source] reqwest::Error),
}

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The host was not reached or did not answer.
    #[error("the host does not answer")]
    Transport(#[source] reqwest::Error),
    /// The host refused.
    #[error("the host answered {status}: {}", start(.body))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The function failed.
    #[error("the function failed ({kind}): {}", start(.payload))]
    Function {
        /// The header `X-Amz-Function-Error`.
        kind: String,
        /// The error's document.
        payload: String,
    },
}

impl Invoker {
    /// An invoker for the host at `base_url`, to which `/2015-03-31/functions/…` is added.
    ///
    /// # Errors
    ///
    /// When the URL is malformed or the HTTP client does not start.
    pub fn new(base_url: &str) -> Result<Self, InvokerError> {
        let invalid = || InvokerError::Url {
            url: base_url.to_owned(),
        };
        let base = Url::parse(base_url).map_err(|_| invalid())?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(invalid());
        }
        let client = http_client::direct()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(LONGEST_INVOCATION)
            .build()
            .map_err(InvokerError::Client)?;
        Ok(Self { client, base })
    }

    /// Invokes `function` with a JSON payload; its answer, or nothing for an event.
    ///
    /// # Errors
    ///
    /// When the host does not answer or refuses, or when the function failed.
    pub async fn invoke(
        &self,
        function: &str,
        kind: InvocationType,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, InvokeError> {
        let request = self
            .client
            .post(self.url(function))
            .header("content-type", "application/json")
            .header("x-amz-invocation-type", kind.as_str())
            .body(payload);
        let response = request.send().await.map_err(InvokeError::Transport)?;
        let status = response.status();
        let error = response.headers().get("x-amz-function-error");
        let error = error.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let body = response.bytes().await.map_err(InvokeError::Transport)?;
        let text = || String::from_utf8_lossy(&body).into_owned();
        match error {
            Some(kind) => Err(InvokeError::Function {
                kind,
                payload: text(),
            }),
            None if !status.is_success() => Err(InvokeError::Status {
                status: status.as_u16(),
                body: text(),
            }),
            None => Ok(body.into()),
        }
    }

    fn url(&self, function: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            let path = ["2015-03-31", "functions", function, "invocations"];
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

impl InvocationType {
    fn as_str(self) -> &'static str {
        match self {
            Self::RequestResponse => "RequestResponse",
            Self::Event => "Event",
        }
    }
}

fn start(body: &str) -> String {
    body.chars().take(LONGEST_ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_invoke_api_is_added_to_the_base() {
        let cases = [
            (
                "http://127.0.0.1:9000",
                "http://127.0.0.1:9000/2015-03-31/functions/a%2Fb/invocations",
            ),
            (
                "http://127.0.0.1:9000/",
                "http://127.0.0.1:9000/2015-03-31/functions/a%2Fb/invocations",
            ),
            (
                "https://host/x",
                "https://host/x/2015-03-31/functions/a%2Fb/invocations",
            ),
        ];
        for (base, expected) in cases {
            assert_eq!(Invoker::new(base).unwrap().url("a/b").as_str(), expected);
        }
    }

    #[test]
    fn a_message_shows_the_start_of_a_document_that_is_kept_whole() {
        let payload = "é".repeat(3 * LONGEST_ERROR_CHARS);
        let error = InvokeError::Function {
            kind: "Unhandled".to_owned(),
            payload,
        };
        let shown = error.to_string();
        assert!(shown.starts_with("the function failed (Unhandled): éé"));
        assert!(shown.chars().count() < LONGEST_ERROR_CHARS + 100);
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for url in ["", "127.0.0.1:9000", "ftp://127.0.0.1", "mailto:a@b"] {
            assert!(
                matches!(Invoker::new(url), Err(InvokerError::Url { .. })),
                "{url}"
            );
        }
    }
}
