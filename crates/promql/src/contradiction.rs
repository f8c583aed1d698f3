//! Selectors that cannot mean what they say.

use crate::{
    events::EventsSum,
    query::{MatchOperator, Matcher, NAME, Selector},
    reading::Reading,
};

/// Labels whose value is the status of an HTTP response, by the names that servers give them.
const STATUS: [&str; 7] = [
    "code",
    "status",
    "status_code",
    "http_code",
    "http_status",
    "http_status_code",
    "response_code",
];
const SUCCESS: &str = "200";
const ERROR: &str = "500";

impl Selector {
    /// Why no series can match it: a label that would have to have two values at once.
    pub fn contradiction(&self) -> Option<String> {
        let matchers = self.matchers.iter();
        let mut equal = matchers.filter(|one| one.operator == MatchOperator::Equal);
        equal.find_map(|equal| {
            let refusing = self.refusing(&equal.label, &equal.value)?;
            Some(format!(
                "`{}` matches nothing: `{equal}` and `{refusing}` are never both so",
                self.text
            ))
        })
    }

    /// A matcher that keeps a label from having a value.
    fn refusing(&self, label: &str, value: &str) -> Option<&Matcher> {
        let of_label = self.matchers.iter().filter(|one| one.label == label);
        of_label.into_iter().find(|one| !one.admits(value))
    }

    /// Whether it is about the status of responses, and which of success and error it counts.
    fn counts(&self) -> Option<(bool, bool)> {
        let mut labels = self.matchers.iter().map(|one| one.label.as_str());
        let label = labels.find(|label| STATUS.contains(label))?;
        let counts = |status| self.refusing(label, status).is_none();
        Some((counts(SUCCESS), counts(ERROR)))
    }

    fn name(&self) -> Option<&str> {
        let mut matchers = self.matchers.iter();
        let named = |one: &&Matcher| one.label == NAME && one.operator == MatchOperator::Equal;
        matchers.find(named).map(|one| one.value.as_str())
    }
}

impl EventsSum {
    /// What contradicts itself in a sum that is called `good`, `bad` or `total`, and, where it is a part of `total`, what it
    /// counts that `total` does not.
    pub fn contradictions(&self, name: &str, total: Option<&Self>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for selector in &self.selectors {
            if let Some(contradiction) = selector.contradiction() {
                found.push(contradiction);
                continue;
            }
            match (name, selector.counts()) {
                ("good", Some((false, true))) => {
                    found.push(format!("`{}` counts errors as good", selector.text));
                }
                ("bad", Some((true, false))) => {
                    found.push(format!("`{}` counts successes as bad", selector.text));
                }
                _ => {}
            }
            let Some(total) = total.filter(|_| name != "total") else {
                continue;
            };
            let same = total.selectors.iter();
            let same =
                same.filter(|other| other.name().is_some() && other.name() == selector.name());
            let refusals: Vec<_> = same.map(|other| selector.refused_by(other)).collect();
            if let Some(Some((equal, refusing))) = refusals.first()
                && refusals.iter().all(Option::is_some)
            {
                found.push(format!(
                    "`{}` counts nothing that `total` counts: `{equal}` and `{refusing}` are never both so",
                    selector.text
                ));
            }
        }
        found
    }
}

impl Selector {
    /// Two matchers, of this selector and of another, that are never both so.
    fn refused_by<'a>(&'a self, other: &'a Self) -> Option<(&'a Matcher, &'a Matcher)> {
        let apart = |one: &'a Self, other: &'a Self| {
            let matchers = one.matchers.iter();
            let mut equal = matchers.filter(|one| one.operator == MatchOperator::Equal);
            equal.find_map(|equal| Some((equal, other.refusing(&equal.label, &equal.value)?)))
        };
        apart(self, other).or_else(|| apart(other, self))
    }
}

impl Matcher {
    /// Whether a label may have a value; true where that cannot be said.
    fn admits(&self, value: &str) -> bool {
        match self.operator {
            MatchOperator::Equal => self.value == value,
            MatchOperator::NotEqual => self.value != value,
            MatchOperator::Regex | MatchOperator::NotRegex => {
                // With a name, because a selector needs a matcher that is not empty.
                let text = format!("x{{{self}}}");
                let Ok(Reading::Series(asked)) = Reading::parse(&text) else {
                    return true;
                };
                asked.matches(|label| if label == NAME { "x" } else { value })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, part: &str, total: Option<&str>) -> Vec<String> {
        let total = total.map(|total| EventsSum::parse(total).unwrap());
        let sum = EventsSum::parse(part).unwrap();
        sum.contradictions(name, total.as_ref())
    }

    #[test]
    fn what_cannot_be_meant_is_found() {
        for (name, part, total, expected) in [
            (
                "bad",
                r#"r{code="500",code!="500"}"#,
                None,
                "matches nothing",
            ),
            (
                "bad",
                r#"r{code="200",code=~"5.."}"#,
                None,
                "matches nothing",
            ),
            ("good", r#"r{code=~"5.."}"#, Some("r"), "errors as good"),
            ("bad", r#"r{status="200"}"#, Some("r"), "successes as bad"),
            ("bad", r#"r{code!~"5.."}"#, None, "successes as bad"),
            (
                "bad",
                r#"r{job="a",code=~"5.."}"#,
                Some(r#"r{job="b"}"#),
                "counts nothing that `total` counts",
            ),
            (
                "bad",
                r#"r{code="500"}"#,
                Some(r#"r{code!~"5.."}"#),
                "counts nothing that `total` counts",
            ),
        ] {
            let found = found(name, part, total);
            assert_eq!(found.len(), 1, "{part} of {total:?}: {found:?}");
            assert!(found[0].contains(expected), "{}", found[0]);
        }
    }

    #[test]
    fn what_may_be_meant_is_not() {
        for (name, part, total) in [
            ("bad", r#"r{code=~"5.."}"#, Some("r")),
            ("bad", r#"r{code=~"5..|429"}"#, Some(r#"r{job="a"}"#)),
            ("good", r#"r{code!~"5.."}"#, Some(r#"r{job="a"}"#)),
            ("good", r#"r{code=~"2..|3..|4.."}"#, None),
            ("good", r#"r{status="ok"}"#, Some("r")),
            ("good", r#"r_bucket{le="0.3"}"#, Some("r_count")),
            ("bad", r#"errors{job="a"}"#, Some(r#"requests{job="b"}"#)),
            ("bad", r#"r{job="a"}"#, Some(r#"r{job="b"} + r{job="a"}"#)),
            ("total", r#"r{code="500"}"#, None),
        ] {
            let none: Vec<String> = Vec::new();
            assert_eq!(found(name, part, total), none, "{part} of {total:?}");
        }
    }
}
