use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        SignableBody, SignableRequest, SignatureLocation, SigningError as RefusedRequest,
        SigningInstructions, SigningParams, SigningSettings, sign,
    },
    sign::v4,
};
use config::{AwsCredentials, ExposeSecret};
use url::Url;

/// Signs requests to one service in one region (Signature Version 4).
#[derive(Clone, Debug)]
pub struct Signer {
    credentials: Credentials,
    region: String,
    service: String,
}

/// A request that cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be signed")]
pub enum SigningError {
    /// The parameters do not fit together.
    Parameters(#[from] v4::signing_params::BuildError),
    /// The request is malformed.
    Request(#[from] RefusedRequest),
    /// The URL is malformed.
    Url(#[from] url::ParseError),
}

impl Signer {
    /// A signer for `service`, by the name that its signatures have, in `region`.
    pub fn new(credentials: &AwsCredentials, region: &str, service: &str) -> Self {
        let token = credentials.session_token.as_ref();
        Self {
            credentials: Credentials::new(
                &credentials.access_key_id,
                credentials.secret_access_key.expose_secret(),
                token.map(|token| token.expose_secret().to_owned()),
                None,
                "environment",
            ),
            region: region.to_owned(),
            service: service.to_owned(),
        }
    }

    /// The headers that sign a request at the time `now`. `headers` are those that the signature covers besides `host`.
    ///
    /// # Errors
    /// When the URL or a header is malformed.
    pub fn sign(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: SystemTime,
    ) -> Result<Vec<(&'static str, String)>, SigningError> {
        let request = SignableRequest::new(
            method,
            url,
            headers.iter().copied(),
            SignableBody::Bytes(body),
        )?;
        let (headers, _) = self
            .instructions(request, SigningSettings::default(), now)?
            .into_parts();
        Ok(headers
            .into_iter()
            .map(|header| (header.name(), header.value().to_owned()))
            .collect())
    }

    /// Signs a `GET` without a body in its query, so that whoever has the URL may make the request for `lifetime` from
    /// `now` on.
    ///
    /// # Errors
    /// When the URL is malformed.
    pub fn sign_url(
        &self,
        url: &mut Url,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<(), SigningError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lifetime);
        let body = SignableBody::Bytes(&[]);
        let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), body)?;
        let (_, parameters) = self.instructions(request, settings, now)?.into_parts();
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(())
    }

    fn instructions(
        &self,
        request: SignableRequest<'_>,
        settings: SigningSettings,
        now: SystemTime,
    ) -> Result<SigningInstructions, SigningError> {
        let identity = self.credentials.clone().into();
        let parameters: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(now)
            .settings(settings)
            .build()?
            .into();
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        Ok(instructions)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// The example `get-vanilla` of AWS' own test suite for Signature Version 4.
    #[test]
    fn the_signature_is_that_of_the_reference() {
        let credentials = AwsCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
        };
        let headers = Signer::new(&credentials, "us-east-1", "service")
            .sign(
                "GET",
                "https://example.amazonaws.com/",
                &[],
                b"",
                // 2015-08-30T12:36:00Z
                UNIX_EPOCH + Duration::from_secs(1_440_938_160),
            )
            .unwrap();
        let authorization = headers
            .iter()
            .find(|(name, _)| *name == "authorization")
            .unwrap();
        assert_eq!(
            authorization.1,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }

    #[test]
    fn the_debug_form_holds_no_secret() {
        let credentials = AwsCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "hunter2".into(),
            session_token: Some("hunter3".into()),
        };
        let signer = Signer::new(&credentials, "us-east-1", "service");
        let text = format!("{credentials:?} {signer:?}");
        assert!(!text.contains("hunter"), "{text}");
    }
}
