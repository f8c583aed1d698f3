use chrono::Utc;
use domain::Timestamp;
use lambda_http::{
    Context, Request, RequestExt,
    http::{HeaderMap, header},
};
use serde_json::Value;

use crate::{
    Accept, ApiError, Fault, Place, Query,
    arrival::{Arrival, Segments},
    body,
};

/// A request that found its route and may take it.
#[derive(Debug)]
pub struct Call {
    /// What stands in the path where the route has `{name}`; empty where it has none.
    pub name: String,
    /// What stands in the path where the route has `{id}`; empty where it has none.
    pub id: String,
    /// When it came.
    pub now: Timestamp,
    path: &'static str,
    arrival: Arrival,
    request: Request,
    open: bool,
}

impl Call {
    pub(crate) fn new(
        request: Request,
        path: &'static str,
        arrival: Arrival,
        segments: Segments,
        open: bool,
    ) -> Self {
        Self {
            name: segments.name,
            id: segments.id,
            now: Utc::now().into(),
            path,
            arrival,
            request,
            open,
        }
    }

    /// The query parameters.
    pub fn query(&self) -> Query {
        Query::new(&self.request, &[self.path, &self.name, &self.id])
    }

    /// The query parameters, and those of the form that the body is.
    ///
    /// # Errors
    /// When there is a body that is no form.
    pub fn query_and_form(&self) -> Result<Query, ApiError> {
        let body = body::form(self.request.headers(), self.request.body())?;
        Ok(Query::with(
            &self.request,
            &[self.path, &self.name, &self.id],
            body,
        ))
    }

    /// What the caller wants to have.
    pub fn accept(&self) -> Accept {
        Accept::of(self.headers())
    }

    /// The body's JSON; `Null` where there is no body.
    ///
    /// # Errors
    /// When the body is not JSON or its content type is another.
    pub fn json_or_null(&self) -> Result<Value, ApiError> {
        body::parse(self.request.headers(), self.request.body())
    }

    /// The body's JSON.
    ///
    /// # Errors
    /// When the body is missing, is not JSON or its content type is another.
    pub fn json(&self) -> Result<Value, ApiError> {
        if body::bytes(self.request.body()).trim_ascii().is_empty() {
            return Err(ApiError::NotJson("it is empty".to_owned()));
        }
        self.json_or_null()
    }

    /// The versions If-Match names; empty for `*`.
    ///
    /// # Errors
    /// When the header is missing, or names something that is no version.
    pub fn if_match(&self) -> Result<Vec<u32>, ApiError> {
        let values = self.headers().get_all(header::IF_MATCH);
        let tags: Vec<&str> = values
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .collect();
        if tags.is_empty() {
            return Err(ApiError::PreconditionRequired);
        }
        if tags == ["*"] {
            return Ok(Vec::new());
        }
        tags.into_iter().map(version).collect()
    }

    /// Where the system is, as the caller sees it: `http://127.0.0.1:9000`, or `https://api.example.com/v1` where a
    /// gateway has something before the routes.
    pub fn base_url(&self) -> String {
        self.arrival.base_url(self.path)
    }

    /// A path of this API as the caller has it, for `Location`.
    pub fn path_of(&self, path: &str) -> String {
        self.arrival.prefix(self.path) + path
    }

    /// Whether anybody may call, token or not.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The invocation that it came with, if it came with one.
    pub fn context(&self) -> Option<&Context> {
        self.request.lambda_context_ref()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }
}

/// The version a tag names. One nobody ever had, such as a weak tag's, is 0: it matches nothing.
fn version(tag: &str) -> Result<u32, ApiError> {
    if tag.starts_with("W/\"") {
        return Ok(0);
    }
    let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let digits = quoted.unwrap_or(tag);
    if quoted.is_none() && !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::BadParameters(vec![Fault {
            place: Place::Header("If-Match".to_owned()),
            detail: "must be an ETag such as \"1\"".to_owned(),
        }]));
    }
    Ok(digits.parse().unwrap_or(0))
}
