//! Lambda: one call, `Invoke`.

use std::time::Duration;

use bytes::Bytes;
use config::{AwsCredentials, ConfigError, Environment};
use http::{Response, StatusCode};
use url::Url;

use crate::{
    Signer,
    endpoint::endpoint,
    request::{RequestError, post},
};

/// What Lambda lets a function return, in bytes.
const LONGEST_ANSWER: usize = 6_291_556;

/// The functions of this account and region.
#[derive(Clone, Debug)]
pub struct Functions {
    signer: Signer,
    url: Url,
}

/// An invocation that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Lambda cannot be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Lambda refuses: too many invocations, no such function, no permission.
    #[error("Lambda answers {0}")]
    Refused(StatusCode),
    /// The function failed.
    #[error("the function failed: {0}")]
    Failed(String),
}

impl Functions {
    /// Reads the credentials, `AWS_REGION`, and where Lambda is if it is not where AWS has it
    /// (`AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL`).
    ///
    /// # Errors
    /// When one is absent or malformed.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let region = environment.required("AWS_REGION")?;
        let url = endpoint("lambda", region, environment)?;
        let signer = Signer::new(&AwsCredentials::read(environment)?, region, "lambda");
        Ok(Self { signer, url })
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// When Lambda is away or refuses, the function fails, or `patience` is over.
    pub async fn invoke(
        &self,
        name: &str,
        event: Vec<u8>,
        patience: Duration,
    ) -> Result<Bytes, InvokeError> {
        let answer = self.post(name, &[], event, patience).await?;
        if answer.headers().contains_key("x-amz-function-error") {
            let told = String::from_utf8_lossy(answer.body());
            return Err(InvokeError::Failed(told.chars().take(500).collect()));
        }
        Ok(answer.into_body())
    }

    /// Has a function invoked, and does not wait for it.
    ///
    /// # Errors
    /// When Lambda is away or refuses, or `patience` is over.
    pub async fn invoke_later(
        &self,
        name: &str,
        event: Vec<u8>,
        patience: Duration,
    ) -> Result<(), InvokeError> {
        let later = ("x-amz-invocation-type", "Event");
        self.post(name, &[later], event, patience).await.map(drop)
    }

    async fn post(
        &self,
        name: &str,
        more: &[(&str, &str)],
        event: Vec<u8>,
        patience: Duration,
    ) -> Result<Response<Bytes>, InvokeError> {
        let mut url = self.url.clone();
        url.set_path(&format!("/2015-03-31/functions/{name}/invocations"));
        let headers = [&[("content-type", "application/json")][..], more].concat();
        let answer = post(
            &self.signer,
            &url,
            &headers,
            event,
            patience,
            LONGEST_ANSWER,
        )
        .await?;
        if !answer.status().is_success() {
            return Err(InvokeError::Refused(answer.status()));
        }
        Ok(answer)
    }
}
