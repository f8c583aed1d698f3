//! What a query selects: whether it is a plain selector, and which metric names it may show.

use std::{fmt, time::Duration};

use promql_parser::{
    label::{MatchOp, Matcher as ParsedMatcher},
    parser::{Expr, VectorSelector},
    util::{ExprVisitor, walk_expr},
};

use crate::bounds;

/// A query of the metrics file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A plain selector.
    Selector(Selector),
    /// Anything else.
    Expression {
        /// PromQL without comments.
        text: String,
        /// Whether two of its series may differ in their metric name alone.
        has_names: bool,
        /// What the parser says of a text that it does not understand. The server decides about it.
        unparsed: Option<String>,
    },
}

/// A plain selector: its series are read as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// PromQL without comments.
    pub text: String,
    /// What a series has to match, all of it. Empty where PromQL alone can say it (alternatives with `or`).
    pub matchers: Vec<Matcher>,
}

/// A selector within a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// What its series match.
    pub matchers: Vec<Matcher>,
    /// How far it looks back, where it says so: `[5m]`.
    pub range: Option<Duration>,
}

/// What a label of a series has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label's name; `__name__` for the metric's.
    pub label: String,
    /// How it is compared.
    pub operator: MatchOperator,
    /// The value or regular expression that it is compared with.
    pub value: String,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOperator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

/// The label that holds a metric's name.
pub const NAME: &str = "__name__";

impl Query {
    /// Reads PromQL; `None` if there is nothing but white space and comments.
    pub fn parse(query: &str) -> Option<Self> {
        let text = without_comments(query).trim().to_owned();
        if text.is_empty() {
            return None;
        }
        Some(match bounds::parse(&text) {
            Ok(Expr::VectorSelector(selector))
                if selector.offset.is_none() && selector.at.is_none() =>
            {
                Self::Selector(Selector {
                    matchers: matchers(&selector),
                    text,
                })
            }
            Ok(expression) => Self::Expression {
                has_names: has_names(&expression),
                text,
                unparsed: None,
            },
            Err(reason) => Self::Expression {
                has_names: true,
                text,
                unparsed: Some(reason),
            },
        })
    }
}

impl Selector {
    /// The selector of the series that match all of `matchers`.
    pub fn of(matchers: Vec<Matcher>) -> Self {
        let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        Self {
            text: format!("{{{}}}", texts.join(",")),
            matchers,
        }
    }

    /// Whether two of its series may differ in their metric name alone.
    pub fn has_names(&self) -> bool {
        !self.matchers.iter().any(Matcher::is_name)
    }
}

/// The selectors in a query, in order; none of one that the parser does not understand.
pub fn selected(query: &str) -> Vec<Selected> {
    let mut found = Found::default();
    if let Ok(expression) = bounds::parse(&without_comments(query)) {
        // The visitor has no errors.
        let _ = walk_expr(&mut found, &expression);
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<Selected>);

impl ExprVisitor for Found {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
        let (selector, range) = match expression {
            Expr::VectorSelector(selector) => (selector, None),
            Expr::MatrixSelector(selector) => (&selector.vs, Some(selector.range)),
            _ => return Ok(true),
        };
        self.0.push(Selected {
            matchers: matchers(selector),
            range,
        });
        Ok(true)
    }
}

impl Selected {
    /// The metric's name, where it is given.
    pub fn name(&self) -> Option<&str> {
        let mut matchers = self.matchers.iter();
        let named = matchers.find(|matcher| matcher.is_name())?;
        Some(&named.value)
    }

    /// As a plain selector.
    pub fn selector(&self) -> Selector {
        Selector::of(self.matchers.clone())
    }
}

impl Matcher {
    /// Whether it gives the metric's name.
    fn is_name(&self) -> bool {
        self.label == NAME && self.operator == MatchOperator::Equal
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            MatchOperator::Equal => "=",
            MatchOperator::NotEqual => "!=",
            MatchOperator::Regex => "=~",
            MatchOperator::NotRegex => "!~",
        };
        write!(
            f,
            "{}{operator}{}",
            label_name(&self.label),
            quoted(&self.value)
        )
    }
}

/// A label's name as PromQL takes it: quoted, as Prometheus 3 has it, unless it is of letters, digits and underscores and
/// does not begin with a digit.
pub fn label_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A string of PromQL.
pub(crate) fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// The text without `# …` up to the end of a line, where that is not within a string.
pub(crate) fn without_comments(query: &str) -> String {
    let (mut text, mut characters) = (String::with_capacity(query.len()), query.chars());
    let mut quote = None;
    while let Some(c) = characters.next() {
        match quote {
            None if c == '#' => {
                // The line's end stays, so that what surrounds the comment does not run together.
                if characters.by_ref().any(|c| c == '\n') {
                    text.push('\n');
                }
                continue;
            }
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            Some('"' | '\'') if c == '\\' => {
                text.push(c);
                text.extend(characters.next());
                continue;
            }
            Some(open) if c == open => quote = None,
            _ => {}
        }
        text.push(c);
    }
    text
}

pub(crate) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    if !selector.matchers.or_matchers.is_empty() {
        return Vec::new();
    }
    let name = selector.name.iter().map(|name| Matcher {
        label: NAME.to_owned(),
        operator: MatchOperator::Equal,
        value: name.clone(),
    });
    let labels = selector
        .matchers
        .matchers
        .iter()
        .map(|ParsedMatcher { op, name, value }| Matcher {
            label: name.clone(),
            operator: match op {
                MatchOp::Equal => MatchOperator::Equal,
                MatchOp::NotEqual => MatchOperator::NotEqual,
                MatchOp::Re(_) => MatchOperator::Regex,
                MatchOp::NotRe(_) => MatchOperator::NotRegex,
            },
            value: value.clone(),
        });
    name.chain(labels).collect()
}

/// Whether an expression selects more than one metric name.
fn has_names(expression: &Expr) -> bool {
    let mut found = Found::default();
    // The visitor has no errors.
    let _ = walk_expr(&mut found, expression);
    let mut names = found.0.iter().map(Selected::name);
    let Some(first) = names.next() else {
        return false;
    };
    first.is_none() || names.any(|name| name != first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_changes_nothing() {
        for (query, text) in [
            ("up # is it?", "up"),
            ("# first\nup\n# last", "up"),
            ("a #x\n+ b", "a \n+ b"),
            (r##"up{a="#1"}"##, r##"up{a="#1"}"##),
            (r##"up{a="\"#"} # x"##, r##"up{a="\"#"}"##),
            ("up{a='#'}", "up{a='#'}"),
            ("up{a=`\\`} # x", "up{a=`\\`}"),
        ] {
            assert_eq!(without_comments(query).trim(), text, "{query}");
        }
        for query in ["", " \n", "# nothing", "#\n#\n"] {
            assert_eq!(Query::parse(query), None, "{query}");
        }
    }

    #[test]
    fn a_plain_selector_is_told_from_an_expression() {
        for (query, is_selector) in [
            ("up", true),
            (r#"{"http.requests", "service.name"="a"}"#, true),
            (r#"up{job=~"a|b"}"#, true),
            (r#"up{a="1" or b="2"}"#, true),
            ("up offset 5m", false),
            ("up @ 0", false),
            ("up[5m]", false),
            ("rate(up[5m])", false),
            ("max_over_time(up[5m * 2])", false),
            ("rate(up)", false),
            ("1", false),
        ] {
            let read = Query::parse(query).unwrap();
            assert_eq!(
                matches!(read, Query::Selector(_)),
                is_selector,
                "{query}: {read:?}"
            );
        }
    }

    #[test]
    fn what_the_parser_does_not_know_is_left_to_the_server() {
        for query in [
            "max_over_time(up[5m * 2])",
            "rate(",
            "up{",
            "sum(rate(x[1m] anchored))",
        ] {
            let Some(Query::Expression { text, unparsed, .. }) = Query::parse(query) else {
                panic!("{query}")
            };
            assert!(unparsed.is_some(), "{query}");
            assert_eq!(text, query);
        }
    }

    #[test]
    fn selectors_are_found_within_a_query() {
        let found = selected(r#"rate(a{b=~"c"}[5m]) / on() {"d.e", "f.g"!="h\"i"} # {j="k"}"#);
        let texts: Vec<(String, Option<u64>)> = found
            .iter()
            .map(|selected| {
                let range = selected.range.map(|range| range.as_secs());
                (selected.selector().text, range)
            })
            .collect();
        let text = |text: &str, range| (text.to_owned(), range);
        assert_eq!(
            texts,
            [
                text(r#"{__name__="a",b=~"c"}"#, Some(300)),
                text(r#"{__name__="d.e","f.g"!="h\"i"}"#, None),
            ]
        );
        assert_eq!(found[0].name(), Some("a"));
        assert_eq!(selected("rate("), []);
    }

    #[test]
    fn a_label_is_quoted_where_it_is_no_plain_name() {
        for (name, text) in [
            ("job", "job"),
            ("_a1", "_a1"),
            ("1a", "\"1a\""),
            ("service.name", "\"service.name\""),
            ("a\\\"\n\u{1}é", "\"a\\\\\\\"\\n\u{1}é\""),
        ] {
            assert_eq!(label_name(name), text);
            let matcher = Matcher {
                label: name.to_owned(),
                operator: MatchOperator::Equal,
                value: name.to_owned(),
            };
            let Some(Query::Selector(read)) = Query::parse(&format!("up{{{matcher}}}")) else {
                panic!("{matcher}")
            };
            assert_eq!(read.matchers[1], matcher);
        }
    }

    #[test]
    fn series_may_differ_by_name_alone_where_several_names_are_selected() {
        for (query, several) in [
            ("up", false),
            (r#"{__name__="up"}"#, false),
            (r#"{"up"}"#, false),
            (r#"{__name__=~"node_load[15]"}"#, true),
            (r#"{job="node"}"#, true),
            ("rate(x[5m]) / rate(x[1m])", false),
            ("x or y", true),
            (r#"last_over_time({job="a"}[5m])"#, true),
            ("1 + 1", false),
            ("what is this", true),
        ] {
            let has_names = match Query::parse(query).unwrap() {
                Query::Selector(selector) => selector.has_names(),
                Query::Expression { has_names, .. } => has_names,
            };
            assert_eq!(has_names, several, "{query}");
        }
    }
}
