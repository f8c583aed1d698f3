//! What the routes take beside their bodies: the names and what the OpenAPI document says of them. [`Query`](crate::Query)
//! reads them.

/// Something that a route takes beside its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// Its schema, as JSON.
    pub schema: &'static str,
    /// A value, where the schema does not say enough.
    pub example: Option<&'static str>,
}

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the query.
    Query,
    /// In the query; always there.
    NeededQuery,
    /// In the path; always there.
    Path,
    /// A header; always there.
    Header,
}

const TIME: &str = r#"{"type":"string","format":"date-time"}"#;
const SLA_NAME: &str = r#"{"type":"string","pattern":"^[a-z0-9][a-z0-9._-]{0,62}$"}"#;

macro_rules! parameters {
    ($($constant:ident: $place:ident $name:literal, $description:literal, $schema:expr, $example:expr;)*) => {$(
        #[doc = $description]
        pub const $constant: Parameter = Parameter {
            place: Place::$place,
            name: $name,
            description: $description,
            schema: $schema,
            example: $example,
        };
    )*};
}

parameters! {
    LIMIT: Query "limit", "How many rows a page has at most.",
        r#"{"type":"integer","minimum":1,"maximum":1000,"default":100}"#, None;
    ENTRIES: Query "limit", "How many entries `objectives` has at most; without it as many as an answer has room for.",
        r#"{"type":"integer","minimum":1,"maximum":1000}"#, None;
    CURSOR: Query "cursor", "Where the list goes on: `next` of the page before, with the same filters.",
        r#"{"type":"string"}"#, None;
    METRIC: Query "metric", "Of this metric alone.",
        r#"{"type":"string","minLength":1,"maxLength":255}"#, None;
    LABELS: Query "label.NAME", "Of series that carry the label NAME with this value. NAME is any label name, percent-encoded; repeatable.",
        r#"{"type":"string"}"#, Some("127.0.0.1:9100");
    WINDOW: Query "window", "Of this window alone.",
        r#"{"type":"string","enum":["1h","3h","12h"]}"#, None;
    FROM: Query "from", "Of runs not before this `as_of`. Without `from`, `to` and `as_of`: the newest row of each series.",
        TIME, None;
    TO: Query "to", "Of runs not after this `as_of`.",
        TIME, None;
    AS_OF: Query "as_of", "Of this run alone.",
        TIME, None;
    COLLECT: Query "collect", "In an exposition: what is known of each series instead of what is known of each objective.",
        r#"{"type":"string","enum":["series"]}"#, None;
    NAMES: Query "names", "In an exposition: error ratios and budgets under the names of Sloth's recording rules.",
        r#"{"type":"string","enum":["sloth"]}"#, None;
    EXPOSED_SLA: Query "sla", "In an exposition: of this SLA alone.",
        SLA_NAME, None;
    EXPOSED_OBJECTIVE: Query "objective", "In an exposition: of this objective alone.",
        r#"{"type":"string","pattern":"^[A-Za-z0-9._-]{1,63}$"}"#, None;
    FULL: Query "full", "With the long arrays, which are kept for an hour.",
        r#"{"type":"boolean","default":false}"#, None;
    QUERY: NeededQuery "query", "A number such as `1+1`, or a plain selector with `offset` and `@`.",
        r#"{"type":"string"}"#, Some("slacast_objective_state");
    QUERY_TIME: Query "time", "When, as RFC 3339 or seconds since the Unix epoch; default now.",
        r#"{"type":"string"}"#, Some("2026-11-23T08:45:00Z");
    QUERY_START: NeededQuery "start", "The first time, as RFC 3339 or seconds since the Unix epoch.",
        r#"{"type":"string"}"#, Some("2026-11-23T08:45:00Z");
    QUERY_END: NeededQuery "end", "The last time, as RFC 3339 or seconds since the Unix epoch.",
        r#"{"type":"string"}"#, Some("2026-11-23T08:45:00Z");
    QUERY_STEP: NeededQuery "step", "How far the times are apart, as a duration or seconds; 11,000 points at most.",
        r#"{"type":"string"}"#, Some("1m");
    MATCH: Query "match[]", "A plain selector; repeatable: series that one of them asks for.",
        r#"{"type":"string"}"#, Some("slacast_objective_state");
    NEEDED_MATCH: NeededQuery "match[]", "A plain selector; repeatable: series that one of them asks for.",
        r#"{"type":"string"}"#, Some("slacast_objective_state");
    METRIC_NAME: Query "metric", "Of this metric alone.",
        r#"{"type":"string"}"#, Some("slacast_objective_state");
    LABEL_NAME: Path "name", "The label's name; `__name__` for the metric's.",
        r#"{"type":"string"}"#, Some("metric");
    EVALUATE: Query "evaluate", "Whether the SLA is evaluated at once; otherwise the next run does so.",
        r#"{"type":"boolean","default":true}"#, None;
    DRY_RUN: Query "dry_run", "Whether nothing is saved.",
        r#"{"type":"boolean","default":true}"#, None;
    SLOTH_WINDOW: Query "window", "The window of SLOs whose format has none, which are Sloth's: 1h to 1y.",
        r#"{"type":"string","default":"30d","pattern":"^([1-9]|[1-9][0-9]|[12][0-9][0-9]|3[0-5][0-9])d$"}"#, Some("28d");
    FORMAT: Query "format", "As OpenSLO in YAML; `Accept: application/yaml` says the same.",
        r#"{"type":"string","enum":["openslo"]}"#, None;
    SLA: Query "sla", "The SLA; without it `default`, else the only one.",
        SLA_NAME, None;
    ALERTED_SLA: Query "sla", "Of this SLA alone.",
        SLA_NAME, None;
    ALERT_STATE: Query "state", "Of this state alone; `firing` lists the frozen too. Without it: those that fire, then those that are resolved.",
        r#"{"type":"string","enum":["firing","resolved","frozen"]}"#, None;
    DELIVERY_STATE: Query "state", "Of this state alone.",
        r#"{"type":"string","enum":["waiting","failed","delivered","dead"]}"#, None;
    SCORED_SLA: Query "sla", "Objectives of this SLA alone.",
        SLA_NAME, None;
    EVALUATED_AT: Query "as_of", "The newest evaluation at or before this time.",
        TIME, None;
    OBJECTIVE: Query "objective", "Of this objective alone.",
        r#"{"type":"string","pattern":"^[A-Za-z0-9._-]{1,63}$"}"#, None;
    ENDS_AFTER: Query "from", "Those that end after this time.",
        TIME, None;
    STARTS_BY: Query "to", "Those that start at this time or before.",
        TIME, None;
    GOES_ON_AT: Query "as_of", "Those that contain this time, or go on in the run at this time.",
        TIME, None;
    BUDGET_AT: Query "as_of", "The end of the budget windows; without it the newest evaluation.",
        TIME, None;
    HISTORY_FROM: Query "from", "Where the history begins, taken down to a multiple of the step; default a day before `to`.",
        TIME, None;
    HISTORY_TO: Query "to", "Where the history ends, taken up to a multiple of the step; default now.",
        TIME, None;
    STEP: Query "step", "How long its steps are.",
        r#"{"type":"string","enum":["1m","5m","1h","1d"],"default":"1h"}"#, None;
    BUCKET: Query "step", "How long its steps are.",
        r#"{"type":"string","enum":["5m","1h"],"default":"5m"}"#, None;
    PROVISIONAL: Query "provisional", "Also steps that may still change.",
        r#"{"type":"boolean","default":false}"#, None;
    SHARE: Query "share", "With what was left of the budget at each step's end.",
        r#"{"type":"boolean","default":true}"#, None;
    NAME: Path "name", "The SLA's name.",
        SLA_NAME, None;
    DELIVERY_ID: Path "id", "The number of the delivery.",
        r#"{"type":"integer","minimum":1}"#, None;
    ID: Path "id", "The exclusion's id.",
        r#"{"type":"integer","minimum":1}"#, None;
    REPLAY_ID: Path "id", "The replay's id.",
        r#"{"type":"integer","minimum":1}"#, None;
    RULE_END: Query "from", "From when on an exclusion that recurs ends, default now; `all` takes all of it back.",
        r#"{"anyOf":[{"type":"string","format":"date-time"},{"const":"all"}]}"#, None;
    IF_MATCH: Header "If-Match", "The version that this change is about, as its `ETag`; `*` for any.",
        r#"{"type":"string"}"#, Some("\"1\"");
}
