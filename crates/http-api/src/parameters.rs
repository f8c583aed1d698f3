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
    FULL: Query "full", "With the long arrays, which are kept for an hour.",
        r#"{"type":"boolean","default":false}"#, None;
    EVALUATE: Query "evaluate", "Whether the SLA is evaluated at once; otherwise the next run does so.",
        r#"{"type":"boolean","default":true}"#, None;
    SLA: Query "sla", "The SLA; without it `default`, else the only one.",
        SLA_NAME, None;
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
    NAME: Path "name", "The SLA's name.",
        SLA_NAME, None;
    ID: Path "id", "The exclusion's id.",
        r#"{"type":"integer","minimum":1}"#, None;
    IF_MATCH: Header "If-Match", "The version that this change is about, as its `ETag`; `*` for any.",
        r#"{"type":"string"}"#, Some("\"1\"");
}
