use lambda_http::http::{HeaderMap, header};
use mime::Mime;

/// What a caller wants to have, as its `Accept` says (RFC 9110, section 12.5.1). A range that is malformed is passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accept {
    ranges: Vec<(Mime, u16)>,
}

/// The weight of a range without `q`; weights are whole numbers of thousandths.
const WHOLE: u16 = 1000;

impl Accept {
    /// What these headers say.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        let ranges = texts.flat_map(split).filter_map(|range| {
            let range: Mime = range.parse().ok()?;
            let weight = match range.get_param("q") {
                Some(weight) => parse_weight(weight.as_str())?,
                None => WHOLE,
            };
            Some((range, weight))
        });
        Self {
            ranges: ranges.collect(),
        }
    }

    /// How much a media type is wanted, in thousandths, by the range that names it most exactly: 0 if not at all. `version`
    /// is that of the type's format: a range that names another does not mean it. Without `Accept` everything is wanted alike.
    pub fn weight(&self, kind: &str, subtype: &str, version: Option<&str>) -> u16 {
        if self.ranges.is_empty() {
            return WHOLE;
        }
        let matching = self.ranges.iter().filter_map(|(range, weight)| {
            let exactness = match (range.type_().as_str(), range.subtype().as_str()) {
                ("*", "*") => 0,
                (own, "*") if own == kind => 1,
                (own, other) if own == kind && essence_end(range, other) == subtype => 2,
                _ => return None,
            };
            let named = range.get_param("version");
            match named {
                Some(named) if Some(named.as_str()) != version => None,
                _ => Some((exactness, named.is_some(), *weight)),
            }
        });
        matching.max().map_or(0, |(_, _, weight)| weight)
    }

    /// Whether a page is wanted rather than JSON: HTML is named, and with a greater weight than JSON has where that is named.
    pub(crate) fn prefers_html(&self) -> bool {
        let named = |essence: &str| {
            let own = self
                .ranges
                .iter()
                .filter(|(range, _)| range.essence_str() == essence);
            own.map(|(_, weight)| *weight).max().unwrap_or(0)
        };
        named("text/html") > named("application/json")
    }

    /// Whether some range has this parameter with this value.
    pub fn has(&self, parameter: &str, value: &str) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|(range, _)| {
            range
                .get_param(parameter)
                .is_some_and(|own| own.as_str().eq_ignore_ascii_case(value))
        })
    }
}

/// The subtype with its suffix: `ld+json` of `application/ld+json`.
fn essence_end<'a>(range: &'a Mime, subtype: &'a str) -> &'a str {
    let essence = range.essence_str();
    essence.split_once('/').map_or(subtype, |(_, end)| end)
}

/// The ranges of a header: what is between commas that stand in no quotes.
fn split(header: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = header.split(move |c| {
        let is_end = c == ',' && !is_quoted;
        if c == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// `0`, `0.5`, `1.000`: up to three digits after the point, 1 at most.
fn parse_weight(text: &str) -> Option<u16> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let is_number = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = format!("{digits:0<3}").parse().ok()?;
    match whole {
        "0" if is_number => Some(thousandths),
        "1" if is_number && thousandths == 0 => Some(WHOLE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &str) -> Accept {
        let header = (header::ACCEPT, text.parse().unwrap());
        Accept::of(&[header].into_iter().collect())
    }

    #[test]
    fn the_range_that_names_a_type_most_exactly_says_how_much_it_is_wanted() {
        for (text, json, openmetrics, plain) in [
            ("*/*", 1000, 1000, 1000),
            ("", 1000, 1000, 1000),
            ("application/*;q=0.5, text/plain", 500, 500, 1000),
            ("application/json;q=0.1,*/*;q=0.8", 100, 800, 800),
            ("text/*;q=0.25,text/plain;q=0", 0, 0, 0),
            ("image/png", 0, 0, 0),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                100,
                1000,
                500,
            ),
            ("application/openmetrics-text;version=0.0.1", 0, 0, 0),
            (
                "text/plain;version=1.0.0, text/plain;version=0.0.4;q=0.3",
                0,
                0,
                300,
            ),
            (
                "text/plain; charset=\"utf-8,x\"; q=0.7, nonsense, text/html",
                0,
                0,
                700,
            ),
            ("application/json;q=2, text/plain;q=x", 1000, 1000, 1000),
            ("Application/JSON", 1000, 0, 0),
        ] {
            let accept = accept(text);
            let weights = (
                accept.weight("application", "json", None),
                accept.weight("application", "openmetrics-text", Some("1.0.0")),
                accept.weight("text", "plain", Some("0.0.4")),
            );
            assert_eq!(weights, (json, openmetrics, plain), "{text}");
        }
    }

    #[test]
    fn html_is_preferred_where_it_is_named_and_json_is_not_before_it() {
        for (text, is_preferred) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("Text/HTML", true),
            ("application/json;q=0.5, text/html;q=0.9", true),
            ("application/json, text/html", false),
            ("text/html;q=0", false),
            ("text/*", false),
            ("*/*", false),
            ("", false),
        ] {
            assert_eq!(accept(text).prefers_html(), is_preferred, "{text}");
        }
    }

    #[test]
    fn a_parameter_is_found_in_any_range() {
        let accept = accept("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1");
        assert!(accept.has("escaping", "allow-utf-8"));
        assert!(!accept.has("escaping", "underscores"));
    }

    #[test]
    fn a_weight_has_three_digits_at_most() {
        for (text, weight) in [
            ("1", Some(1000)),
            ("0", Some(0)),
            ("0.5", Some(500)),
            ("0.125", Some(125)),
            ("1.000", Some(1000)),
            ("1.1", None),
            ("0.1234", None),
            ("-0.1", None),
            ("", None),
        ] {
            assert_eq!(parse_weight(text), weight, "{text}");
        }
    }
}
