use domain::{
    InvalidTimestamp, Labels, MetricName, Timestamp, Window,
    digest::digest,
    sla::{ObjectiveId, SlaName, is_label_name},
};
use lambda_http::{Request, RequestExt};
use serde::{Serialize, de::DeserializeOwned};

use crate::{ApiError, Cursor, Fault};

/// The query parameters of a request. Each is taken once, by name and type; [`Query::finish`] then tells all that is wrong
/// at once, parameters nobody took included.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    fingerprint: String,
    faults: Vec<Fault>,
}

/// Which runs a list shows. Neither end: the newest row of each series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeFilter {
    /// Not before this `as_of`.
    pub from: Option<Timestamp>,
    /// Not after this `as_of`.
    pub to: Option<Timestamp>,
}

const MOST_PARAMETERS: usize = 100;
const LONGEST_VALUE: usize = 8192;
const LONGEST_LABEL: usize = 4096;
const MOST_LABELS: usize = 20;
const MOST_FAULTS: usize = 20;
const DEFAULT_LIMIT: u32 = 100;
const GREATEST_LIMIT: u32 = 1000;

impl Query {
    /// The parameters of `request`, for the route `path`.
    pub fn new(request: &Request, path: &str) -> Self {
        let pairs = request
            .query_string_parameters_ref()
            .map(|parameters| {
                parameters
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        Self::of_pairs(pairs, path)
    }

    fn of_pairs(mut pairs: Vec<(String, String)>, path: &str) -> Self {
        let mut faults = Vec::new();
        if pairs.len() > MOST_PARAMETERS {
            faults.push(Fault::of(
                "",
                format!("there are more than {MOST_PARAMETERS} parameters"),
            ));
            pairs.truncate(MOST_PARAMETERS);
        }
        for (name, _) in pairs
            .iter()
            .filter(|(_, value)| value.len() > LONGEST_VALUE)
        {
            faults.push(Fault::of(
                shown(name),
                format!("is longer than {LONGEST_VALUE} bytes"),
            ));
        }
        pairs.retain(|(_, value)| value.len() <= LONGEST_VALUE);
        pairs.sort();
        Self {
            fingerprint: fingerprint(path, &pairs),
            pairs,
            faults,
        }
    }

    /// `limit`: how many rows a page has, 1 to 1000, default 100.
    pub fn limit(&mut self) -> u32 {
        self.parsed("limit", |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse() {
                Ok(limit @ 1..=GREATEST_LIMIT) if digits => Ok(limit),
                _ => Err(format!("is not a whole number from 1 to {GREATEST_LIMIT}")),
            }
        })
        .unwrap_or(DEFAULT_LIMIT)
    }

    /// `cursor`: where the list goes on.
    pub fn cursor<K: DeserializeOwned>(&mut self) -> Option<Cursor<K>> {
        let fingerprint = self.fingerprint.clone();
        self.parsed("cursor", |text| Cursor::decode(text, &fingerprint))
    }

    /// The cursor of the page after the one that ends with the row of key `after`.
    pub fn next<K: Serialize>(&self, pinned: Timestamp, after: K) -> String {
        Cursor::encode(&self.fingerprint, pinned, after)
    }

    /// `metric`: a metric's name.
    pub fn metric(&mut self) -> Option<String> {
        self.parsed("metric", |text| MetricName::parse(text).map(String::from))
    }

    /// `sla`: an SLA's name.
    pub fn sla(&mut self) -> Option<String> {
        self.parsed("sla", |text| SlaName::parse(text).map(String::from))
    }

    /// `objective`: an objective's id.
    pub fn objective(&mut self) -> Option<String> {
        self.parsed("objective", |text| {
            ObjectiveId::parse(text).map(String::from)
        })
    }

    /// `label.NAME=VALUE`, as often as there are labels to match.
    pub fn labels(&mut self) -> Labels {
        let mut labels = Labels::default();
        let (named, others) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(name, _)| name.starts_with("label."));
        self.pairs = others;
        for (parameter, value) in named {
            let name = parameter.strip_prefix("label.").unwrap_or_default();
            if !is_label_name(name) {
                self.fault(
                    &parameter,
                    "is not label.NAME with a name of letters, digits and _".to_owned(),
                );
            } else if value.len() > LONGEST_LABEL {
                self.fault(&parameter, format!("is longer than {LONGEST_LABEL} bytes"));
            } else if labels.0.len() == MOST_LABELS {
                self.fault(
                    &parameter,
                    format!("is one label more than the {MOST_LABELS} a filter may have"),
                );
            } else if let Some(other) = labels.0.insert(name.to_owned(), value.clone())
                && other != value
            {
                self.fault(&parameter, "is there with two values".to_owned());
            }
        }
        labels
    }

    /// `window`: 1h, 3h or 12h.
    pub fn window(&mut self) -> Option<Window> {
        self.parsed("window", str::parse)
    }

    /// `as_of`: a time.
    pub fn as_of(&mut self) -> Option<Timestamp> {
        self.parsed("as_of", time)
    }

    /// `from`, `to` (both inclusive) and `as_of` (that run alone).
    pub fn time(&mut self) -> TimeFilter {
        let TimeFilter { from, to } = self.span();
        let as_of = self.as_of();
        TimeFilter {
            from: from.max(as_of),
            to: [to, as_of].into_iter().flatten().min(),
        }
    }

    /// `from` and `to`, both inclusive.
    pub fn span(&mut self) -> TimeFilter {
        let from: Option<Timestamp> = self.parsed("from", time);
        let to: Option<Timestamp> = self.parsed("to", time);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            self.fault("from", "is after `to`".to_owned());
        }
        TimeFilter { from, to }
    }

    /// `full`: whether the long arrays are wanted, `true` or `false`, default false.
    pub fn full(&mut self) -> bool {
        self.parsed("full", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("is neither true nor false"),
        })
        .unwrap_or(false)
    }

    /// Nothing else is asked.
    ///
    /// # Errors
    /// With every parameter that is invalid, there twice or unknown.
    pub fn finish(&mut self) -> Result<(), ApiError> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.fault(&name, "is not a parameter of this route".to_owned());
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::BadParameters(std::mem::take(&mut self.faults)))
        }
    }

    fn parsed<T, E: ToString>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let first = self.pairs.iter().position(|(given, _)| given == name)?;
        let (_, value) = self.pairs.remove(first);
        if self.pairs.iter().any(|(given, _)| given == name) {
            self.pairs.retain(|(given, _)| given != name);
            self.fault(name, "is there twice".to_owned());
            return None;
        }
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                self.fault(name, reason.to_string());
                None
            }
        }
    }

    fn fault(&mut self, name: &str, detail: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault::of(shown(name), detail));
        }
    }
}

/// A time. A `+` that nobody encoded has become a space on its way here.
fn time(text: &str) -> Result<Timestamp, InvalidTimestamp> {
    text.rsplit_once(' ').map_or_else(
        || text.parse(),
        |(local, offset)| format!("{local}+{offset}").parse(),
    )
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

/// 16 hex digits over the route and the parameters that choose rows.
fn fingerprint(path: &str, pairs: &[(String, String)]) -> String {
    let filters = pairs
        .iter()
        .filter(|(name, _)| name != "cursor" && name != "limit")
        .flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let id = digest(std::iter::once(path).chain(filters));
    format!("{:016x}", u64::from_be_bytes(id))
}

#[cfg(test)]
mod tests;
