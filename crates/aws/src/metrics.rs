//! Measurements as `CloudWatch` takes them from a function's log: one line of JSON in its embedded metric format.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    io::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use config::Environment;
use serde_json::{Value, json};

/// What one invocation measured: a name, its unit, its value.
pub type Measurement = (&'static str, Unit, f64);

/// The unit of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A time.
    Milliseconds,
    /// A time.
    Seconds,
}

/// Where a function's measurements go. Outside of a function, as in tests: nowhere.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    function: Option<String>,
}

/// The namespace of all measurements.
const NAMESPACE: &str = "slacast";

impl Metrics {
    /// Reads the function's name, `AWS_LAMBDA_FUNCTION_NAME`: the one dimension, `FunctionName`.
    pub fn read(environment: &Environment) -> Self {
        let function = environment.get("AWS_LAMBDA_FUNCTION_NAME");
        Self {
            function: function.map(str::to_owned),
        }
    }

    /// Writes one line to the log, which is standard output. The log's own format would hide it from `CloudWatch`.
    pub fn write(&self, measured: &[Measurement]) {
        if let Some(function) = &self.function {
            let line = line(function, SystemTime::now(), measured);
            // Without a log nobody can be told that there is none.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}

fn line(function: &str, now: SystemTime, measured: &[Measurement]) -> Value {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let definitions: Vec<Value> = measured
        .iter()
        .map(|(name, unit, _)| json!({"Name": name, "Unit": format!("{unit:?}")}))
        .collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": definitions,
            }],
        },
        "FunctionName": function,
    });
    for (name, _, value) in measured {
        line[*name] = json!(value);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_names_each_measurement_with_its_unit_and_value() {
        let now = UNIX_EPOCH + Duration::from_millis(1_795_423_500_250);
        let measured = [
            ("RunSeries", Unit::Count, 7.0),
            ("RunDuration", Unit::Milliseconds, 81.25),
        ];
        assert_eq!(
            line("stack-etl", now, &measured),
            json!({
                "_aws": {
                    "Timestamp": 1_795_423_500_250_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "slacast",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [
                            {"Name": "RunSeries", "Unit": "Count"},
                            {"Name": "RunDuration", "Unit": "Milliseconds"},
                        ],
                    }],
                },
                "FunctionName": "stack-etl",
                "RunSeries": 7.0,
                "RunDuration": 81.25,
            })
        );
    }
}
