//! How much of a text is parsed: the parser, and whoever walks through what it made, call themselves for each level.

use std::panic;

use promql_parser::parser::{self, Expr};

/// A query is as long at most.
const LONGEST: usize = 64 << 10;
/// A query has as many brackets and operators at most.
const MOST_LEVELS: usize = 500;

/// Parses a query that is not too long and not too deep.
pub(crate) fn parse(text: &str) -> Result<Expr, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    if levels(text) > MOST_LEVELS {
        return Err(format!(
            "it has more than {MOST_LEVELS} brackets and operators"
        ));
    }
    // It panics at a duration that is a number of seconds below 0 or of more than 64 bits, and who knows at what else.
    panic::catch_unwind(|| parser::parse(text)).unwrap_or_else(|_| {
        Err("it cannot be parsed: write durations with a unit, such as 5m".to_owned())
    })
}

/// How many levels a query has at most. What stands in a string or between braces makes none.
fn levels(text: &str) -> usize {
    let (mut levels, mut quote, mut is_in_braces) = (0, None, false);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => is_in_braces = true,
            (None, '}') => is_in_braces = false,
            (None, '(' | '[' | '+' | '-' | '*' | '/' | '%' | '^' | '=' | '!' | '<' | '>')
                if !is_in_braces =>
            {
                levels += 1;
            }
            (Some('"' | '\''), '\\') => drop(characters.next()),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let operators = words.filter(|word| {
        let operators = ["and", "or", "unless", "atan2", "offset"];
        operators
            .iter()
            .any(|operator| word.eq_ignore_ascii_case(operator))
    });
    levels + operators.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_that_is_none_is_refused() {
        for text in [
            "up offset 500000000000000000000000000000",
            "up offset NaN",
            "up offset Inf",
            "up offset 0xFFFFFFFFFFFFFFFF",
            "rate(up[1e30])",
            "max_over_time(up[1h:1e30])",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("rate(up[300] offset 60)").is_ok());
    }
}
