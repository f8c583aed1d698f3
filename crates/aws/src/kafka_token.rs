use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use config::AwsCredentials;
use url::Url;

use crate::{Signer, SigningError};

/// What a client of MSK shows in place of a password (SASL/OAUTHBEARER).
#[derive(Debug)]
pub struct KafkaToken {
    /// A signed URL in base64, as the brokers of MSK take it: nothing that may be logged.
    pub value: String,
    /// When it is over, in milliseconds since the epoch.
    pub expires_ms: i64,
}

/// The longest that MSK grants.
const LIFETIME: Duration = Duration::from_secs(900);

impl KafkaToken {
    /// The token of a role for the clusters of `region`, good for 15 minutes from `now`: the URL of the action
    /// `kafka-cluster:Connect`, signed in its query, in base64 without padding, as AWS' own clients send it.
    ///
    /// # Errors
    /// When the region makes no URL.
    pub fn sign(
        credentials: &AwsCredentials,
        region: &str,
        now: SystemTime,
    ) -> Result<Self, SigningError> {
        let mut url = Url::parse(&format!("https://kafka.{region}.amazonaws.com/"))?;
        url.query_pairs_mut()
            .append_pair("Action", "kafka-cluster:Connect");
        Signer::new(credentials, region, "kafka-cluster").sign_url(&mut url, LIFETIME, now)?;
        // The brokers want one and do not compare it; the signature leaves it out.
        url.query_pairs_mut().append_pair("User-Agent", "slacast");
        let expires = now + LIFETIME;
        let since_epoch = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            value: BASE64_URL_SAFE_NO_PAD.encode(url.as_str()),
            expires_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Reference: `SigV4QueryAuth` of botocore 1.43.127, given the same key, region and time.
    #[test]
    fn the_token_is_that_of_the_reference() {
        let credentials = AwsCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: Some("session/token+1=".into()),
        };
        // 2015-08-30T12:36:00Z
        let now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let token = KafkaToken::sign(&credentials, "eu-west-1", now).unwrap();
        assert_eq!(token.expires_ms, 1_440_939_060_000);

        let decoded = BASE64_URL_SAFE_NO_PAD.decode(token.value).unwrap();
        let url = Url::parse(std::str::from_utf8(&decoded).unwrap()).unwrap();
        assert_eq!(
            (url.host_str(), url.path()),
            (Some("kafka.eu-west-1.amazonaws.com"), "/")
        );
        let found: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let expected = [
            ("Action", "kafka-cluster:Connect"),
            ("User-Agent", "slacast"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            (
                "X-Amz-Credential",
                "AKIDEXAMPLE/20150830/eu-west-1/kafka-cluster/aws4_request",
            ),
            ("X-Amz-Date", "20150830T123600Z"),
            ("X-Amz-Expires", "900"),
            ("X-Amz-Security-Token", "session/token+1="),
            (
                "X-Amz-Signature",
                "39b1366fc320492839d1e7465d9a9e0a94a1e7f147621db0d93c9967daa9e2cf",
            ),
            ("X-Amz-SignedHeaders", "host"),
        ];
        let expected: BTreeMap<_, _> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(found, expected);
    }
}
