//! Every operation of the system, in the order people read them: what the functions route by, what `GET /` lists, what
//! the OpenAPI document has to hold.

use lambda_http::http::Method;

/// A method on a path.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path; `{name}` and `{id}` stand for one segment each.
    pub path: &'static str,
    /// What it answers, in a line.
    pub summary: &'static str,
    /// What `curl` needs to try it; `{base}` stands for where the system is.
    pub curl: &'static str,
    /// Its query parameters and headers.
    pub parameters: &'static [Parameter],
}

/// What an operation takes beside its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A query parameter of that name.
    Query(&'static str),
    /// Query parameters of the form `label.NAME`.
    Labels,
    /// The path's `{name}`.
    Name,
    /// The path's `{id}`.
    Id,
    /// The header If-Match.
    IfMatch,
}

/// What every other body may have.
const LONGEST_BODY: usize = 1 << 20;
/// An SLA's 10,000 objectives have some hundred bytes each; a Lambda function is asked with 6 MB at most.
const LONGEST_SLA: usize = 4 << 20;

impl Operation {
    /// How many bytes its body may have.
    pub(crate) fn longest_body(&self) -> usize {
        if matches!(self.path, "/sla" | "/sla/{name}") {
            LONGEST_SLA
        } else {
            LONGEST_BODY
        }
    }
}

use Parameter::{Id, IfMatch, Labels, Name, Query};

const LIMIT: Parameter = Query("limit");
const CURSOR: Parameter = Query("cursor");
const METRIC: Parameter = Query("metric");
const FROM: Parameter = Query("from");
const TO: Parameter = Query("to");
const AS_OF: Parameter = Query("as_of");
const FULL: Parameter = Query("full");
const SLA: Parameter = Query("sla");
const OBJECTIVE: Parameter = Query("objective");

macro_rules! operations {
    ($($name:ident: $method:ident $path:literal, $summary:literal, $curl:literal, [$($parameter:expr),*];)*) => {
        $(
            #[doc = concat!("`", stringify!($method), " ", $path, "`: ", $summary, ".")]
            pub static $name: Operation = Operation {
                method: Method::$method,
                path: $path,
                summary: $summary,
                curl: $curl,
                parameters: &[$($parameter),*],
            };
        )*

        /// All of them.
        pub static ALL: &[&Operation] = &[$(&$name),*];
    };
}

operations! {
    ROOT: GET "/", "the routes", "{base}/", [];
    SERIES: GET "/series", "the series that were ever seen",
        "'{base}/series?metric=cpuUsage'", [LIMIT, CURSOR, METRIC, Labels, FROM, TO, AS_OF];
    METRICS: GET "/metrics", "min, max, average and standard deviation of the last 1h, 3h and 12h",
        "'{base}/metrics?metric=cpuUsage&window=1h'", [LIMIT, CURSOR, METRIC, Labels, Query("window"), FROM, TO, AS_OF];
    METADATA: GET "/metadata", "autocorrelation, stationarity and seasonality",
        "'{base}/metadata?metric=cpuUsage'", [LIMIT, CURSOR, METRIC, Labels, FROM, TO, AS_OF, FULL];
    PREDICT: GET "/predict", "the forecast of the next 10 minutes",
        "'{base}/predict?metric=cpuUsage'", [LIMIT, CURSOR, METRIC, Labels, FROM, TO, AS_OF, FULL];
    QUALITY: GET "/forecasts/quality", "how good the forecasts were, whose 10 minutes are over",
        "'{base}/forecasts/quality?metric=cpuUsage'", [LIMIT, CURSOR, METRIC, Labels, FROM, TO, AS_OF, SLA];
    RUNS: GET "/runs", "the runs, newest first, with their failures and the time each stage took",
        "'{base}/runs?limit=5'", [LIMIT, CURSOR, METRIC, Labels, FROM, TO, AS_OF];
    RUN: POST "/ETL", "run now", "-X POST {base}/ETL -d '{}'", [];
    CREATE_SLA: POST "/sla", "create an SLA",
        "-X POST {base}/sla -d '{\"name\":\"web\",\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":80,\"for\":\"1m\"}]}'", [];
    TRY_SLA: POST "/sla/try", "what objectives would tell and which bounds would have been kept; nothing is saved",
        "-X POST {base}/sla/try -d '{\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":80}],\"violations\":2}'", [];
    LIST_SLAS: GET "/sla", "the SLAs in force", "'{base}/sla?metric=cpuUsage'", [LIMIT, CURSOR, METRIC];
    GET_SLA: GET "/sla/{name}", "one SLA", "{base}/sla/web", [Name];
    REPLACE_SLA: PUT "/sla/{name}", "replace an SLA: makes its next version",
        "-X PUT {base}/sla/web -H 'If-Match: \"1\"' -d '{\"objectives\":[{\"metric\":\"cpuUsage\",\"max\":90}]}'", [Name, IfMatch];
    RETIRE_SLA: DELETE "/sla/{name}", "retire an SLA; its history stays",
        "-X DELETE {base}/sla/web -H 'If-Match: \"2\"'", [Name, IfMatch];
    BUDGET: GET "/sla/{name}/budget", "what is left of the error budgets of an SLA, how fast they burn, and the alerts",
        "{base}/sla/web/budget", [Name, AS_OF, OBJECTIVE, CURSOR];
    VIOLATIONS: GET "/sla/{name}/violations", "the violations of an SLA that are kept, newest start first",
        "'{base}/sla/web/violations?limit=5'", [Name, LIMIT, CURSOR, METRIC, Labels, FROM, TO, AS_OF, OBJECTIVE];
    CREATE_EXCLUSION: POST "/sla/{name}/exclusions", "take time out of an SLA, past or future",
        "-X POST {base}/sla/web/exclusions -d '{\"from\":\"2026-11-23T08:00:00Z\",\"to\":\"2026-11-23T09:00:00Z\",\"reason\":\"upgrade\"}'", [Name];
    LIST_EXCLUSIONS: GET "/sla/{name}/exclusions", "the time taken out of an SLA, newest first, what was taken back included",
        "{base}/sla/web/exclusions", [Name, LIMIT, CURSOR, FROM, TO, AS_OF];
    DELETE_EXCLUSION: DELETE "/sla/{name}/exclusions/{id}", "take an exclusion back; it stays on record",
        "-X DELETE {base}/sla/web/exclusions/1", [Name, Id];
    CHECK: GET "/check_json", "violations of an SLA in the last 1h, 3h and 12h, and how it stands",
        "'{base}/check_json?sla=web'", [SLA, AS_OF];
    PREDICT_VIOLATIONS: GET "/predict_json", "violations of an SLA to come in the next 10 minutes",
        "'{base}/predict_json?sla=web'", [SLA, AS_OF];
    HEALTH: GET "/health", "whether the database answers and how old the newest run is", "{base}/health", [];
    OPENAPI: GET "/openapi.json", "this API as an OpenAPI 3.1 document", "{base}/openapi.json", [];
}
