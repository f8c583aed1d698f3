//! `metrics.toml`: which metrics there are and how each is asked for.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::{MetricName, duration, evaluation::STALENESS};
use serde::Deserialize;
use toml::Spanned;

use crate::{Query, Selector};

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The name in messages, tables and answers.
    pub name: MetricName,
    /// The PromQL query, without comments.
    pub query: String,
    /// What the values are measured in, for people.
    pub unit: Option<String>,
    /// How the query is read.
    pub reading: Reading,
}

/// How a query is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A plain selector: every real sample once, at its own time.
    Raw {
        /// What selects its series.
        selector: Selector,
    },
    /// Any other expression: sampled at the multiples of a step since the Unix epoch.
    Sampled {
        /// The step, 1 s to 5 m.
        step: Duration,
        /// Whether two of its series may differ in their metric name alone.
        has_names: bool,
        /// What the parser says of a query that it does not understand. The server decides about it.
        unparsed: Option<String>,
    },
}

const DEFAULT_STEP: Duration = Duration::from_secs(15);
const MOST_METRICS: usize = 1_000;

impl Reading {
    /// How long a sample stands without a successor: 5 m, or one step (the query has looked back already).
    pub fn staleness(&self) -> Duration {
        match self {
            Self::Raw { .. } => STALENESS,
            Self::Sampled { step, .. } => *step,
        }
    }

    /// Whether two of its series may differ in their metric name alone.
    pub fn has_names(&self) -> bool {
        match self {
            Self::Raw { selector } => selector.has_names(),
            Self::Sampled { has_names, .. } => *has_names,
        }
    }
}

impl Metric {
    /// A metric that an objective brings itself: any query, a plain selector too, is sampled. `None` where it is empty.
    pub fn of_query(name: MetricName, query: &str, step: Duration) -> Option<Self> {
        let (query, has_names, unparsed) = match Query::parse(query)? {
            Query::Selector(selector) => (selector.text.clone(), selector.has_names(), None),
            Query::Expression {
                text,
                has_names,
                unparsed,
            } => (text, has_names, unparsed),
        };
        Some(Self {
            name,
            query,
            unit: None,
            reading: Reading::Sampled {
                step,
                has_names,
                unparsed,
            },
        })
    }
}

/// Why a file of metrics cannot be used: where, and what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum MetricsFileError {
    /// It cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something that is not understood.
    #[error("{}:{line}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads a file of metrics.
///
/// # Errors
/// When the file cannot be read, has an unknown key, a name twice, an empty query, or a bad step. The error names file
/// and line. A query that the parser does not understand is no error: [`Reading::Sampled::unparsed`] says so.
pub fn load(path: &Path) -> Result<Vec<Metric>, MetricsFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| MetricsFileError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|(position, reason)| MetricsFileError::Invalid {
        path: path.to_owned(),
        line: text[..position.min(text.len())].matches('\n').count() + 1,
        reason,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    metric: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    query: Spanned<String>,
    unit: Option<Spanned<String>>,
    step: Option<Spanned<String>>,
}

/// Where in the text, and what is wrong there.
type Fault = (usize, String);

fn parse(text: &str) -> Result<Vec<Metric>, Fault> {
    let file: File = toml::from_str(text).map_err(|error| {
        let Range { start, .. } = error.span().unwrap_or_default();
        (start, error.message().to_owned())
    })?;
    if file.metric.is_empty() || file.metric.len() > MOST_METRICS {
        return Err((
            0,
            format!("1 to {MOST_METRICS} [[metric]] tables are wanted"),
        ));
    }
    let mut seen = HashMap::new();
    file.metric
        .into_iter()
        .map(|entry| {
            let entry = entry.into_inner();
            let position = entry.name.span().start;
            if seen
                .insert(entry.name.get_ref().clone(), position)
                .is_some()
            {
                return Err((
                    position,
                    format!("metric `{}` appears twice", entry.name.get_ref()),
                ));
            }
            metric(entry)
        })
        .collect()
}

/// How many metrics the text of a file has; or where it is wrong, and what is.
#[cfg(feature = "testing")]
pub(crate) fn count_metrics(text: &str) -> Result<usize, Fault> {
    parse(text).map(|metrics| metrics.len())
}

fn metric(entry: Entry) -> Result<Metric, Fault> {
    let name_at = entry.name.span().start;
    let name = entry.name.into_inner();
    if !is_metric_name(&name) {
        return Err((
            name_at,
            format!("`{name}` is not a name: a letter, then up to 254 of A-Z a-z 0-9 _ : . -"),
        ));
    }
    let name = MetricName::parse(name).map_err(|error| (name_at, error.to_string()))?;
    let unit = entry
        .unit
        .map(|unit| {
            let legal = unit.get_ref().chars().count() <= 64;
            legal.then(|| unit.get_ref().clone()).ok_or((
                unit.span().start,
                "a unit has at most 64 characters".to_owned(),
            ))
        })
        .transpose()?;
    let query_at = entry.query.span().start;
    let query = entry.query.into_inner();
    let step = entry.step.as_ref().map_or(Ok(DEFAULT_STEP), step)?;
    let Some(query) = Query::parse(&query) else {
        return Err((query_at, format!("metric `{name}`: the query is empty")));
    };
    let (query, reading) = match query {
        // It has no use for a step: every sample is read.
        Query::Selector(selector) => (selector.text.clone(), Reading::Raw { selector }),
        Query::Expression {
            text,
            has_names,
            unparsed,
        } => {
            let reading = Reading::Sampled {
                step,
                has_names,
                unparsed,
            };
            (text, reading)
        }
    };
    Ok(Metric {
        name,
        query,
        unit,
        reading,
    })
}

fn is_metric_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-');
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 255
        && name.chars().all(legal)
}

fn step(written: &Spanned<String>) -> Result<Duration, Fault> {
    let fault = |reason: String| (written.span().start, reason);
    let step = duration::parse(written.get_ref()).map_err(|error| fault(error.to_string()))?;
    if !(Duration::from_secs(1)..=STALENESS).contains(&step) || step.subsec_nanos() != 0 {
        return Err(fault(format!(
            "a step is a whole number of seconds from 1s to 5m, not {}",
            written.get_ref()
        )));
    }
    Ok(step)
}

#[cfg(test)]
mod ready_sets;

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::*,
        sample::{Index, select},
    };

    use super::*;
    use crate::{MatchOperator, Matcher, fuzz::cases};

    fn fault(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let message = load(file.path()).unwrap_err().to_string();
        message
            .rsplit('/')
            .next()
            .unwrap()
            .split_once(':')
            .unwrap()
            .1
            .to_owned()
    }

    #[test]
    fn a_selector_is_read_raw_and_an_expression_by_its_step() {
        let text = r#"
            [[metric]]
            name = "raw"
            query = 'node_load1{job=~"node.*"}'
            unit = "load"
            step = "30s"
            [[metric]]
            name = "default"
            query = "rate(x[5m])"
            [[metric]]
            name = "slow"
            query = "x offset 5m"
            step = "1m"
        "#;
        let metrics = parse(text).unwrap();
        let steps: Vec<Option<u64>> = metrics
            .iter()
            .map(|metric| match &metric.reading {
                Reading::Raw { .. } => None,
                Reading::Sampled { step, .. } => Some(step.as_secs()),
            })
            .collect();
        assert_eq!(steps, [None, Some(15), Some(60)]);
        let Reading::Raw { selector } = &metrics[0].reading else {
            panic!("{:?}", metrics[0])
        };
        let matcher = |operator: MatchOperator, label: &str, value: &str| Matcher {
            operator,
            label: label.to_owned(),
            value: value.to_owned(),
        };
        assert_eq!(
            selector.matchers,
            [
                matcher(MatchOperator::Equal, "__name__", "node_load1"),
                matcher(MatchOperator::Regex, "job", "node.*"),
            ]
        );
    }

    #[test]
    fn a_query_that_the_parser_does_not_know_keeps_no_other_from_being_read() {
        let text = "[[metric]]\nname = \"a\"\nquery = \"rate(\"\n[[metric]]\nname = \"b\"\nquery = \"x # y\"";
        let metrics = parse(text).unwrap();
        assert!(
            matches!(
                &metrics[0].reading,
                Reading::Sampled {
                    unparsed: Some(_),
                    ..
                }
            ),
            "{metrics:?}"
        );
        assert_eq!(metrics[1].query, "x");
    }

    #[test]
    fn a_fault_is_told_with_its_line() {
        let metric =
            |rest: &str| format!("[[metric]]\nname = \"a\"\nquery = \"rate(x[5m])\"\n{rest}");
        for (text, said) in [
            (metric("colour = \"red\""), "4: unknown field `colour`"),
            (metric("step = \"quick\""), "4: `quick` is not a duration"),
            (metric("step = \"6m\""), "4: a step is a whole number"),
            (metric("step = \"0s\""), "4: a step is a whole number"),
            (metric(&metric("")), "5: metric `a` appears twice"),
            (
                "[[metric]]\nname = \"a\"\nquery = \" # nothing\"".to_owned(),
                "3: metric `a`: the query is empty",
            ),
            (
                "[[metric]]\nname = \"a b\"\nquery = \"x\"".to_owned(),
                "2: `a b` is not a name",
            ),
            (
                "[[metric]]\nname = \"a\"\nquery = \"x\"\nstep = \"6m\"".to_owned(),
                "4: a step is a whole number",
            ),
            (String::new(), "1: 1 to 1000 [[metric]] tables"),
        ] {
            assert!(fault(&text).starts_with(said), "{}", fault(&text));
        }
    }

    proptest! {
        #![proptest_config(cases(5_000))]

        #[test]
        fn no_change_of_a_file_makes_it_panic_and_a_fault_has_a_place_in_it(
            changes in vec((any::<Index>(), 0..12_usize, select(PIECES.to_vec())), 0..5),
        ) {
            let whole = "[[metric]]\nname = \"cpu\"\nquery = 'rate(x{a=~\"b\"}[5m]) # c'\nunit = \"s\"\nstep = \"15s\"\n";
            let mut text: Vec<char> = whole.chars().collect();
            for (at, length, piece) in changes {
                let start = at.index(text.len() + 1);
                let end = (start + length).min(text.len());
                text.splice(start..end, piece.chars());
            }
            let text: String = text.into_iter().collect();
            match parse(&text) {
                Ok(metrics) => prop_assert!(!metrics.is_empty()),
                Err((position, reason)) => {
                    prop_assert!(position <= text.len() && !reason.is_empty());
                    // As `load` counts lines.
                    prop_assert!(text.is_char_boundary(position), "{position}");
                }
            }
        }
    }

    const PIECES: [&str; 25] = [
        "",
        "\n",
        "[[metric]]\n",
        "[metric]",
        "name = ",
        "query = ",
        "step = ",
        "= ",
        "\"",
        "'",
        "\"\"\"",
        "\'\'\'",
        "\\u12",
        "\\",
        "é",
        "\u{0}",
        "#",
        "{",
        "}",
        "[",
        "]",
        "1d",
        "999999999999999999h",
        "1970-01-01",
        "nan",
    ];
}
