//! Secrets Manager: one call, `GetSecretValue`.

use std::time::Duration;

use config::{AwsCredentials, ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    Signer,
    request::{RequestError, SHORT, post},
};

/// A secret that cannot be read. Never holds what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not the ARN of a secret.
    #[error("is not of the form arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")]
    NotAnArn,
    /// Secrets Manager cannot be asked.
    #[error("Secrets Manager cannot be asked")]
    Request(#[from] RequestError),
    /// Secrets Manager refuses.
    #[error("Secrets Manager answers {kind}: {message}")]
    Refused {
        /// The error's name, such as `ResourceNotFoundException`.
        kind: String,
        /// In words.
        message: String,
    },
    /// The answer is not what it should be.
    #[error("Secrets Manager's answer is not understood")]
    NotUnderstood,
    /// The secret is no JSON object.
    #[error("the secret is not a JSON object")]
    NotAnObject,
    /// A key is not what it should be.
    #[error("the key `{0}` must be an object of strings of one line each")]
    NotTexts(&'static str),
    /// The secret lacks a key.
    #[error("the secret has no key `{0}`")]
    MissingKey(&'static str),
}

/// An instance has 10 s to start.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys and values of a secret.
pub(crate) struct Secret(Map<String, Value>);

impl Secret {
    /// Asks Secrets Manager, at `endpoint` if that is given.
    pub(crate) async fn read(
        arn: &str,
        credentials: &AwsCredentials,
        endpoint: Option<Url>,
    ) -> Result<Self, SecretError> {
        let (region, own) = place(arn).ok_or(SecretError::NotAnArn)?;
        let signer = Signer::new(credentials, region, "secretsmanager");
        let document = json!({"SecretId": arn}).to_string().into_bytes();
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "secretsmanager.GetSecretValue"),
        ];
        let url = endpoint.unwrap_or(own);
        let response = post(&signer, &url, &headers, document, PATIENCE, SHORT).await?;
        let status = response.status();
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if !status.is_success() {
            let text = |name: &str| answer[name].as_str().map(str::to_owned);
            let kind = text("__type").unwrap_or_else(|| status.to_string());
            return Err(SecretError::Refused {
                kind: kind.rsplit('#').next().unwrap_or_default().to_owned(),
                message: text("message").or(text("Message")).unwrap_or_default(),
            });
        }
        let text = answer["SecretString"]
            .as_str()
            .ok_or(SecretError::NotUnderstood)?;
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self, SecretError> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|_| SecretError::NotAnObject)
    }

    /// The text or number under a key, if there is one.
    pub(crate) fn get(&self, key: &str) -> Option<SecretString> {
        match self.0.get(key)? {
            Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
            Value::Number(number) => Some(number.to_string().into()),
            _ => None,
        }
    }

    /// The texts and numbers of the object under a key, if there is one.
    pub(crate) fn object(
        &self,
        key: &'static str,
    ) -> Result<Option<Vec<(String, SecretString)>>, SecretError> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => {
                let fields = Self(fields.clone());
                let pairs = fields.0.keys().map(|name| {
                    let value = fields.get(name).ok_or(SecretError::NotTexts(key))?;
                    // A line of its own each.
                    let is_line = !value.expose_secret().contains(['\n', '\r']);
                    let is_name = !name.contains(['\n', '\r', ':']);
                    let pair = (is_line && is_name).then(|| (name.clone(), value));
                    pair.ok_or(SecretError::NotTexts(key))
                });
                pairs.collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(SecretError::NotTexts(key)),
        }
    }

    /// The text or number under a key that has to be there.
    pub(crate) fn required(&self, key: &'static str) -> Result<SecretString, SecretError> {
        self.get(key).ok_or(SecretError::MissingKey(key))
    }
}

/// The region that an ARN names and where its Secrets Manager is.
fn place(arn: &str) -> Option<(&str, Url)> {
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let [
        "arn",
        partition,
        "secretsmanager",
        region,
        account,
        "secret",
        name,
    ] = parts[..]
    else {
        return None;
    };
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if !plain(region) || !plain(account) || name.is_empty() {
        return None;
    }
    let domain = match partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        _ => return None,
    };
    let url = Url::parse(&format!("https://secretsmanager.{region}.{domain}/")).ok()?;
    Some((region, url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_where_its_secret_is() {
        for (arn, url) in [
            (
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
                "https://secretsmanager.eu-west-1.amazonaws.com/",
            ),
            (
                "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:db:x",
                "https://secretsmanager.cn-north-1.amazonaws.com.cn/",
            ),
        ] {
            assert_eq!(place(arn).unwrap().1.as_str(), url);
        }
        for arn in [
            "",
            "db",
            "arn:aws:s3:::bucket",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:",
            "arn:aws:secretsmanager:evil.example/:123456789012:secret:db",
            "arn:moon:secretsmanager:eu-west-1:123456789012:secret:db",
        ] {
            assert!(place(arn).is_none(), "{arn}");
        }
    }

    #[test]
    fn a_missing_key_is_named() {
        let secret = Secret::parse(r#"{"username": "u", "port": 3306, "password": ""}"#).unwrap();
        let text = |key| {
            secret
                .get(key)
                .map(|found| found.expose_secret().to_owned())
        };
        assert_eq!(text("username").as_deref(), Some("u"));
        assert_eq!(text("port").as_deref(), Some("3306"));
        let error = secret.required("password").unwrap_err();
        assert_eq!(error.to_string(), "the secret has no key `password`");
    }

    #[test]
    fn an_object_in_a_secret_is_one_of_strings() {
        let object = |text: &str| Secret::parse(text).unwrap().object("headers");
        assert!(object("{}").unwrap().is_none());
        let pairs = object(r#"{"headers": {"X-Scope-OrgID": "a", "Depth": 3}}"#).unwrap();
        let mut pairs: Vec<(String, String)> = pairs
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name, value.expose_secret().to_owned()))
            .collect();
        pairs.sort();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs, [pair("Depth", "3"), pair("X-Scope-OrgID", "a")]);
        for text in [
            r#"{"headers": "a: b"}"#,
            r#"{"headers": {"a": ["b"]}}"#,
            r#"{"headers": {"a": "b\nc: d"}}"#,
        ] {
            assert!(object(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_no_object_is_refused_without_showing_it() {
        for text in [
            "hunter2",
            r#""hunter2""#,
            r#"["hunter2"]"#,
            r#"{"a": "hunter2""#,
        ] {
            let error = Secret::parse(text).err().unwrap();
            assert!(!format!("{error:?} {error}").contains("hunter2"));
        }
    }
}
