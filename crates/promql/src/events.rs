//! Which counters an SLO of events counts: sums of selectors, as people write them for PromQL.

use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorSelector,
    token::{T_ADD, T_DIV, T_GTR, T_LOR, T_SUB, T_SUM},
};

use crate::{
    bounds,
    query::{MatchOperator, Matcher, NAME, Selector, matchers, without_comments},
};

/// A sum of the events that counters counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsSum {
    /// The terms as selectors, as people write them: `requests{code=~"5.."}`.
    pub terms: Vec<String>,
    /// The function in each term, in order: `rate`, `increase`, or none.
    pub functions: Vec<Option<&'static str>>,
    /// What selects the counters, one for each term, in order. A counter that two terms select counts twice.
    pub selectors: Vec<Selector>,
    /// The labels of `sum by (…)`, sorted, each once; `None` where no term has them.
    pub by: Option<Vec<String>>,
    /// What was left out, as it changes nothing.
    pub guards: Vec<Guard>,
}

/// What people write around a sum that changes nothing of what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// `or vector(0)`: what has no series counts as 0 anyway.
    OrZero,
    /// `> 0` behind a total: without events there is nothing to judge anyway.
    AboveZero,
}

/// Which guards a sum may have.
#[derive(Clone, Copy)]
enum Guards {
    No,
    OfPart,
    OfTotal,
}

/// Why a text is no sum of events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSum(String);

/// The most terms of a sum.
const MOST_TERMS: usize = 100;
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
        Self::of(&expression(text)?, Guards::No)
    }

    /// Reads a sum as files have it, which may have [`Guard`]s, `or vector(0)` behind a term or a sum, and in a sum another one
    /// that has its labels.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_guarded(text: &str) -> Result<Self, InvalidSum> {
        Self::of(&expression(text)?, Guards::OfPart)
    }

    /// Reads the sum of all events, which may have `> 0` behind it, too.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_guarded_total(text: &str) -> Result<Self, InvalidSum> {
        Self::of(&expression(text)?, Guards::OfTotal)
    }

    /// The sum, and what is taken from it, of a text that is `SUM - SUM`, or that takes more sums from it one by one, in
    /// brackets or not, with guards or not.
    pub fn difference(text: &str) -> Option<(Self, Self)> {
        Self::difference_of(&expression(text).ok()?)
    }

    fn difference_of(expression: &Expr) -> Option<(Self, Self)> {
        let mut guards = Vec::new();
        let Expr::Binary(difference) = unguarded(expression, Guards::OfPart, &mut guards) else {
            return None;
        };
        if difference.op.id() != T_SUB || difference.modifier.is_some() {
            return None;
        }
        let mut rest = Self::of(&difference.rhs, Guards::OfPart).ok()?;
        rest.guards.extend(guards);
        match Self::difference_of(&difference.lhs) {
            Some((whole, earlier)) => Some((whole, earlier.and(rest)?)),
            None => Some((Self::of(&difference.lhs, Guards::OfTotal).ok()?, rest)),
        }
    }

    /// The events of both; `None` where they have different labels.
    fn and(mut self, other: Self) -> Option<Self> {
        if self.by != other.by {
            return None;
        }
        self.terms.extend(other.terms);
        self.functions.extend(other.functions);
        self.selectors.extend(other.selectors);
        self.guards.extend(other.guards);
        Some(self)
    }

    /// Whether each term is the `rate` or `increase` of a selector.
    pub fn has_rates(&self) -> bool {
        self.functions.iter().all(Option::is_some)
    }

    /// The terms that are no `rate` or `increase`.
    pub fn without_rates(&self) -> Vec<&str> {
        let terms = self.terms.iter().zip(&self.functions);
        let terms = terms.filter(|(_, function)| function.is_none());
        terms.map(|(term, _)| term.as_str()).collect()
    }

    /// Whether it counts the same events, whatever the order of its terms and of their matchers.
    pub fn counts_the_same(&self, other: &Self) -> bool {
        let sorted = |sum: &Self| {
            let selectors = sum.selectors.iter().map(|selector| {
                let mut matchers: Vec<String> =
                    selector.matchers.iter().map(ToString::to_string).collect();
                matchers.sort();
                matchers
            });
            let mut selectors: Vec<Vec<String>> = selectors.collect();
            selectors.sort();
            selectors
        };
        self.by == other.by && sorted(self) == sorted(other)
    }

    fn of(expression: &Expr, allowed: Guards) -> Result<Self, InvalidSum> {
        let mut sum = Sum {
            is_of_a_file: !matches!(allowed, Guards::No),
            ..Sum::default()
        };
        let expression = unguarded(expression, allowed, &mut sum.guards);
        sum.add(expression)?;
        if sum.selectors.len() > MOST_TERMS {
            return Err(InvalidSum(format!(
                "has {} terms; {MOST_TERMS} are the most",
                sum.selectors.len()
            )));
        }
        Ok(Self {
            terms: sum.terms,
            functions: sum.functions,
            selectors: sum.selectors,
            by: sum.by.flatten(),
            guards: sum.guards,
        })
    }
}

/// A share of events: a text that is `SUM / SUM`, or `1 - SUM / SUM`, in brackets or not. `(TOTAL - SUM) / TOTAL` is what is
/// left of the whole, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsShare {
    /// The events above the line.
    pub part: EventsSum,
    /// All events.
    pub total: EventsSum,
    /// Whether it is what `part` leaves of the whole.
    pub is_rest: bool,
}

impl EventsShare {
    /// Reads a share; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let expression = expression(text).ok()?;
        let (share, is_rest) = match inner(&expression) {
            Expr::Binary(rest)
                if rest.op.id() == T_SUB
                    && rest.modifier.is_none()
                    && is_number(&rest.lhs, 1.0) =>
            {
                (inner(&rest.rhs), true)
            }
            other => (other, false),
        };
        let Expr::Binary(share) = share else {
            return None;
        };
        if share.op.id() != T_DIV || share.modifier.is_some() {
            return None;
        }
        let total = EventsSum::of(&share.rhs, Guards::OfTotal).ok()?;
        if let Some((whole, mut rest)) = EventsSum::difference_of(&share.lhs) {
            let is_total = whole.counts_the_same(&total) && whole.has_rates() == total.has_rates();
            rest.guards.extend(whole.guards);
            return is_total.then_some(Self {
                part: rest,
                total,
                is_rest: !is_rest,
            });
        }
        let part = EventsSum::of(&share.lhs, Guards::OfPart).ok()?;
        Some(Self {
            part,
            total,
            is_rest,
        })
    }
}

fn expression(text: &str) -> Result<Expr, InvalidSum> {
    let text = with_a_window(&without_comments(text));
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidSum("is empty".to_owned()));
    }
    bounds::parse(text).map_err(|reason| InvalidSum(format!("is not PromQL: {}", cut(&reason))))
}

/// What is in the brackets.
fn inner(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(brackets) => inner(&brackets.expr),
        other => other,
    }
}

/// What is in the brackets and the guards that are allowed.
fn unguarded<'a>(expression: &'a Expr, allowed: Guards, found: &mut Vec<Guard>) -> &'a Expr {
    let expression = inner(expression);
    let guarded = match (expression, allowed) {
        (Expr::Binary(either), Guards::OfPart | Guards::OfTotal) if is_or_zero(either) => {
            found.push(Guard::OrZero);
            &either.lhs
        }
        (Expr::Binary(guarded), Guards::OfTotal) if is_above_zero(guarded) => {
            found.push(Guard::AboveZero);
            &guarded.lhs
        }
        _ => return expression,
    };
    unguarded(guarded, allowed, found)
}

fn is_number(expression: &Expr, expected: f64) -> bool {
    matches!(inner(expression), Expr::NumberLiteral(number) if number.val.to_bits() == expected.to_bits())
}

/// `… or vector(0)`, also with `on()`.
fn is_or_zero(either: &BinaryExpr) -> bool {
    let matching = either
        .modifier
        .as_ref()
        .and_then(|modifier| modifier.matching.as_ref());
    let is_of_all = match matching {
        None => true,
        Some(LabelModifier::Include(labels)) => labels.labels.is_empty(),
        Some(LabelModifier::Exclude(_)) => false,
    };
    let is_zero = match inner(&either.rhs) {
        Expr::Call(Call { func, args }) if func.name == "vector" => {
            let first = args.args.first();
            first.is_some_and(|first| is_number(first, 0.0))
        }
        _ => false,
    };
    either.op.id() == T_LOR && is_of_all && is_zero
}

/// `… > 0`, which is not `> bool 0`.
fn is_above_zero(guarded: &BinaryExpr) -> bool {
    guarded.op.id() == T_GTR && guarded.modifier.is_none() && is_number(&guarded.rhs, 0.0)
}

#[derive(Default)]
struct Sum {
    terms: Vec<String>,
    functions: Vec<Option<&'static str>>,
    selectors: Vec<Selector>,
    /// Whether what people write in files may stand around what is counted.
    is_of_a_file: bool,
    guards: Vec<Guard>,
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
                let (selector, function) =
                    self.counter(&aggregate.expr, by.as_deref().unwrap_or(&[]))?;
                self.term(selector, function, by)
            }
            Expr::VectorSelector(selector) => self.term(selector, None, None),
            Expr::Call(_) => Err(other("a function without `sum` around it")),
            Expr::Aggregate(_) => Err(other("an aggregation that is not `sum`")),
            Expr::Binary(either) if is_or_zero(either) => {
                if !self.is_of_a_file {
                    return Err(other(
                        "`or vector(0)` (it is not needed: what has no series counts as 0)",
                    ));
                }
                self.guards.push(Guard::OrZero);
                self.add(&either.lhs)
            }
            Expr::Binary(_) => Err(other("an operator that is not `+`")),
            _ => Err(other("this expression")),
        }
    }

    /// What stands in a sum by the labels `outer`: a selector, or `rate` or `increase` of one, or in files a sum that has these
    /// labels, too; and which function, if any.
    fn counter<'e>(
        &self,
        expression: &'e Expr,
        outer: &[String],
    ) -> Result<(&'e VectorSelector, Option<&'static str>), InvalidSum> {
        match expression {
            Expr::Paren(inner) => self.counter(&inner.expr, outer),
            Expr::VectorSelector(selector) => Ok((selector, None)),
            Expr::Aggregate(inner) if self.is_of_a_file && inner.op.id() == T_SUM => {
                let own = by(inner)?.unwrap_or_default();
                if outer.iter().all(|label| own.contains(label)) {
                    self.counter(&inner.expr, &own)
                } else {
                    Err(other(
                        "a sum by labels that the sum within it does not have",
                    ))
                }
            }
            Expr::Call(Call { func, args }) if matches!(func.name, "rate" | "increase") => {
                match args.args.first().map(|range| &**range) {
                    Some(Expr::MatrixSelector(range)) => Ok((&range.vs, Some(func.name))),
                    _ => Err(other("`rate` or `increase` of a subquery")),
                }
            }
            Expr::Call(_) => Err(other("a function that is not `rate` or `increase`")),
            _ => Err(other("an expression within `sum`")),
        }
    }

    fn term(
        &mut self,
        selector: &VectorSelector,
        function: Option<&'static str>,
        by: Option<Vec<String>>,
    ) -> Result<(), InvalidSum> {
        let counted = plain(selector)?;
        match &self.by {
            Some(earlier) if *earlier != by => {
                return Err(InvalidSum(
                    "has terms with different `by`: all terms must have the same labels".to_owned(),
                ));
            }
            _ => self.by = Some(by),
        }
        self.terms.push(written(selector));
        self.functions.push(function);
        self.selectors.push(counted);
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

/// A selector as people write it: the name first, then the other matchers.
fn written(selector: &VectorSelector) -> String {
    let matchers = matchers(selector);
    let is_plain = |name: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(legal)
    };
    let (name, others): (Vec<&Matcher>, Vec<&Matcher>) = matchers.iter().partition(|matcher| {
        matcher.label == NAME
            && matcher.operator == MatchOperator::Equal
            && is_plain(&matcher.value)
    });
    let [name] = name[..] else {
        return Selector::of(matchers).text;
    };
    if others.is_empty() {
        return name.value.clone();
    }
    let others: Vec<String> = others.into_iter().map(ToString::to_string).collect();
    format!("{}{{{}}}", name.value, others.join(","))
}

/// A matcher of a number takes every way in which a server may write it: `1` is `1.0`.
fn by_number(matcher: Matcher) -> Matcher {
    let operator = match matcher.operator {
        MatchOperator::Equal => MatchOperator::Regex,
        MatchOperator::NotEqual => MatchOperator::NotRegex,
        MatchOperator::Regex | MatchOperator::NotRegex => return matcher,
    };
    let number = matcher.value.parse().ok();
    let is_number = |number: &f64| !number.is_nan() && NUMBERS.contains(&matcher.label.as_str());
    let Some(number) = number.filter(is_number) else {
        return matcher;
    };
    Matcher {
        operator,
        value: ways(number, &matcher.value),
        label: matcher.label,
    }
}

/// A regular expression of how a number is written: as decimals, with an exponent (Go writes a million as `1e+06`), and as
/// it was `given`.
fn ways(number: f64, given: &str) -> String {
    let escaped = |text: &str| text.replace('.', "\\.").replace('+', "\\+");
    if number.is_infinite() {
        let sign = if number > 0.0 { "\\+?" } else { "-" };
        return format!("{sign}[Ii]nf(inity)?");
    }
    let with_zeros = |digits: &str| {
        let zeros = if digits.contains('.') {
            "0*"
        } else {
            "(\\.0*)?"
        };
        escaped(digits) + zeros
    };
    let (decimals, scientific) = (format!("{number}"), format!("{number:e}"));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent_ways = match exponent.strip_prefix('-') {
        Some(size) => format!("-0*{size}"),
        None => format!("\\+?0*{exponent}"),
    };
    let mut ways = format!(
        "{}|{}[eE]{exponent_ways}",
        with_zeros(&decimals),
        with_zeros(mantissa)
    );
    let is_among_them = match given.split_once(['e', 'E']) {
        None => without_zeros(given) == decimals,
        Some((digits, power)) => {
            without_zeros(digits) == mantissa && power.parse() == exponent.parse::<i32>()
        }
    };
    if !is_among_them {
        ways = format!("{ways}|{}", escaped(given));
    }
    ways
}

/// Digits without the zeros at the end that are behind the point.
fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

/// The text with the range of 5 minutes where Sloth's templates have `[{{.window}}]`.
pub fn with_a_window(text: &str) -> String {
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

/// The templates of a text, such as `{{.window}}`.
pub fn templates(text: &str) -> Vec<&str> {
    let mut rest = text;
    let mut found = Vec::new();
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}") else {
            break;
        };
        let after = start + end + 2;
        found.push(&rest[start..after]);
        rest = &rest[after..];
    }
    found
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
            r#"sum(rate(requests{code=~`5..`}[5m]))"#,
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
    fn terms_are_written_as_people_write_selectors() {
        for (text, term) in [
            (
                r#"sum(rate(d_bucket{a!="b",le="0.4"}[5m]))"#,
                r#"d_bucket{a!="b",le="0.4"}"#,
            ),
            ("sum(increase(x[{{.window}}]))", "x"),
            (r#"{__name__="x",a="1"}"#, r#"x{a="1"}"#),
            (r#"{__name__=~"x|y"}"#, r#"{__name__=~"x|y"}"#),
            (r"x{a=~`\d`}", r#"x{a=~"\\d"}"#),
            (
                r#"{"http.requests", a="1"}"#,
                r#"{__name__="http.requests",a="1"}"#,
            ),
        ] {
            let sum = EventsSum::parse(text).unwrap();
            assert_eq!(sum.terms, [term], "{text}");
            assert_eq!(sum.has_rates(), text.starts_with("sum("), "{text}");
        }
        let mixed = EventsSum::parse("sum(rate(x[5m])) + sum(y) + sum(increase(z[1h]))").unwrap();
        assert_eq!(mixed.functions, [Some("rate"), None, Some("increase")]);
        assert_eq!(
            (mixed.has_rates(), mixed.without_rates()),
            (false, vec!["y"])
        );
    }

    #[test]
    fn a_sum_within_a_sum_of_a_file_is_one() {
        for (text, by, terms) in [
            ("sum(sum by (a, b) (rate(x[5m])))", None, &["x"][..]),
            (
                "sum by (a) ((sum by (b, a) (x))) + sum by (a) (y)",
                Some("a"),
                &["x", "y"],
            ),
            ("sum(sum(sum(x)))", None, &["x"]),
        ] {
            let sum = EventsSum::parse_guarded(text).unwrap();
            assert_eq!(sum.terms, terms, "{text}");
            assert_eq!(sum.by, by.map(|label| vec![label.to_owned()]), "{text}");
            assert!(EventsSum::parse(text).is_err(), "{text}");
        }
        for text in [
            "sum by (a) (sum(x))",
            "sum by (a) (sum by (b) (x))",
            "sum(max by (a) (x))",
        ] {
            assert!(EventsSum::parse_guarded(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_difference_takes_away_one_sum_or_several() {
        let (whole, rest) =
            EventsSum::difference("sum(t) - (sum(x) or vector(0)) - sum(y) - sum(z)").unwrap();
        assert_eq!(
            (&whole.terms[..], &rest.terms[..]),
            (
                &["t".to_owned()][..],
                &["x".to_owned(), "y".to_owned(), "z".to_owned()][..]
            )
        );
        assert_eq!(rest.guards, [Guard::OrZero]);
        for text in [
            "sum(t) - (sum(x) - sum(y))",
            "sum(t) - sum(x) - sum by (a) (y)",
        ] {
            assert_eq!(EventsSum::difference(text), None, "{text}");
        }
    }

    #[test]
    fn a_difference_and_a_share_of_sums_are_read() {
        let (total, taken) =
            EventsSum::difference(r#"(sum(rate(n{a="1",b="2"}[5m])) - sum(rate(x[5m])))"#).unwrap();
        assert_eq!(taken.terms, ["x"]);
        assert!(total.counts_the_same(&EventsSum::parse(r#"n{b="2",a="1"}"#).unwrap()));
        assert!(!total.counts_the_same(&taken));
        for text in ["x", "x + y", "x - on (a) y", "x - 1"] {
            assert_eq!(EventsSum::difference(text), None, "{text}");
        }
        for (text, is_rest) in [
            ("sum(rate(x[5m])) / sum(rate(y[5m]))", false),
            ("(sum(x) / sum(y))", false),
            ("1 - (sum(x) / sum(y))", true),
            ("(sum(y) - sum(x)) / sum(y)", true),
            ("1 - (sum(y) - sum(x)) / sum(y)", false),
            ("(sum(x) or vector(0)) / (sum(y) > 0)", false),
            ("((sum(y) > 0) - sum(x)) / (sum(y) > 0)", true),
            ("1 - sum(x) / sum(y)", true),
            ("(1) - (sum(x[5m:1m]) / sum(y)) # never", true),
        ] {
            let share = EventsShare::parse(text);
            if text.contains("never") {
                assert_eq!(share, None, "{text}");
                continue;
            }
            let share = share.unwrap();
            assert_eq!(
                (&share.part.terms[..], &share.total.terms[..], share.is_rest),
                (&["x".to_owned()][..], &["y".to_owned()][..], is_rest),
                "{text}"
            );
        }
        for text in [
            "2 - x / y",
            "x * y",
            "x",
            "avg(x) / y",
            "x / on (a) y",
            "1 - x",
            "(z - x) / y",
            "(sum(rate(y[5m])) - x) / y",
            "x / (y > bool 0)",
            "(x > 0) / y",
            "x / y or vector(0)",
        ] {
            assert_eq!(EventsShare::parse(text), None, "{text}");
        }
    }

    #[test]
    fn templates_are_found() {
        for (text, found) in [
            ("rate(x[{{.window}}])", &["{{.window}}"][..]),
            ("x{a=\"{{ .a }}\",b=\"{{b}}\"}", &["{{ .a }}", "{{b}}"]),
            ("x{{", &[]),
            ("x{a=\"}}\"}", &[]),
        ] {
            assert_eq!(templates(text), found, "{text}");
        }
    }

    #[test]
    fn what_guards_a_sum_is_left_out_where_that_is_allowed() {
        for (text, terms, guards) in [
            ("sum(x) or vector(0)", 1, &[Guard::OrZero][..]),
            ("sum(x) OR on() vector(0)", 1, &[Guard::OrZero]),
            ("sum(x) or (vector(0))", 1, &[Guard::OrZero]),
            ("(sum(x) or vector((0)))", 1, &[Guard::OrZero]),
            (
                "(sum(x) or vector(0)) + (sum(y) or vector(0))",
                2,
                &[Guard::OrZero, Guard::OrZero],
            ),
            ("sum(x) or vector(0) or vector(0)", 1, &[Guard::OrZero; 2]),
            ("sum by (a) (x) or vector(0)", 1, &[Guard::OrZero]),
            ("sum(x)", 1, &[]),
        ] {
            let sum = EventsSum::parse_guarded(text).unwrap();
            assert_eq!(
                (sum.terms.len(), &sum.guards[..]),
                (terms, guards),
                "{text}"
            );
            assert_eq!(EventsSum::parse_guarded_total(text), Ok(sum), "{text}");
            assert_eq!(EventsSum::parse(text).is_ok(), guards.is_empty(), "{text}");
        }
        for text in ["sum(x) > 0", "((sum(x)) > (0))"] {
            let sum = EventsSum::parse_guarded_total(text).unwrap();
            assert_eq!(
                (&sum.terms[..], &sum.guards[..]),
                (&["x".to_owned()][..], &[Guard::AboveZero][..])
            );
            assert!(EventsSum::parse_guarded(text).is_err(), "{text}");
            assert!(EventsSum::parse(text).is_err(), "{text}");
        }
        for text in [
            "sum(x) or vector(1)",
            "sum(x) or on(a) vector(0)",
            "sum(x) or ignoring(a) vector(0)",
            "sum(x or vector(0))",
            "vector(0) or sum(x)",
            "sum(x) and vector(0)",
            "sum(x) > 1",
            "sum(x) > bool 0",
            "sum(x) >= 0",
            "(sum(x) > 0) + sum(y)",
            "rate(x[5m]) or vector(0)",
            "sum(count_over_time((x > 1)[5m:])) or vector(0)",
        ] {
            assert!(EventsSum::parse_guarded_total(text).is_err(), "{text}");
        }
        let (whole, rest) =
            EventsSum::difference("(sum(y) - (sum(x) or vector(0))) or vector(0)").unwrap();
        assert_eq!((&whole.guards[..], rest.guards.len()), (&[][..], 2));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (text, selector) in [
            (
                r#"d_bucket{le="1"}"#,
                r#"{__name__="d_bucket",le=~"1(\\.0*)?|1(\\.0*)?[eE]\\+?0*0"}"#,
            ),
            (
                r#"d_bucket{le="0.30"}"#,
                r#"{__name__="d_bucket",le=~"0\\.30*|3(\\.0*)?[eE]-0*1"}"#,
            ),
            (
                r#"d_bucket{le!="+Inf"}"#,
                r#"{__name__="d_bucket",le!~"\\+?[Ii]nf(inity)?"}"#,
            ),
            (r#"d{code="1"}"#, r#"{__name__="d",code="1"}"#),
            (r#"d{le=~"1"}"#, r#"{__name__="d",le=~"1"}"#),
            (r#"d{le="NaN"}"#, r#"{__name__="d",le="NaN"}"#),
            (r#"d{le=""}"#, r#"{__name__="d",le=""}"#),
        ] {
            assert_eq!(read(text).0, [selector], "{text}");
        }
    }

    #[test]
    fn a_number_is_found_however_servers_write_it() {
        // What Go, Java, Python and Rust write, and what they write of other numbers.
        for (given, written, others) in [
            (
                "1",
                "1 1.0 1e0 1e+00 1E0 1.0e+00",
                "10 11 1.01 0.1 -1 1e1 01",
            ),
            ("1.0", "1 1.0 1.00", "10 1.01"),
            ("10", "10 10.0 1e1 1e+01 1.0E1", "1 100 10.5 1e10"),
            (
                "1000000",
                "1000000 1e+06 1e6 1.0E6 1000000.0",
                "1e+07 1e-06 1e+60 100000",
            ),
            ("1e+06", "1000000 1e+06 1e6 1.0E6 1000000.0", "1e+07 100000"),
            (
                "0.00001",
                "0.00001 1e-05 1e-5 1.0E-5 0.000010",
                "0.0001 1e-06 1e+05 0x00001",
            ),
            ("0.3", "0.3 0.30 3e-01", "3 0.03 0.31 0x3"),
            ("2.5e7", "25000000 2.5e+07 2.5E7", "25e+07 2x5e+07"),
            ("10e5", "1000000 1e+06 10e5", "10e6"),
            (".5", "0.5 .5 5e-01", "5 x5"),
            ("-1.5", "-1.5 -1.50 -1.5e+00", "1.5"),
            ("0", "0 0.0 0e+00", "00 1"),
            ("+Inf", "+Inf Inf +inf inf Infinity", "-Inf infinit"),
            ("inf", "+Inf Inf +inf inf infinity", "-Inf -inf"),
            ("-Inf", "-Inf -inf -Infinity", "+Inf Inf inf"),
        ] {
            let text = read(&format!("d{{le=\"{given}\"}}")).0.concat();
            let Ok(Expr::VectorSelector(selector)) = bounds::parse(&text) else {
                panic!("{text} is no selector")
            };
            let finds = |value: &str| {
                let mut matchers = selector.matchers.matchers.iter();
                matchers.any(|matcher| matcher.name == "le" && matcher.is_match(value))
            };
            for value in written.split(' ') {
                assert!(finds(value), "{given}: {text} does not find {value}");
            }
            for value in others.split(' ') {
                assert!(!finds(value), "{given}: {text} finds {value}");
            }
        }
    }

    #[test]
    fn sums_that_write_a_number_in_different_ways_count_the_same() {
        let sum = |le: &str| EventsSum::parse(&format!("d{{le=\"{le}\"}}")).unwrap();
        for (one, other) in [("1", "1.0"), ("1000000", "1e+06"), ("0.3", "3E-01")] {
            assert!(sum(one).counts_the_same(&sum(other)), "{one} and {other}");
        }
        assert!(!sum("1").counts_the_same(&sum("10")));
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
            ("a or b", "an operator that is not `+`"),
            ("sum(rate(x[5m])) or vector(0)", "counts as 0"),
            ("(sum(x) OR on() vector(0)) + y", "counts as 0"),
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
        let error = EventsSum::parse(&many).unwrap_err().to_string();
        assert!(error.contains("101 terms"), "{error}");
    }
}
