//! One row per node and metric.

use std::collections::BTreeSet;

use comfy_table::{Cell, CellAlignment, Table, presets::UTF8_FULL};

use super::{
    documents::{Labels, Metadata, Prediction, Series, Summary},
    numbers::{Scale, age, duration, sparkline},
};

/// What the table is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    pub(super) series: Vec<Series>,
    pub(super) summaries: Vec<Summary>,
    pub(super) metadata: Vec<Metadata>,
    pub(super) predictions: Vec<Prediction>,
}

const WINDOWS: [(&str, f64); 3] = [("1h", 3_600.0), ("3h", 10_800.0), ("12h", 43_200.0)];
/// Below this share of a window its age is shown.
const THIN: f64 = 0.1;
const NOT_EXPORTED: &str = "no series: `cargo\nlocal check` says why";
const SPARKLINE_WIDTH: usize = 20;

/// The node of a series, as people know it.
pub(super) fn node(labels: &Labels) -> String {
    ["nodeName", "instance", "job"]
        .iter()
        .find_map(|name| labels.get(*name))
        .cloned()
        .unwrap_or_default()
}

/// The table: nodes and metrics by name, each with its windows, its kind and its next 10 minutes.
pub(super) fn table(findings: &Findings) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL);
    table.set_header([
        "node",
        "metric",
        "window",
        "min",
        "average",
        "max",
        "std",
        "kind",
        "next 10 minutes",
    ]);
    // Series that were seen once, on nodes that are gone, are nobody's business here.
    let nodes: BTreeSet<String> = findings.summaries.iter().map(|s| node(&s.labels)).collect();
    let of_nodes = |s: &&Series| nodes.contains(&node(&s.labels));
    let series = findings.series.iter().filter(of_nodes);
    let metrics: BTreeSet<&str> = series.map(|s| s.metric.as_str()).collect();
    // What is of no node, as the shares of bad events of an SLA, comes last.
    let with_name = nodes.iter().filter(|name| !name.is_empty());
    for node_name in with_name.chain(nodes.get("")) {
        for metric in &metrics {
            let here = |s: &&Series| s.metric == *metric && node(&s.labels) == *node_name;
            let mut rows = findings.series.iter().filter(here).peekable();
            let is_expected = !node_name.is_empty() && !is_share(metric);
            if rows.peek().is_none() && is_expected {
                table.add_row(empty_row(node_name, metric, NOT_EXPORTED));
            }
            for series in rows {
                table.add_row(
                    if findings
                        .summaries
                        .iter()
                        .any(|summary| summary.is_of(series))
                    {
                        row(findings, node_name, series)
                    } else {
                        empty_row(node_name, metric, "no sample in the last 12 h")
                    },
                );
            }
        }
    }
    table
}

/// Whether a metric is the share of bad events of an objective, `SLA/OBJECTIVE`, which no node exports.
fn is_share(metric: &str) -> bool {
    metric.contains('/')
}

fn empty_row(node: &str, metric: &str, reason: &str) -> Vec<Cell> {
    let mut cells = vec![Cell::new(node), Cell::new(metric)];
    cells.extend((0..5).map(|_| Cell::new("–")));
    cells.push(Cell::new(reason));
    cells.push(Cell::new("–"));
    cells
}

fn row(findings: &Findings, node: &str, series: &Series) -> Vec<Cell> {
    let windows: Vec<(&str, f64, Option<&Summary>)> = WINDOWS
        .iter()
        .map(|(window, seconds)| {
            let mut summaries = findings.summaries.iter();
            let summary = summaries.find(|s| s.window == *window && s.is_of(series));
            (*window, *seconds, summary)
        })
        .collect();
    let greatest = windows
        .iter()
        .filter_map(|(_, _, summary)| summary.and_then(|summary| summary.max))
        .fold(0.0, f64::max);
    let scale = Scale::of(series.unit.as_deref(), greatest);
    let column = |value: fn(&Summary) -> Option<f64>| {
        let lines: Vec<String> = windows
            .iter()
            .map(|(_, _, summary)| scale.show(summary.and_then(value)))
            .collect();
        Cell::new(lines.join("\n")).set_alignment(CellAlignment::Right)
    };
    let spans: Vec<String> = windows
        .iter()
        .map(|(window, seconds, summary)| span(window, *seconds, *summary))
        .collect();
    let metadata = findings
        .metadata
        .iter()
        .find(|metadata| metadata.metric == series.metric && metadata.labels == series.labels);
    let prediction = findings.predictions.iter().find(|prediction| {
        prediction.metric == series.metric && prediction.labels == series.labels
    });
    vec![
        Cell::new(node),
        Cell::new(format!("{}\n{}", series.metric, scale.unit)),
        Cell::new(spans.join("\n")),
        column(|summary| summary.min),
        column(|summary| summary.average),
        column(|summary| summary.max),
        column(|summary| summary.std),
        Cell::new(kind(metadata)),
        Cell::new(outlook(prediction, &scale)),
    ]
}

/// The window's name, or how much of it there is.
fn span(window: &str, seconds: f64, summary: Option<&Summary>) -> String {
    match summary {
        Some(summary) if summary.coverage < THIN => {
            format!("{} of {}", age(summary.coverage * seconds), age(seconds))
        }
        Some(_) => window.to_owned(),
        None => format!("none of {}", age(seconds)),
    }
}

fn kind(metadata: Option<&Metadata>) -> String {
    let Some(metadata) = metadata else {
        return "–".to_owned();
    };
    let stationarity = &metadata.stationarity;
    let verdict = stationarity
        .verdict
        .as_ref()
        .or(stationarity.error.as_ref());
    let mut lines = vec![verdict.map_or("–".to_owned(), |verdict| verdict.replace('_', " "))];
    let seasonality = &metadata.seasonality;
    if let Some(period) = seasonality.period_seconds {
        let period = duration(std::time::Duration::from_secs_f64(period.max(0.0)));
        let strength = seasonality
            .season_strength
            .map(|strength| format!(", strength {strength:.2}"))
            .unwrap_or_default();
        lines.push(format!("every {period}{strength}"));
        let pattern = seasonality.pattern.as_deref().unwrap_or_default();
        lines.push(sparkline(pattern, SPARKLINE_WIDTH));
    }
    lines.join("\n")
}

fn outlook(prediction: Option<&Prediction>, scale: &Scale) -> String {
    let Some(prediction) = prediction else {
        return "–".to_owned();
    };
    if prediction.average.is_none() {
        let reason = prediction.error.as_deref().unwrap_or("unknown");
        return format!("no forecast: {}", reason.replace('_', " "));
    }
    let path: Vec<f64> = prediction.path.iter().flatten().map(|p| p.mean).collect();
    format!(
        "average {}\n{} to {}\n{}",
        scale.show(prediction.average),
        scale.show(prediction.min),
        scale.show(prediction.max),
        sparkline(&path, SPARKLINE_WIDTH)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn findings() -> Findings {
        let labels = json!({ "nodeName": "demo" });
        let series = |metric: &str, node: &str, unit: &str| {
            from_value(json!({
                "metric": metric, "labels": { "nodeName": node }, "unit": unit,
            }))
            .unwrap()
        };
        let summary = |node: &str, window: &str, coverage: f64| -> Summary {
            from_value(json!({
                "metric": "cpuUsage", "labels": { "nodeName": node },
                "window": window, "coverage": coverage,
                "min": 10.0, "max": 91.25, "average": 25.5, "std": 7.0,
            }))
            .unwrap()
        };
        let path: Vec<Value> = (0..40).map(|step| json!({ "mean": step })).collect();
        Findings {
            series: vec![
                series("cpuUsage", "demo", "percent"),
                series("cpuTemp", "demo", "celsius"),
                series("cpuUsage", "host", "percent"),
                series("totProcesses", "gone", "processes"),
            ],
            summaries: vec![
                summary("demo", "1h", 1.0),
                summary("demo", "3h", 1.0),
                summary("demo", "12h", 0.01),
                summary("host", "1h", 0.5),
            ],
            metadata: vec![
                from_value(json!({
                    "metric": "cpuUsage", "labels": labels,
                    "stationarity": { "verdict": "trend_stationary" },
                    "seasonality": {
                        "period_seconds": 1800.0, "season_strength": 0.8, "pattern": [0.0, 1.0],
                    },
                }))
                .unwrap(),
            ],
            predictions: vec![
                from_value(json!({
                    "metric": "cpuUsage", "labels": labels,
                    "min": 20.0, "max": 30.0, "average": 25.0, "path": path,
                }))
                .unwrap(),
            ],
        }
    }

    #[test]
    fn every_node_has_a_row_for_every_metric() {
        insta::assert_snapshot!(table(&findings()).to_string(), @r"
        ┌──────┬──────────┬───────────────┬──────┬─────────┬──────┬──────┬────────────────────────────┬──────────────────────┐
        │ node ┆ metric   ┆ window        ┆ min  ┆ average ┆ max  ┆ std  ┆ kind                       ┆ next 10 minutes      │
        ╞══════╪══════════╪═══════════════╪══════╪═════════╪══════╪══════╪════════════════════════════╪══════════════════════╡
        │ demo ┆ cpuTemp  ┆ –             ┆ –    ┆ –       ┆ –    ┆ –    ┆ no sample in the last 12 h ┆ –                    │
        ├╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
        │ demo ┆ cpuUsage ┆ 1h            ┆ 10.0 ┆    25.5 ┆ 91.2 ┆ 7.00 ┆ trend stationary           ┆ average 25.0         │
        │      ┆ %        ┆ 3h            ┆ 10.0 ┆    25.5 ┆ 91.2 ┆ 7.00 ┆ every 30 m, strength 0.80  ┆ 20.0 to 30.0         │
        │      ┆          ┆ 7 min of 12 h ┆ 10.0 ┆    25.5 ┆ 91.2 ┆ 7.00 ┆ ▁█                         ┆ ▁▁▂▂▂▃▃▄▄▄▅▅▅▆▆▇▇▇██ │
        ├╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
        │ host ┆ cpuTemp  ┆ –             ┆ –    ┆ –       ┆ –    ┆ –    ┆ no series: `cargo          ┆ –                    │
        │      ┆          ┆               ┆      ┆         ┆      ┆      ┆ local check` says why      ┆                      │
        ├╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
        │ host ┆ cpuUsage ┆ 1h            ┆ 10.0 ┆    25.5 ┆ 91.2 ┆ 7.00 ┆ –                          ┆ –                    │
        │      ┆ %        ┆ none of 3 h   ┆    – ┆       – ┆    – ┆    – ┆                            ┆                      │
        │      ┆          ┆ none of 12 h  ┆    – ┆       – ┆    – ┆    – ┆                            ┆                      │
        └──────┴──────────┴───────────────┴──────┴─────────┴──────┴──────┴────────────────────────────┴──────────────────────┘
        ");
    }

    #[test]
    fn the_share_of_bad_events_is_of_no_node() {
        let mut findings = findings();
        let share = json!({"metric": "demo/availability", "labels": {}, "unit": "ratio"});
        findings.series.push(from_value(share).unwrap());
        let summary = json!({
            "metric": "demo/availability", "labels": {}, "window": "1h", "coverage": 1.0,
            "min": 0.0, "max": 0.03, "average": 0.01, "std": 0.0,
        });
        findings.summaries.push(from_value(summary).unwrap());
        let table = table(&findings).to_string();
        assert_eq!(table.matches("demo/availability").count(), 1, "{table}");
        // That `host` exports no `cpuTemp`.
        assert_eq!(table.matches("no series").count(), 1, "{table}");
        let last = table.find("demo/availability");
        assert!(last > table.find("host ┆ cpuUsage"), "{table}");
    }
}
