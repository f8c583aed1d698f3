use std::error::Error;

use lambda_http::http::{HeaderValue, Method, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Reply, reply};

/// Why a request is not answered as asked. Its display is what the caller reads: never an internal cause.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The body is not YAML.
    #[error("the body is not YAML: {0}")]
    NotYaml(String),
    /// Query parameters or headers are not what they should be.
    #[error("{}", summary(.0, "parameter"))]
    BadParameters(Vec<Fault>),
    /// No valid token was shown.
    #[error("a valid token is needed: `Authorization: Bearer TOKEN`")]
    Unauthorized {
        /// Whether one was shown that is not valid.
        shown: bool,
    },
    /// The token permits reading alone.
    #[error("this token permits GET alone")]
    Forbidden,
    /// A page of another host had the browser send this.
    #[error("this request changes something and does not come from a page of this host")]
    ForeignPage,
    /// A form was sent after the session was over.
    #[error("nobody is signed in: sign in, then send the form again")]
    SignedOut,
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The route has no such method.
    #[error("this route does not take {method}")]
    MethodNotAllowed {
        /// The method asked for.
        method: Method,
        /// The methods it has.
        allowed: Vec<Method>,
    },
    /// The request contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// If-Match names another version than the current one.
    #[error("{0}")]
    PreconditionFailed(String),
    /// The body is too long.
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The greatest length, bytes.
        limit: usize,
    },
    /// The answer would be longer than an answer may be.
    #[error("the answer has {bytes} bytes and may have {limit}: ask for less with {filter}")]
    AnswerTooLarge {
        /// Its length.
        bytes: usize,
        /// The greatest length, bytes.
        limit: usize,
        /// The parameters that make it shorter, for people.
        filter: &'static str,
    },
    /// The body is said to be something else than JSON.
    #[error("the body has to be application/json")]
    UnsupportedMediaType,
    /// The body is said to be something else than a form.
    #[error("the body has to be application/x-www-form-urlencoded")]
    UnsupportedForm,
    /// JSON with values that are not what they should be.
    #[error("{}", summary(.0, "value"))]
    Invalid(Vec<Fault>),
    /// If-Match is missing.
    #[error("If-Match is needed: the version this change is about, as its ETag says it")]
    PreconditionRequired,
    /// Something this answer needs is away; it may come back.
    #[error("{what} is away")]
    Unavailable {
        /// What is away, for people: `the database`.
        what: &'static str,
        /// Why, for the log.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something has to be done before this can be answered, as the cause says.
    #[error("{0}")]
    NotReady(Box<dyn Error + Send + Sync>),
    /// Something this answer needs is configured in a way that waiting does not mend, as the cause says.
    #[error("{0}")]
    Misconfigured(Box<dyn Error + Send + Sync>),
    /// A defect.
    #[error("the request cannot be answered because of an internal error")]
    Internal(Box<dyn Error + Send + Sync>),
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fault {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What, in a sentence.
    pub detail: String,
}

/// Where a fault is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A JSON pointer (RFC 6901) into the body.
    Pointer(String),
    /// The name of a query parameter.
    Parameter(String),
    /// The name of a header.
    Header(String),
}

impl Fault {
    /// A fault of the value at a JSON pointer.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            place: Place::Pointer(pointer.into()),
            detail: detail.into(),
        }
    }

    /// A fault of a query parameter.
    pub fn of(parameter: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            place: Place::Parameter(parameter.into()),
            detail: detail.into(),
        }
    }
}

impl From<domain::fault::Fault> for Fault {
    fn from(domain::fault::Fault { pointer, reason }: domain::fault::Fault) -> Self {
        Self::at(pointer, reason)
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct Problem<'a> {
    /// Always `about:blank`.
    r#type: &'static str,
    /// What the status code says.
    title: &'a str,
    /// The status code.
    status: u16,
    /// What is wrong, in a sentence.
    detail: String,
    /// Everything that is wrong with the request, up to a bound.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
}

/// Seconds until a caller should try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl ApiError {
    /// An error nobody but the log should see the cause of.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotJson(_) | Self::NotYaml(_) | Self::BadParameters(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::ForeignPage | Self::SignedOut => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge { .. } | Self::AnswerTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::UnsupportedForm => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Unavailable { .. } | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The problem document for the caller.
    pub fn reply(&self) -> Reply {
        let status = self.status();
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.to_string(),
            errors: match self {
                Self::BadParameters(faults) | Self::Invalid(faults) => faults,
                _ => &[],
            },
        };
        let mut response =
            Response::new(serde_json::to_string(&problem).unwrap_or_default().into());
        *response.status_mut() = status;
        reply::describe(&mut response, "application/problem+json");
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn header(&self) -> Option<(header::HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized { shown } => {
                let challenge = if *shown {
                    r#"Bearer realm="slacast", error="invalid_token""#
                } else {
                    r#"Bearer realm="slacast""#
                };
                Some((
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(challenge),
                ))
            }
            Self::MethodNotAllowed { allowed, .. } => {
                let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
                let value = HeaderValue::from_str(&names.join(", ")).ok()?;
                Some((header::ALLOW, value))
            }
            Self::Unavailable { .. } | Self::NotReady(_) => {
                Some((header::RETRY_AFTER, RETRY_AFTER))
            }
            _ => None,
        }
    }
}

/// One fault in full, of more the first and their number.
fn summary(faults: &[Fault], noun: &str) -> String {
    let Some(first) = faults.first() else {
        return format!("a {noun} is invalid");
    };
    let name = match &first.place {
        Place::Pointer(name) if name.is_empty() => "the document",
        Place::Pointer(name) | Place::Parameter(name) | Place::Header(name) => name,
    };
    match faults.len() {
        1 => format!("{name}: {}", first.detail),
        count => format!(
            "{name}: {} (the first of {count} invalid {noun}s)",
            first.detail
        ),
    }
}
