use http_api::{
    ApiError, Call, Reply, html,
    openapi::{self, RouteLine},
    reply,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Retrieval;

/// What the system is and what it answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Root {
    /// `slacast`.
    name: &'static str,
    /// The version of the program.
    version: &'static str,
    /// Every route, each with a command to try it.
    routes: Vec<RouteLine>,
}

pub(crate) async fn answer(_: &Retrieval, call: &Call) -> Result<Reply, ApiError> {
    call.query().finish()?;
    if call.prefers_html() {
        return html::see_other(&call.path_of("/ui"));
    }
    let base = call.base_url();
    let token = if call.is_open() {
        ""
    } else {
        "-H \"Authorization: Bearer $API_TOKEN\" "
    };
    let routes = openapi::routes().map_err(ApiError::internal)?.into_iter();
    let routes = routes.map(|route| RouteLine {
        curl: format!("curl {token}{}", route.curl.replace("{base}", &base)),
        ..route
    });
    reply::ok(&Root {
        name: "slacast",
        version: env!("CARGO_PKG_VERSION"),
        routes: routes.collect(),
    })
}
