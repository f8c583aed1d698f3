//! The data of the answers.

use std::collections::BTreeMap;

use domain::Timestamp;
use promql::Asked;
use schemars::JsonSchema;
use serde::Serialize;

use super::{lines::Line, parameters::Span};
use crate::exposition::number;

/// A time in seconds since the Unix epoch, and a value as text.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Valued(f64, String);

/// What a query finds.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
#[schemars(rename = "QueryData")]
pub(crate) enum Data {
    /// A number.
    Scalar(Valued),
    /// Series at one time.
    Vector(Vec<Instant>),
    /// Series at several times.
    Matrix(Vec<Range>),
}

/// A series at one time.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "InstantSeries")]
pub(crate) struct Instant {
    metric: BTreeMap<String, String>,
    value: Valued,
}

/// A series at several times.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "RangeSeries")]
pub(crate) struct Range {
    metric: BTreeMap<String, String>,
    values: Vec<Valued>,
}

/// The labels of a series, `__name__` included.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct LabelSet(pub(crate) BTreeMap<String, String>);

/// What a metric is.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "MetricDescription")]
pub(crate) struct Described {
    r#type: &'static str,
    help: &'static str,
    unit: &'static str,
}

/// What answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BuildInformation")]
pub(crate) struct Build {
    /// The version of Prometheus whose API this is a part of.
    version: &'static str,
    /// The name and version of the program.
    revision: String,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}

impl Valued {
    fn new(time: Timestamp, value: f64) -> Self {
        Self(time.millis() as f64 / 1000.0, number(value))
    }
}

impl Data {
    pub(super) fn scalar(time: Timestamp, value: f64) -> Self {
        Self::Scalar(Valued::new(time, value))
    }

    /// A number at each of the times.
    pub(super) fn constant(span: &Span, value: f64) -> Self {
        let values = span.times().map(|time| Valued::new(time, value));
        Self::Matrix(vec![Range {
            metric: BTreeMap::new(),
            values: values.collect(),
        }])
    }

    pub(super) fn vector(lines: &[Line], asked: &Asked, time: Timestamp) -> Self {
        let span = Span::at(time);
        let found = lines.iter().filter_map(|line| {
            Some(Instant {
                metric: line.labels.clone(),
                value: Valued::new(time, line.value(asked, &span, time)?),
            })
        });
        Self::Vector(found.collect())
    }

    pub(super) fn matrix(lines: &[Line], asked: &Asked, span: &Span) -> Self {
        let found = lines.iter().filter_map(|line| {
            let values: Vec<Valued> = span
                .times()
                .filter_map(|time| Some(Valued::new(time, line.value(asked, span, time)?)))
                .collect();
            let metric = || line.labels.clone();
            (!values.is_empty()).then(|| Range {
                metric: metric(),
                values,
            })
        });
        Self::Matrix(found.collect())
    }
}

impl Described {
    pub(super) fn gauge(help: &'static str) -> Self {
        Self {
            r#type: "gauge",
            help,
            unit: "",
        }
    }
}

impl Build {
    pub(super) fn own() -> Self {
        Self {
            version: "2.42.0",
            revision: concat!("slacast ", env!("CARGO_PKG_VERSION")).to_owned(),
            branch: "",
            build_user: "",
            build_date: "",
            go_version: "",
        }
    }
}
