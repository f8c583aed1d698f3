use std::time::Duration;

use domain::duration;

use crate::{ConfigError, Environment};

/// `HISTORY`, default `5m=40d,1h=400d`: how long is kept what series were like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryTerms {
    /// Whether runs write it; `off`: they do not. What is there stays for as long as it is kept by default.
    pub is_written: bool,
    /// How long 5 minutes by 5 minutes, 1h to 10y.
    pub buckets: Duration,
    /// How long hour by hour, no shorter.
    pub hours: Duration,
}

const VARIABLE: &str = "HISTORY";
const DAY: u64 = 86_400;
const SHORTEST: Duration = Duration::from_secs(3_600);
const LONGEST: Duration = Duration::from_secs(3_650 * DAY);

impl Default for HistoryTerms {
    fn default() -> Self {
        Self {
            is_written: true,
            buckets: Duration::from_secs(40 * DAY),
            hours: Duration::from_secs(400 * DAY),
        }
    }
}

impl HistoryTerms {
    /// Reads `HISTORY`. A step that it does not name keeps its default.
    ///
    /// # Errors
    /// When it is neither `off` nor a list such as `5m=40d,1h=400d`, names a step twice, a term is not 1h to 3650d, or hours
    /// are kept for a shorter time than their parts.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut terms = Self::default();
        let text = environment.get(VARIABLE).map(str::trim).unwrap_or_default();
        if text.is_empty() {
            return Ok(terms);
        }
        if text == "off" {
            terms.is_written = false;
            return Ok(terms);
        }
        let malformed =
            || ConfigError::new(VARIABLE, "is neither off nor terms such as 5m=40d,1h=400d");
        let mut named = Vec::new();
        for part in text.split(',') {
            let (step, term) = part.trim().split_once('=').ok_or_else(malformed)?;
            let length = duration::parse(term.trim()).map_err(|_| malformed())?;
            if !(SHORTEST..=LONGEST).contains(&length) {
                return Err(ConfigError::new(
                    VARIABLE,
                    "has a term that is not 1h to 3650d",
                ));
            }
            match step.trim() {
                "5m" => terms.buckets = length,
                "1h" => terms.hours = length,
                _ => return Err(malformed()),
            }
            if named.contains(&step.trim()) {
                return Err(ConfigError::new(VARIABLE, "names a step twice"));
            }
            named.push(step.trim());
        }
        if terms.hours < terms.buckets {
            let reason = "keeps hours for a shorter time than their parts";
            return Err(ConfigError::new(VARIABLE, reason));
        }
        Ok(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(bool, u64, u64), String> {
        let environment = Environment::from_iter([(VARIABLE, text)]);
        let terms = HistoryTerms::read(&environment).map_err(|error| error.to_string())?;
        let days = |length: Duration| length.as_secs() / DAY;
        Ok((terms.is_written, days(terms.buckets), days(terms.hours)))
    }

    #[test]
    fn terms_are_read_step_by_step() {
        for (text, expected) in [
            ("", (true, 40, 400)),
            ("off", (false, 40, 400)),
            ("5m=40d,1h=400d", (true, 40, 400)),
            ("1h=90d, 5m=7d", (true, 7, 90)),
            ("5m=2d", (true, 2, 400)),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_terms_are_refused_by_name() {
        for text in [
            "on",
            "5m",
            "5m=x",
            "1m=4d",
            "5m=4d,5m=5d",
            "5m=10d,1h=5d",
            "5m=1s",
            "1h=99999d",
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("HISTORY"), "{text}: {error}");
        }
    }
}
