use http_api::{ApiError, Call, Reply, operations, reply};
use serde::Serialize;

use crate::Endpoint;

#[derive(Serialize)]
struct Root {
    name: &'static str,
    version: &'static str,
    routes: Vec<RouteLine>,
}

#[derive(Serialize)]
struct RouteLine {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    curl: String,
}

/// The routes of the system, each with a command to try it.
pub(crate) fn answer(call: &Call<Endpoint>) -> Result<Reply, ApiError> {
    call.query().finish()?;
    let base = call.base_url();
    let token = if call.is_open() {
        ""
    } else {
        "-H \"Authorization: Bearer $API_TOKEN\" "
    };
    let routes = operations::ALL.iter().map(|operation| RouteLine {
        method: operation.method.as_str(),
        path: operation.path,
        summary: operation.summary,
        curl: format!("curl {token}{}", operation.curl.replace("{base}", &base)),
    });
    reply::ok(&Root {
        name: "slacast",
        version: env!("CARGO_PKG_VERSION"),
        routes: routes.collect(),
    })
}
