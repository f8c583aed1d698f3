//! How much of a text is parsed: the parser, and whoever walks through what it made, call themselves for each level.

use std::{borrow::Cow, panic};

use promql_parser::parser::{self, Expr};

use crate::query::quoted;

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
    let text = without_raw_strings(text);
    // It panics at a duration that is a number of seconds below 0 or of more than 64 bits, and who knows at what else.
    panic::catch_unwind(|| parser::parse(&text)).unwrap_or_else(|_| {
        Err("it cannot be parsed: write durations with a unit, such as 5m".to_owned())
    })
}

/// The text with strings in backticks as strings in quotation marks: the parser takes a backslash in them for the beginning
/// of an escape sequence, which it is not. One that does not end stays.
fn without_raw_strings(text: &str) -> Cow<'_, str> {
    if !text.contains('`') {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['"', '\'', '`', '#']) {
        let (before, found) = rest.split_at(start);
        written.push_str(before);
        let length = match found.as_bytes()[0] {
            b'`' => match found[1..].split_once('`') {
                Some((raw, after)) => {
                    written.push_str(&quoted(raw));
                    rest = after;
                    continue;
                }
                None => found.len(),
            },
            b'#' => found.find('\n').unwrap_or(found.len()),
            _ => string_length(found),
        };
        let (kept, after) = found.split_at(length);
        written.push_str(kept);
        rest = after;
    }
    written.push_str(rest);
    Cow::Owned(written)
}

/// How long the string is that a text begins with, its quotation marks included.
fn string_length(text: &str) -> usize {
    let mut characters = text.char_indices();
    let quote = characters.next().map(|(_, quote)| quote);
    while let Some((position, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            c if Some(c) == quote => return position + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
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
    fn a_string_in_backticks_is_read_as_it_stands() {
        for (raw, value) in [
            (r"a{b=~`5\d\d`}", r"5\d\d"),
            (r#"a{b=`\"x"`}"#, r#"\"x""#),
            (r"a{b=`'\\`}", r"'\\"),
            ("a{b=`x\ny`}", "x\ny"),
            ("a{b=`#`}", "#"),
            ("# it`s\na{b=`\\d`} # so`", "\\d"),
            ("a{b=``}", ""),
            (r#"a{b="`\\d`"}"#, r"`\d`"),
            (r"a{b='\'`\\d`'}", r"'`\d`"),
            ("a{b=`é`}", "é"),
        ] {
            let Ok(Expr::VectorSelector(selector)) = parse(raw) else {
                panic!("{raw}: {:?}", parse(raw))
            };
            assert_eq!(selector.matchers.matchers[0].value, value, "{raw}");
        }
        for text in ["a{b=`x}", "`", "a{b=~`(`}", r#"a{b=~"\d"}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

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
