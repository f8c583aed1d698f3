//! What people read of an alert.

use domain::{Timestamp, alert::Annotations};

use super::About;

/// Where people find the pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts<'a> {
    /// What comes before the path; empty where nobody knows.
    pub(crate) public_url: &'a str,
}

impl Texts<'_> {
    /// Of an alert about an objective.
    pub(crate) fn of_objective(self, about: About<'_>, summary: String) -> Annotations {
        let page = format!("/ui/sla/{}/{}", about.sla, about.id);
        let mut texts = self.of_page(&page, summary);
        if let Some(runbook) = about.runbook {
            texts.insert("runbook".to_owned(), runbook.to_string());
        }
        texts
    }

    /// Of an alert that a page says more about.
    pub(crate) fn of_page(self, page: &str, summary: String) -> Annotations {
        let dashboard = format!("{}{page}", self.public_url);
        [("summary", summary), ("dashboard", dashboard)]
            .map(|(name, text)| (name.to_owned(), text))
            .into()
    }
}

/// Adds a text.
pub(crate) fn with(mut texts: Annotations, name: &str, text: impl ToString) -> Annotations {
    texts.insert(name.to_owned(), text.to_string());
    texts
}

/// A number as people read it: four digits that count.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(digits.clamp(-300, 300));
    ((value * scale).round() / scale).to_string()
}

/// A time of day and its date, to the second.
pub(crate) fn moment(time: Timestamp) -> String {
    time.floor_to_second().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_that_count() {
        for (value, expected) in [
            (0.0, "0"),
            (93.2, "93.2"),
            (20.123_45, "20.12"),
            (0.000_123_456, "0.0001235"),
            (-1_234_567.0, "-1235000"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
