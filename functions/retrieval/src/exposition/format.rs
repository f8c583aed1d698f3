//! The text of an exposition: `OpenMetrics` 1.0 or Prometheus' text format 0.0.4.

use std::collections::HashSet;

use domain::Labels;

use super::{
    families::{Exposition, Family},
    negotiation::{Format, Kind},
};

/// Units that a metric's name ends with.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

/// The exposition, the metrics and the points of each in the order of their names and labels.
pub(crate) fn write(exposition: &Exposition, format: Format) -> String {
    let mut text = String::new();
    for (name, family) in &exposition.families {
        describe(&mut text, name, family.help, format.kind);
        add_points(&mut text, name, family, format);
    }
    if format.kind == Kind::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn describe(text: &mut String, name: &str, help: &str, kind: Kind) {
    text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
    let unit = UNITS.iter().find(|unit| {
        let before = name.strip_suffix(**unit);
        before.is_some_and(|before| before.ends_with('_'))
    });
    if let (Kind::OpenMetrics, Some(unit)) = (kind, unit) {
        text.push_str(&format!("# UNIT {name} {unit}\n"));
    }
}

fn add_points(text: &mut String, name: &str, family: &Family, format: Format) {
    let mut points: Vec<(Labels, f64)> = family
        .points
        .iter()
        .map(|point| match format.utf8 {
            true => (point.labels.clone(), point.value),
            false => (point.labels.with_classic_names(), point.value),
        })
        .collect();
    points.sort_by(|one, other| one.0.cmp(&other.0));
    let mut taken = HashSet::new();
    for (mut labels, value) in points {
        // Two label sets may be one once their names are classic.
        while !taken.insert(labels.clone()) {
            labels = with_longer_name(labels);
        }
        text.push_str(name);
        add_labels(text, &labels);
        text.push(' ');
        text.push_str(&number(value));
        text.push('\n');
    }
}

/// The labels with `_` behind the last name.
fn with_longer_name(labels: Labels) -> Labels {
    let mut labels = labels.0;
    if let Some((mut name, value)) = labels.pop_last() {
        name.push('_');
        labels.insert(name, value);
    }
    Labels(labels)
}

fn add_labels(text: &mut String, labels: &Labels) {
    if labels.0.is_empty() {
        return;
    }
    for (position, (name, value)) in labels.0.iter().enumerate() {
        text.push(if position == 0 { '{' } else { ',' });
        if is_classic(name) {
            text.push_str(name);
        } else {
            add_quoted(text, name);
        }
        text.push('=');
        add_quoted(text, value);
    }
    text.push('}');
}

fn is_classic(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(is_word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn add_quoted(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
}

/// A number as both formats have it.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        let sign = if value > 0.0 { '+' } else { '-' };
        format!("{sign}Inf")
    } else if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn exposition(labels: &[&[(&str, &str)]]) -> Exposition {
        let mut exposition = Exposition::default();
        for (position, labels) in labels.iter().enumerate() {
            exposition.add_named(
                "slacast_x_seconds",
                "What it is.",
                labels.iter().copied().collect(),
                position as f64,
                Timestamp::EPOCH,
            );
        }
        exposition
    }

    fn lines(labels: &[&[(&str, &str)]], kind: Kind, utf8: bool) -> Vec<String> {
        let text = write(&exposition(labels), Format { kind, utf8 });
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn openmetrics_has_units_and_an_end() {
        let labels: &[(&str, &str)] = &[("b", "1"), ("a", "x\"\\\n")];
        assert_eq!(
            lines(&[labels, &[]], Kind::OpenMetrics, false),
            [
                "# HELP slacast_x_seconds What it is.",
                "# TYPE slacast_x_seconds gauge",
                "# UNIT slacast_x_seconds seconds",
                "slacast_x_seconds 1",
                "slacast_x_seconds{a=\"x\\\"\\\\\\n\",b=\"1\"} 0",
                "# EOF"
            ]
        );
        let text = lines(&[&[]], Kind::Text, false);
        assert_eq!(text.len(), 3, "{text:?}");
    }

    #[test]
    fn names_are_classic_unless_any_are_allowed() {
        let labels: &[(&str, &str)] = &[("a.b", "1"), ("a_b", "2"), ("0", "3")];
        let line = |utf8| lines(&[labels], Kind::Text, utf8).pop().unwrap();
        assert_eq!(
            line(false),
            r#"slacast_x_seconds{_0="3",a_b="2",a_b_="1"} 0"#
        );
        assert_eq!(
            line(true),
            r#"slacast_x_seconds{"0"="3","a.b"="1",a_b="2"} 0"#
        );
    }

    #[test]
    fn two_label_sets_stay_two() {
        let found = lines(
            &[&[("a.b", "1")], &[("a-b", "1")], &[("a_b", "1")]],
            Kind::Text,
            false,
        );
        let mut sets: Vec<&str> = found[2..]
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        sets.sort_unstable();
        sets.dedup();
        assert_eq!(sets.len(), 3, "{found:?}");
    }

    #[test]
    fn numbers_are_as_the_formats_have_them() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (-0.5, "-0.5"),
            (1e300, "1e300"),
            (1e-9, "1e-9"),
            (0.0, "0"),
            (1_764_441_600.5, "1764441600.5"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
