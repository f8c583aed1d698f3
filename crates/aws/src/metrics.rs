//! Metrics as lines of a function's log, in the embedded metric format of `CloudWatch`: nothing is called for them.

use std::io::{self, Write};

use chrono::Utc;
use config::Environment;
use serde_json::{Map, Value, json};

/// Where the metrics are in `CloudWatch`.
const NAMESPACE: &str = "slacast";

/// Writes the metrics of one function. Outside of a function, as in tests, it writes nothing.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// The dimension of all metrics.
    function: Option<String>,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The metric's name.
    pub name: &'static str,
    /// What the value is.
    pub unit: Unit,
    /// The value.
    pub value: f64,
}

/// What a value is, as `CloudWatch` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A number of seconds.
    Seconds,
    /// A number of milliseconds.
    Milliseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

impl Metrics {
    /// Those of the function that `AWS_LAMBDA_FUNCTION_NAME` names.
    pub fn read(environment: &Environment) -> Self {
        let function = environment.get("AWS_LAMBDA_FUNCTION_NAME");
        Self {
            function: function.map(str::to_owned),
        }
    }

    /// Writes a line. One that cannot be written is lost: no batch and no run fails for it.
    pub fn write(&self, measurements: &[Measurement]) {
        if let Some(function) = &self.function {
            let line = line(function, Utc::now().timestamp_millis(), measurements);
            let _ = writeln!(io::stdout().lock(), "{line}");
        }
    }
}

fn line(function: &str, now_ms: i64, measurements: &[Measurement]) -> Value {
    let metrics: Vec<_> = measurements
        .iter()
        .map(|measured| json!({"Name": measured.name, "Unit": measured.unit.name()}))
        .collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": metrics,
            }],
        }),
    );
    line.insert("FunctionName".to_owned(), json!(function));
    for measured in measurements {
        line.insert(measured.name.to_owned(), json!(measured.value));
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_which_of_its_fields_are_metrics() {
        let measured = |name, unit, value| Measurement { name, unit, value };
        let line = line(
            "stack-storage",
            1_736_930_705_000,
            &[
                measured("StoredRecords", Unit::Count, 3.0),
                measured("StorageLag", Unit::Seconds, 1.5),
            ],
        );
        let expected = json!({
            "_aws": {
                "Timestamp": 1_736_930_705_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "slacast",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [
                        {"Name": "StoredRecords", "Unit": "Count"},
                        {"Name": "StorageLag", "Unit": "Seconds"},
                    ],
                }],
            },
            "FunctionName": "stack-storage",
            "StoredRecords": 3.0,
            "StorageLag": 1.5,
        });
        assert_eq!(line, expected);
    }
}
