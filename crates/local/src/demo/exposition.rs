//! The text formats of Prometheus: what an exporter answers, and what history is read from.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use super::{
    node::{Family, Kind, Line, Node},
    spike::Spikes,
};

/// What an exporter answers to a scrape: the text format 0.0.4.
pub(crate) fn scrape(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let name = family.name;
        let suffix = if family.kind == Kind::Counter {
            "_total"
        } else {
            ""
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# TYPE {name}{suffix} {}", word(family.kind));
        for line in &family.series {
            let labels = braces(&line.labels);
            let _ = writeln!(text, "{name}{}{labels} {}", line.suffix, line.value);
        }
    }
    text
}

/// The history of `node` as `OpenMetrics`: every `step` seconds from `from` to `to`, both included, each series with the
/// labels `target` that a scrape would add.
///
/// # Errors
/// When writing fails.
pub(crate) fn history(
    out: &mut impl Write,
    mut node: Node,
    spikes: &Spikes,
    (from, to): (i64, i64),
    step: i64,
    target: &str,
) -> io::Result<()> {
    let mut lines: BTreeMap<&str, (Kind, BTreeMap<usize, String>)> = BTreeMap::new();
    let mut seconds = from;
    while seconds <= to {
        for family in node.families(seconds * 1000, spikes) {
            let (_, series) = lines
                .entry(family.name)
                .or_insert_with(|| (family.kind, BTreeMap::new()));
            for (place, line) in family.series.into_iter().enumerate() {
                let Line {
                    suffix,
                    labels,
                    value,
                } = line;
                let comma = if labels.is_empty() { "" } else { "," };
                let id = format!("{}{suffix}{{{labels}{comma}{target}}}", family.name);
                // In the order of the family's lines: the buckets of a histogram by their bounds.
                let text = series.entry(place).or_default();
                let _ = writeln!(text, "{id} {value} {seconds}");
            }
        }
        seconds += step;
    }
    for (name, (kind, series)) in &lines {
        writeln!(out, "# TYPE {name} {}", word(*kind))?;
        for text in series.values() {
            out.write_all(text.as_bytes())?;
        }
    }
    writeln!(out, "# EOF")
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

fn braces(labels: &str) -> String {
    if labels.is_empty() {
        String::new()
    } else {
        format!("{{{labels}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_names_counters_with_their_suffix() {
        let text = scrape(&Node::new(0).families(60_000, &Spikes::default()));
        assert!(text.contains("# TYPE node_cpu_seconds_total counter\n"));
        assert!(text.contains("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} "));
        assert!(text.contains("\nnode_memory_MemTotal_bytes 8589934592\n"));
    }

    #[test]
    fn history_has_a_line_per_series_and_step_and_ends_as_open_metrics_does() {
        let mut out = Vec::new();
        let target = r#"job="node""#;
        let spikes = Spikes::default();
        history(&mut out, Node::new(0), &spikes, (0, 60), 15, target).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!(
            of("node_memory_MemTotal_bytes{job=\"node\"} 8589934592 "),
            5
        );
        assert_eq!(of("node_cpu_seconds_total{"), 40);
        assert_eq!(of("demo_http_request_duration_seconds_bucket{le="), 30);
        assert_eq!(of("demo_http_request_duration_seconds_count{job="), 5);
        assert!(lines.contains(&"# TYPE node_cpu_seconds counter"));
        assert_eq!(lines.last(), Some(&"# EOF"));
    }
}
