//! Which counters an SLO of events counts: sums of selectors, as people write them for PromQL.

use promql_parser::parser::{
    self, AggregateExpr, Call, Expr, LabelModifier, VectorSelector,
    token::{T_ADD, T_SUM},
};

use crate::query::{MatchOperator, Matcher, Selector, matchers, without_comments};

/// A sum of the events that counters counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsSum {
    /// What selects the counters, one for each term, in order. A counter that two terms select counts twice.
    pub selectors: Vec<Selector>,
    /// The labels of `sum by (…)`, sorted, each once; `None` where no term has them.
    pub by: Option<Vec<String>>,
}

/// Why a text is no sum of events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSum(String);

/// The most terms of a sum.
const MOST_TERMS: usize = 20;
/// Labels whose values are numbers: servers write the same number in several ways.
const NUMBERS: [&str; 2] = ["le", "quantile"];

impl EventsSum {
    /// Reads a sum of terms joined by `+`. A term, in brackets or not, is a selector of a counter, or
    /// `sum [by (…)] (SELECTOR)`, or `sum [by (…)] (rate|increase(SELECTOR[RANGE]))` with any range, or Sloth's
    /// `{{.window}}`, which all mean the same: the events that were counted.
    ///
    /// # Errors
    /// For anything else; the error says what, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidSum> {
        let text = with_a_window(&without_comments(text));
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSum("is empty".to_owned()));
        }
        let expression = parser::parse(text)
            .map_err(|reason| InvalidSum(format!("is not PromQL: {}", cut(&reason))))?;
        let mut sum = Sum::default();
        sum.add(&expression)?;
        if sum.selectors.len() > MOST_TERMS {
            return Err(InvalidSum(format!(
                "has {} terms; {MOST_TERMS} are the most",
                sum.selectors.len()
            )));
        }
        Ok(Self {
            selectors: sum.selectors,
            by: sum.by.flatten(),
        })
    }
}

#[derive(Default)]
struct Sum {
    selectors: Vec<Selector>,
    /// `None` before the first term.
    by: Option<Option<Vec<String>>>,
}

impl Sum {
    fn add(&mut self, expression: &Expr) -> Result<(), InvalidSum> {
        match expression {
            Expr::Paren(inner) => self.add(&inner.expr),
            Expr::Binary(sum) if sum.op.id() == T_ADD => {
                if sum.modifier.is_some() {
                    return Err(other("`+` with `on`, `ignoring` or `group_left`"));
                }
                self.add(&sum.lhs)?;
                self.add(&sum.rhs)
            }
            Expr::Aggregate(aggregate) if aggregate.op.id() == T_SUM => {
                let by = by(aggregate)?;
                self.term(counter(&aggregate.expr)?, by)
            }
            Expr::VectorSelector(selector) => self.term(plain(selector)?, None),
            Expr::Call(_) => Err(other("a function without `sum` around it")),
            Expr::Aggregate(_) => Err(other("an aggregation that is not `sum`")),
            Expr::Binary(_) => Err(other("an operator that is not `+`")),
            _ => Err(other("this expression")),
        }
    }

    fn term(&mut self, selector: Selector, by: Option<Vec<String>>) -> Result<(), InvalidSum> {
        match &self.by {
            Some(earlier) if *earlier != by => {
                return Err(InvalidSum(
                    "has terms with different `by`: all terms must have the same labels".to_owned(),
                ));
            }
            _ => self.by = Some(by),
        }
        self.selectors.push(selector);
        Ok(())
    }
}

/// The labels of `sum by (…)`.
fn by(aggregate: &AggregateExpr) -> Result<Option<Vec<String>>, InvalidSum> {
    match &aggregate.modifier {
        None => Ok(None),
        Some(LabelModifier::Include(labels)) => {
            let mut by = labels.labels.clone();
            by.sort();
            by.dedup();
            Ok(Some(by).filter(|by| !by.is_empty()))
        }
        Some(LabelModifier::Exclude(_)) => Err(other("`sum without`")),
    }
}

/// What stands in `sum(…)`: a selector, or `rate` or `increase` of one.
fn counter(expression: &Expr) -> Result<Selector, InvalidSum> {
    match expression {
        Expr::Paren(inner) => counter(&inner.expr),
        Expr::VectorSelector(selector) => plain(selector),
        Expr::Call(Call { func, args }) if matches!(func.name, "rate" | "increase") => {
            match args.args.first().map(|range| &**range) {
                Some(Expr::MatrixSelector(range)) => plain(&range.vs),
                _ => Err(other("`rate` or `increase` of a subquery")),
            }
        }
        Expr::Call(_) => Err(other("a function that is not `rate` or `increase`")),
        _ => Err(other("an expression within `sum`")),
    }
}

fn plain(selector: &VectorSelector) -> Result<Selector, InvalidSum> {
    if selector.offset.is_some() || selector.at.is_some() {
        return Err(other("a selector with `offset` or `@`"));
    }
    if !selector.matchers.or_matchers.is_empty() {
        return Err(other("a selector with `or`"));
    }
    let matchers: Vec<Matcher> = matchers(selector).into_iter().map(by_number).collect();
    Ok(Selector::of(matchers))
}

/// A matcher of a number takes every way in which a server may write it: `1` is `1.0`.
fn by_number(matcher: Matcher) -> Matcher {
    let operator = match matcher.operator {
        MatchOperator::Equal => MatchOperator::Regex,
        MatchOperator::NotEqual => MatchOperator::NotRegex,
        MatchOperator::Regex | MatchOperator::NotRegex => return matcher,
    };
    let number = matcher.value.parse::<f64>().ok();
    let Some(number) = number.filter(|_| NUMBERS.contains(&matcher.label.as_str())) else {
        return matcher;
    };
    let written = if number.is_infinite() {
        vec![format!("{}Inf", if number > 0.0 { "+" } else { "-" })]
    } else {
        vec![
            format!("{number}"),
            format!("{number:?}"),
            format!("{number:e}"),
        ]
    };
    let mut ways: Vec<String> = written
        .into_iter()
        .chain([matcher.value])
        .map(|way| way.replace('.', "\\.").replace('+', "\\+"))
        .collect();
    ways.sort();
    ways.dedup();
    Matcher {
        label: matcher.label,
        operator,
        value: ways.join("|"),
    }
}

/// Sloth's templates have `[{{.window}}]` for a range.
fn with_a_window(text: &str) -> String {
    let mut rest = text;
    let mut whole = String::with_capacity(text.len());
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else {
            break;
        };
        let (inside, after) = (&rest[start + 2..start + end], &rest[start + end + 2..]);
        whole.push_str(&rest[..start]);
        if inside.trim() == ".window" {
            whole.push_str("5m");
        } else {
            whole.push_str(&rest[start..start + end + 2]);
        }
        rest = after;
    }
    whole.push_str(rest);
    whole
}

fn other(what: &str) -> InvalidSum {
    InvalidSum(format!(
        "{what} cannot be counted: write a sum of selectors such as http_requests_total{{code=~\"5..\"}}, or \
         sum by (…) (rate(SELECTOR[5m]))"
    ))
}

fn cut(reason: &str) -> String {
    reason.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Option<Vec<String>>) {
        let sum = EventsSum::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let texts = sum.selectors.into_iter().map(|selector| selector.text);
        (texts.collect(), sum.by)
    }

    #[test]
    fn every_way_of_writing_a_sum_of_events_means_the_same() {
        let selector = r#"{__name__="requests",code=~"5.."}"#.to_owned();
        for text in [
            r#"requests{code=~"5.."}"#,
            r#"(requests{code=~"5.."})"#,
            r#"sum(requests{code=~"5.."})"#,
            r#"sum(rate(requests{code=~"5.."}[5m]))"#,
            r#"sum(increase(requests{code=~"5.."}[1h])) # errors"#,
            r#"(sum(rate(requests{code=~"5.."}[{{.window}}])))"#,
            r#"sum((rate(requests{code=~"5.."}[{{ .window }}])))"#,
            r#"sum(rate({__name__="requests",code=~"5.."}[5m]))"#,
        ] {
            assert_eq!(read(text), (vec![selector.clone()], None), "{text}");
        }
    }

    #[test]
    fn terms_are_added_and_their_labels_are_those_of_the_groups() {
        let (selectors, by) = read("sum by (b, a) (rate(x[5m])) + sum(rate(y[1m])) by (a, b, a)");
        assert_eq!(selectors, [r#"{__name__="x"}"#, r#"{__name__="y"}"#]);
        assert_eq!(by, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read("a + (b + c)").0.len(), 3);
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (text, selector) in [
            (
                r#"d_bucket{le="1"}"#,
                r#"{__name__="d_bucket",le=~"1|1\\.0|1e0"}"#,
            ),
            (
                r#"d_bucket{le="0.30"}"#,
                r#"{__name__="d_bucket",le=~"0\\.3|0\\.30|3e-1"}"#,
            ),
            (
                r#"d_bucket{le!="+Inf"}"#,
                r#"{__name__="d_bucket",le!~"\\+Inf"}"#,
            ),
            (r#"d{code="1"}"#, r#"{__name__="d",code="1"}"#),
            (r#"d{le=~"1"}"#, r#"{__name__="d",le=~"1"}"#),
        ] {
            assert_eq!(read(text).0, [selector], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused_with_a_reason() {
        for (text, said) in [
            ("", "is empty"),
            ("# nothing", "is empty"),
            ("rate(", "is not PromQL"),
            ("{{.window}}", "this expression"),
            ("{{.other}}", "is not PromQL"),
            ("rate(x[5m])", "a function without `sum`"),
            ("avg(x)", "an aggregation that is not `sum`"),
            ("sum without (a) (x)", "`sum without`"),
            ("a - b", "an operator that is not `+`"),
            ("a + on (x) b", "`+` with `on`"),
            ("x offset 5m", "`offset`"),
            ("sum(x @ 5)", "`@`"),
            ("sum(irate(x[5m]))", "not `rate` or `increase`"),
            ("sum(rate(x[5m:1m]))", "subquery"),
            ("sum(x + y)", "within `sum`"),
            ("1", "this expression"),
            (r#"x{a="1" or b="2"}"#, "`or`"),
            ("sum by (a) (x) + sum by (b) (y)", "different `by`"),
            ("sum by (a) (x) + y", "different `by`"),
        ] {
            let error = EventsSum::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        let many = vec!["x"; MOST_TERMS + 1].join(" + ");
        assert!(
            EventsSum::parse(&many)
                .unwrap_err()
                .to_string()
                .contains("21 terms")
        );
    }
}
