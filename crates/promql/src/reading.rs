//! What a reader asks: a number, or the series of a plain selector at a time. Nothing else of PromQL is answered here.

use std::time::{Duration, SystemTime};

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{AtModifier, Expr, Offset, VectorSelector, token},
};

use crate::{NAME, bounds};

/// A query that is understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A number, such as that of `1 + 1`.
    Number(f64),
    /// The series of a plain selector.
    Series(Asked),
}

/// A plain selector and when it looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    matchers: Vec<Matcher>,
    /// How far before the time asked about it looks, milliseconds; negative: after it.
    pub offset_ms: i64,
    /// The time it looks at whatever time is asked about.
    pub at: Option<At>,
}

/// A time that a query names with `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Where the times asked about begin.
    Start,
    /// Where they end.
    End,
    /// Milliseconds since the Unix epoch.
    Time(i64),
}

/// Why a query has no answer here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no PromQL.
    #[error("invalid query: {0}")]
    Syntax(String),
    /// It is PromQL that is not offered.
    #[error(
        "{0} are not offered: ask for numbers or plain selectors, and let Prometheus scrape /metrics for the rest"
    )]
    NotOffered(&'static str),
}

/// A query is as long at most.
const LONGEST: usize = 8192;

impl Reading {
    /// Reads a query.
    ///
    /// # Errors
    /// When it is no PromQL, or asks for what is not offered.
    pub fn parse(query: &str) -> Result<Self, Unreadable> {
        let syntax = |reason: &str| Err(Unreadable::Syntax(reason.to_owned()));
        if query.len() > LONGEST {
            return syntax("it is longer than 8192 bytes");
        }
        let expression = bounds::parse(query).map_err(Unreadable::Syntax)?;
        match expression {
            Expr::VectorSelector(selector) => Asked::of(selector).map(Self::Series),
            Expr::Paren(bracketed) if is_selector(&bracketed.expr) => {
                Self::parse(&bracketed.expr.to_string())
            }
            other => number(&other).map(Self::Number),
        }
    }
}

fn is_selector(expression: &Expr) -> bool {
    match expression {
        Expr::VectorSelector(_) => true,
        Expr::Paren(bracketed) => is_selector(&bracketed.expr),
        _ => false,
    }
}

fn number(expression: &Expr) -> Result<f64, Unreadable> {
    let not_offered = |what| Err(Unreadable::NotOffered(what));
    match expression {
        Expr::NumberLiteral(literal) => Ok(literal.val),
        Expr::Paren(bracketed) => number(&bracketed.expr),
        Expr::Unary(negated) => Ok(-number(&negated.expr)?),
        Expr::Binary(binary) => {
            let (left, right) = (number(&binary.lhs)?, number(&binary.rhs)?);
            match binary.op.id() {
                token::T_ADD => Ok(left + right),
                token::T_SUB => Ok(left - right),
                token::T_MUL => Ok(left * right),
                token::T_DIV => Ok(left / right),
                token::T_MOD => Ok(left % right),
                token::T_POW => Ok(left.powf(right)),
                _ => not_offered("comparisons and set operators"),
            }
        }
        Expr::Aggregate(_) => not_offered("aggregations"),
        Expr::Call(_) => not_offered("functions"),
        Expr::Subquery(_) | Expr::MatrixSelector(_) => not_offered("ranges"),
        Expr::StringLiteral(_) => not_offered("texts"),
        Expr::VectorSelector(_) => not_offered("operators on series"),
        Expr::Extension(_) => not_offered("extensions"),
    }
}

impl Asked {
    fn of(selector: VectorSelector) -> Result<Self, Unreadable> {
        let VectorSelector {
            name,
            matchers,
            offset,
            at,
        } = selector;
        if !matchers.or_matchers.is_empty() {
            return Err(Unreadable::NotOffered("alternatives with `or`"));
        }
        let named = name.map(|name| Matcher::new(MatchOp::Equal, NAME, &name));
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Ok(Self {
            matchers: named.into_iter().chain(matchers.matchers).collect(),
            offset_ms: match offset {
                Some(Offset::Pos(back)) => millis(back),
                Some(Offset::Neg(ahead)) => -millis(ahead),
                None => 0,
            },
            at: at.map(|at| match at {
                AtModifier::Start => At::Start,
                AtModifier::End => At::End,
                AtModifier::At(time) => {
                    At::Time(match time.duration_since(SystemTime::UNIX_EPOCH) {
                        Ok(since) => millis(since),
                        Err(before) => -millis(before.duration()),
                    })
                }
            }),
        })
    }

    /// Whether a series with these labels is asked for; `label` says what a label is, empty where there is none.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> &'a str) -> bool {
        let mut matchers = self.matchers.iter();
        matchers.all(|matcher| matcher.is_match(label(&matcher.name)))
    }

    /// Whether a series of that metric name may be asked for.
    pub fn matches_name(&self, name: &str) -> bool {
        let mut matchers = self.matchers.iter();
        matchers.all(|matcher| matcher.name != NAME || matcher.is_match(name))
    }

    /// The labels that have to have one value, which is not empty.
    pub fn equal(&self) -> impl Iterator<Item = (&str, &str)> {
        let matchers = self.matchers.iter();
        matchers
            .filter(|matcher| matcher.op == MatchOp::Equal && !matcher.value.is_empty())
            .map(|matcher| (matcher.name.as_str(), matcher.value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_cmp, reason = "whole numbers are exact")]
    fn numbers_are_reckoned() {
        for (query, expected) in [
            ("1+1", 2.0),
            ("2 * (3 - 1) / 4", 1.0),
            ("7 % 4", 3.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-(2)", -2.0),
            ("-2 ^ 2", -4.0),
            ("1 / 0", f64::INFINITY),
            ("0x10", 16.0),
            ("(1)", 1.0),
        ] {
            assert_eq!(
                Reading::parse(query),
                Ok(Reading::Number(expected)),
                "{query}"
            );
        }
    }

    fn asked(query: &str) -> Asked {
        match Reading::parse(query) {
            Ok(Reading::Series(asked)) => asked,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn a_selector_has_matchers_and_a_time() {
        let label = |name: &str| match name {
            "__name__" => "up",
            "job" => "node",
            "instance" => "a:9100",
            _ => "",
        };
        for (query, matches) in [
            ("up", true),
            ("(up)", true),
            ("down", false),
            (r#"up{job="node",instance=~"a:.*",x=""}"#, true),
            (r#"up{job!="node"}"#, false),
            (r#"up{job!~"n.*"}"#, false),
            (r#"up{instance=~"a"}"#, false),
            (r#"{__name__=~"u.|d.*"}"#, true),
        ] {
            assert_eq!(asked(query).matches(label), matches, "{query}");
        }
        let shifted = asked("up @ 100 offset 5m");
        assert_eq!(
            (shifted.offset_ms, shifted.at),
            (300_000, Some(At::Time(100_000)))
        );
        let ahead = asked("up offset -10s @ end()");
        assert_eq!((ahead.offset_ms, ahead.at), (-10_000, Some(At::End)));
        let equal: Vec<_> = asked(r#"up{job="node",a="",b!="c"}"#)
            .equal()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(equal, ["__name__=up", "job=node"]);
    }

    #[test]
    fn what_is_not_offered_is_told_from_what_is_no_promql() {
        for query in [
            "sum(up)",
            "rate(up[5m])",
            "up[5m]",
            "up + 1",
            "1 > bool 2",
            "\"text\"",
            "up and up",
            "up[5m:1m]",
            "-up",
        ] {
            let error = Reading::parse(query).unwrap_err();
            assert!(
                matches!(error, Unreadable::NotOffered(_)),
                "{query}: {error}"
            );
        }
        let deep = format!("{}1{}", "(".repeat(501), ")".repeat(501));
        for query in [
            "",
            "up{",
            "1 +",
            "{}",
            "{a=\"\"}",
            "up offset",
            &deep,
            &"1+".repeat(2_000),
        ] {
            let error = Reading::parse(query).unwrap_err();
            assert!(matches!(error, Unreadable::Syntax(_)), "{query}: {error}");
        }
    }
}
