use std::{collections::HashMap, sync::Arc};

use chrono::Utc;
use domain::Timestamp;
use lambda_http::{
    Body, Context, Request, RequestExt,
    aws_lambda_events::query_map::QueryMap,
    http::{self, HeaderMap, Method, header},
};
use serde_json::Value;

use crate::{
    Accept, ApiError, Fault, Place, Query,
    access::Gate,
    arrival::{Arrival, Segments},
    body,
    form::Form,
    session,
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
    gate: Arc<Gate>,
}

impl Call {
    pub(crate) fn new(
        request: Request,
        path: &'static str,
        arrival: Arrival,
        segments: Segments,
        gate: Arc<Gate>,
    ) -> Self {
        Self {
            name: segments.name,
            id: segments.id,
            now: Utc::now().into(),
            path,
            arrival,
            request,
            gate,
        }
    }

    /// The same caller's question to another route: what a page shows is what that route answers.
    ///
    /// `name` and `id` are what would stand in its path.
    pub fn asking(&self, name: &str, id: &str, query: &[(&str, String)]) -> Self {
        self.about(name, id, query, Body::Empty)
    }

    /// The same with a body.
    pub fn sending(&self, name: &str, id: &str, body: &Value) -> Self {
        self.about(name, id, &[], Body::from(body.to_string()))
    }

    /// The same with a body that is JSON as somebody wrote it.
    pub fn sending_text(&self, body: &str) -> Self {
        self.about("", "", &[], Body::from(body))
    }

    /// The same on the condition that this version is in force.
    #[must_use]
    pub fn of_version(mut self, version: u32) -> Self {
        if let Ok(tag) = http::HeaderValue::from_str(&format!("\"{version}\"")) {
            self.request.headers_mut().insert(header::IF_MATCH, tag);
        }
        self
    }

    fn about(&self, name: &str, id: &str, query: &[(&str, String)], body: Body) -> Self {
        let mut parameters: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in query {
            let values = parameters.entry((*name).to_owned()).or_default();
            values.push(value.clone());
        }
        let mut request = Request::new(body);
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        Self {
            name: name.to_owned(),
            id: id.to_owned(),
            now: self.now,
            path: self.path,
            arrival: self.arrival.clone(),
            request: request.with_query_string_parameters(QueryMap::from(parameters)),
            gate: Arc::clone(&self.gate),
        }
    }

    /// The fields of the form that the body is.
    ///
    /// # Errors
    /// When the body is no form.
    pub fn form(&self) -> Result<Form, ApiError> {
        Form::parse(self.headers(), body::bytes(self.request.body()))
    }

    /// The method.
    pub fn method(&self) -> &Method {
        self.request.method()
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

    /// The body's YAML, whatever its content type: every tool calls it something else.
    ///
    /// # Errors
    /// When the body is missing or is not UTF-8.
    pub fn yaml(&self) -> Result<&str, ApiError> {
        let bytes = body::bytes(self.request.body());
        if bytes.trim_ascii().is_empty() {
            return Err(ApiError::NotYaml("it is empty".to_owned()));
        }
        std::str::from_utf8(bytes).map_err(|_| ApiError::NotYaml("it is not UTF-8".to_owned()))
    }

    /// Whether the caller asks for YAML: the media type has a greater weight than JSON has.
    pub fn accepts_yaml(&self) -> bool {
        let values = self.headers().get_all(header::ACCEPT).iter();
        let ranges = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
        let (mut yaml, mut others) = (0.0_f64, 0.0_f64);
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts
                .filter_map(|part| part.strip_prefix("q="))
                .find_map(|weight| weight.parse().ok())
                .unwrap_or(1.0);
            match name.as_str() {
                "application/yaml" | "application/x-yaml" | "text/yaml" => yaml = yaml.max(weight),
                "application/json" | "*/*" | "application/*" => others = others.max(weight),
                _ => {}
            }
        }
        yaml > others
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
        matches!(*self.gate, Gate::Open)
    }

    /// Whether whoever calls need not sign in any more.
    pub fn is_signed_in(&self) -> bool {
        let is_secure = self.arrival.is_secure();
        let access = self.gate.signed_in(self.headers(), is_secure, self.now);
        access.is_some()
    }

    /// The cookie that keeps whoever shows this token signed in; `None` if it is no token.
    pub(crate) fn session(&self, token: &str) -> Option<String> {
        let value = self.gate.session(token, self.now)?;
        Some(session::set(&value, self.arrival.is_secure()))
    }

    /// The cookie that ends that.
    pub(crate) fn no_session(&self) -> String {
        session::unset(self.arrival.is_secure())
    }

    /// The invocation that it came with, if it came with one.
    pub fn context(&self) -> Option<&Context> {
        self.request.lambda_context_ref()
    }

    /// Whether a page is wanted rather than JSON.
    pub fn prefers_html(&self) -> bool {
        self.accept().prefers_html()
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
