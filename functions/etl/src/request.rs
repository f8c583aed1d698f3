//! What `POST /ETL` and a direct invocation ask for: a run, or objectives to be tried out.

use std::time::Duration;

use domain::{
    Timestamp,
    fault::{Fault, below},
    message::CountRequest,
    sla::{AnyObjective, Events, Trial},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A run.
    Run(RunRequest),
    /// Objectives judged and not kept, nothing published.
    Trial {
        /// Whole seconds, not in the future.
        as_of: Timestamp,
        /// The objectives.
        trial: Trial,
    },
    /// Counters and groups to be counted, nothing published.
    Count(Vec<CountRequest>),
}

/// Objectives of one request whose counters are counted.
const MOST_COUNTED: usize = 20_000;

impl Request {
    /// Reads `{"dry_run": true, "objectives": […], "violations": …?, "as_of": time?}`, or
    /// `{"count": [{"events": {…}, "by": […]?}]}`, or else what [`RunRequest::parse`] reads.
    ///
    /// # Errors
    /// With a `count` that is not such a list, every fault of [`RunRequest::parse`] or [`Trial::parse`], and a `dry_run` that
    /// is not a boolean.
    pub fn parse(
        document: &Value,
        now: Timestamp,
        settle: Duration,
        known: impl Fn(&str) -> bool,
    ) -> Result<Self, Vec<Fault>> {
        let dry_run = match document.get("dry_run") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(dry_run)) => *dry_run,
            Some(_) => return Err(vec![invalid("/dry_run", "must be true or false")]),
        };
        match document {
            Value::Object(fields) if fields.contains_key("count") => counted(fields),
            Value::Object(fields) if dry_run => tried(fields, now, settle),
            _ => RunRequest::parse(document, now, settle, known).map(Self::Run),
        }
    }
}

impl Request {
    /// A fault for each query that the request brings itself, which is not allowed everywhere.
    pub fn queries(&self) -> Vec<Fault> {
        let (list, has_query): (_, Vec<bool>) = match self {
            Self::Run(_) => return Vec::new(),
            Self::Trial { trial, .. } => {
                let objectives = trial.objectives.iter();
                (
                    "objectives",
                    objectives
                        .map(|one| matches!(one, AnyObjective::Range(one) if one.query.is_some()))
                        .collect(),
                )
            }
            Self::Count(asked) => (
                "count",
                asked.iter().map(|one| one.query.is_some()).collect(),
            ),
        };
        let reason = "is not allowed here (ALLOW_QUERIES=false): name a metric of metrics.toml";
        let with_query = has_query
            .into_iter()
            .enumerate()
            .filter(|(_, has_query)| *has_query);
        let faults =
            with_query.map(|(position, _)| invalid(&format!("/{list}/{position}/query"), reason));
        faults.collect()
    }
}

fn counted(fields: &Map<String, Value>) -> Result<Request, Vec<Fault>> {
    let mut faults = Vec::new();
    for name in fields.keys().filter(|name| *name != "count").take(100) {
        faults.push(invalid(&below("", name), "is not a field beside `count`"));
    }
    let asked: Vec<CountRequest> = match fields.get("count") {
        Some(Value::Array(asked)) if asked.len() > MOST_COUNTED => {
            let reason = format!(
                "has {} objectives; {MOST_COUNTED} are the most",
                asked.len()
            );
            return Err(vec![invalid("/count", &reason)]);
        }
        Some(asked) => Vec::deserialize(asked).unwrap_or_else(|error| {
            faults.push(invalid("/count", &error.to_string()));
            Vec::new()
        }),
        None => Vec::new(),
    };
    // One of the two: what objectives of events count, or the query of a range.
    let is_one =
        |asked: &CountRequest| (asked.events != Events::default()) != asked.query.is_some();
    if !asked.iter().all(is_one) {
        faults.push(invalid(
            "/count",
            "must have `events` or `query` in each item",
        ));
    }
    if faults.is_empty() {
        Ok(Request::Count(asked))
    } else {
        Err(faults)
    }
}

fn tried(
    fields: &Map<String, Value>,
    now: Timestamp,
    settle: Duration,
) -> Result<Request, Vec<Fault>> {
    let time = match fields.get("as_of") {
        None | Some(Value::Null) => Ok((now - settle).floor_to_second()),
        Some(value) => as_of(value, now),
    };
    let trial = Trial::parse(fields, &["dry_run", "as_of"]);
    match (time, trial) {
        (Ok(as_of), Ok(trial)) => Ok(Request::Trial { as_of, trial }),
        (time, trial) => {
            let faults = trial.err().unwrap_or_default();
            Err(time.err().into_iter().chain(faults).collect())
        }
    }
}

/// What a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// Whole seconds, not in the future.
    pub as_of: Timestamp,
    /// These metrics alone; `None`: all, or those of `slas`.
    pub metrics: Option<Vec<String>>,
    /// These SLAs alone; `None`: all.
    pub slas: Option<Vec<String>>,
    /// Whether the request says itself what it looks at.
    pub is_pinned: bool,
}

impl RunRequest {
    /// A run over everything at `as_of`.
    pub fn everything(as_of: Timestamp) -> Self {
        Self {
            as_of,
            metrics: None,
            slas: None,
            is_pinned: false,
        }
    }

    /// Reads `{"metrics": [names]?, "sla": name?, "as_of": time?}`; null and an absent document ask for everything.
    ///
    /// `now` and `settle` give the default `as_of`; `known` says whether a metric exists.
    ///
    /// # Errors
    /// With every value that is not of its type, an unknown field, an unknown metric, and an `as_of` that is in the
    /// future, on the first day of 1970 or before, or has a fraction of a second.
    pub fn parse(
        document: &Value,
        now: Timestamp,
        settle: Duration,
        known: impl Fn(&str) -> bool,
    ) -> Result<Self, Vec<Fault>> {
        let mut request = Self::everything((now - settle).floor_to_second());
        let fields = match document {
            Value::Null => return Ok(request),
            Value::Object(fields) => fields,
            _ => return Err(vec![invalid("", "must be an object")]),
        };
        let mut faults = Vec::new();
        for (name, value) in fields.iter().take(100) {
            let fault = match name.as_str() {
                "as_of" | "sla" | "dry_run" | "metrics" if value.is_null() => Ok(()),
                "as_of" => as_of(value, now).map(|time| {
                    request.as_of = time;
                    request.is_pinned = true;
                }),
                "sla" => sla(value).map(|name| request.slas = Some(vec![name])),
                "dry_run" => Ok(()),
                "metrics" => metrics(value, &known).map(|names| request.metrics = Some(names)),
                _ => Err(invalid(&below("", name), "is not a field of this request")),
            };
            faults.extend(fault.err());
        }
        if faults.is_empty() {
            Ok(request)
        } else {
            Err(faults)
        }
    }
}

/// Since 1970; a run looks at 12 h, up to 1 h of `for` and 5 m before its `as_of`, and every time of those is stored.
const FIRST_AS_OF: Duration = Duration::from_hours(14);

fn as_of(value: &Value, now: Timestamp) -> Result<Timestamp, Fault> {
    let text = value
        .as_str()
        .ok_or_else(|| invalid("/as_of", "must be a string"))?;
    let time: Timestamp = text
        .parse()
        .map_err(|error| invalid("/as_of", &format!("{error}")))?;
    // Parsing drops what is below a millisecond; a fraction of a second is refused however small it is.
    let fraction = text.split_once('.').is_some_and(|(_, rest)| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .any(|digit| digit != '0')
    });
    if fraction || !time.is_whole_second() {
        return Err(invalid("/as_of", "has a fraction of a second"));
    }
    if time < Timestamp::EPOCH + FIRST_AS_OF {
        return Err(invalid(
            "/as_of",
            "is too early: what it looks at begins before 1970",
        ));
    }
    if time > now {
        return Err(invalid("/as_of", "is in the future"));
    }
    Ok(time)
}

fn sla(value: &Value) -> Result<String, Fault> {
    let text = value
        .as_str()
        .ok_or_else(|| invalid("/sla", "must be a string"))?;
    if text.is_empty() || text.len() > 63 {
        return Err(invalid("/sla", "is not the name of an SLA"));
    }
    Ok(text.to_owned())
}

fn metrics(value: &Value, known: &impl Fn(&str) -> bool) -> Result<Vec<String>, Fault> {
    let names = value
        .as_array()
        .ok_or_else(|| invalid("/metrics", "is not a list of names"))?;
    if names.is_empty() {
        return Err(invalid("/metrics", "is empty"));
    }
    names
        .iter()
        .enumerate()
        .map(|(position, name)| {
            let pointer = format!("/metrics/{position}");
            let name = name
                .as_str()
                .ok_or_else(|| invalid(&pointer, "must be a string"))?;
            if !known(name) {
                return Err(invalid(&pointer, "is not a metric of the metrics file"));
            }
            Ok(name.to_owned())
        })
        .collect()
}

fn invalid(pointer: &str, reason: &str) -> Fault {
    Fault {
        pointer: pointer.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SETTLE: Duration = Duration::from_secs(5);

    fn parse(document: Value) -> Result<RunRequest, Vec<Fault>> {
        let now = "2026-11-23T08:45:07.300Z".parse().unwrap();
        RunRequest::parse(&document, now, SETTLE, |name| name == "cpuUsage")
    }

    #[test]
    fn the_default_as_of_is_now_minus_settle_in_whole_seconds() {
        for document in [json!(null), json!({}), json!({"as_of": null})] {
            assert_eq!(
                parse(document).unwrap().as_of.to_string(),
                "2026-11-23T08:45:02Z"
            );
        }
    }

    #[test]
    fn every_invalid_value_is_named_by_its_pointer() {
        for (document, pointer) in [
            (json!([]), ""),
            (json!({"as_of": "tomorrow"}), "/as_of"),
            (json!({"as_of": 5}), "/as_of"),
            (json!({"as_of": "2026-11-23T08:45:08Z"}), "/as_of"),
            (json!({"as_of": "2026-11-23T08:45:01.5Z"}), "/as_of"),
            (json!({"as_of": "2026-11-23T08:45:01.0001Z"}), "/as_of"),
            (json!({"sla": ""}), "/sla"),
            (json!({"sla": ["web"]}), "/sla"),
            (json!({"metrics": "cpuUsage"}), "/metrics"),
            (json!({"metrics": []}), "/metrics"),
            (json!({"metrics": ["cpuUsage", "cpuUsag"]}), "/metrics/1"),
            (json!({"a/b": 1}), "/a~1b"),
            (json!({"as_off": null}), "/as_off"),
            (json!({"as_of": "1970-01-01T13:59:59Z"}), "/as_of"),
        ] {
            let faults = parse(document).unwrap_err();
            assert_eq!(faults[0].pointer, pointer, "{}", faults[0]);
        }
    }

    #[test]
    fn a_dry_run_has_objectives() {
        let parse = |document: Value| {
            let now = "2026-11-23T08:45:07.300Z".parse().unwrap();
            Request::parse(&document, now, SETTLE, |name| name == "cpuUsage")
        };
        let objectives = json!([{"metric": "m", "max": 1}]);
        let tried = parse(json!({"dry_run": true, "objectives": objectives})).unwrap();
        assert!(
            matches!(tried, Request::Trial { as_of, .. } if as_of.to_string() == "2026-11-23T08:45:02Z")
        );
        assert!(matches!(
            parse(json!({"dry_run": false, "metrics": ["cpuUsage"]})),
            Ok(Request::Run(_))
        ));
        for (document, pointer) in [
            (json!({"dry_run": 1}), "/dry_run"),
            (json!({"dry_run": true}), "/objectives"),
            (
                json!({"dry_run": true, "objectives": objectives, "sla": "web"}),
                "/sla",
            ),
            (
                json!({"dry_run": true, "objectives": objectives, "as_of": "tomorrow"}),
                "/as_of",
            ),
            (json!({"objectives": objectives}), "/objectives"),
        ] {
            assert_eq!(parse(document).unwrap_err()[0].pointer, pointer);
        }
    }

    #[test]
    fn counters_are_asked_for_by_objective() {
        let parse = |document: Value| {
            let now = "2026-11-23T08:45:07.300Z".parse().unwrap();
            Request::parse(&document, now, SETTLE, |_| true)
        };
        let asked = json!([{"events": {"bad": "errors", "total": "requests"}, "by": ["service"]}]);
        let Ok(Request::Count(read)) = parse(json!({"count": asked})) else {
            panic!("{asked}");
        };
        assert_eq!(read[0].by, ["service"]);
        for (document, pointer) in [
            (json!({"count": 1}), "/count"),
            (json!({"count": [{"by": []}]}), "/count"),
            (json!({"count": [{"events": {}, "target": 1}]}), "/count"),
            (json!({"count": [], "sla": "web"}), "/sla"),
        ] {
            assert_eq!(parse(document).unwrap_err()[0].pointer, pointer);
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        assert_eq!(
            parse(json!({"as_of": 1, "sla": 2, "metrics": 3}))
                .unwrap_err()
                .len(),
            3
        );
    }
}
