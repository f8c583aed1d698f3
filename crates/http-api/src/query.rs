use domain::{
    BucketLength, InvalidTimestamp, Labels, MetricName, Timestamp, Window,
    budget::HistoryStep,
    digest::digest,
    sla::{BudgetWindow, ObjectiveId, SlaName, is_label_name},
};
use lambda_http::{Request, RequestExt};
use serde::{Serialize, de::DeserializeOwned};

use crate::{ApiError, Cursor, Fault, moment};

/// The query parameters of a request. Each is taken once, by name and type; [`Query::finish`] then reports everything that
/// is wrong at once, parameters that nobody took included.
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

/// The time that a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownSpan {
    /// Where it begins.
    pub from: Option<Timestamp>,
    /// Where it ends; now without it.
    pub to: Option<Timestamp>,
    /// How its beginning was typed, such as `-3h`, where it ends now.
    pub typed: Option<String>,
}

/// From when on a rule takes no time out any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleEnd {
    /// From its first occurrence on: it never did.
    All,
    /// From this time on.
    At(Timestamp),
}

const MOST_PARAMETERS: usize = 100;
const LONGEST_VALUE: usize = 8192;
const LONGEST_LABEL: usize = 4096;
const MOST_LABELS: usize = 20;
const MOST_FAULTS: usize = 20;
const DEFAULT_LIMIT: u32 = 100;
const GREATEST_LIMIT: u32 = 1000;

impl Query {
    /// The parameters of `request`; `resource` is its route and what stands for the route's parameters.
    pub(crate) fn new(request: &Request, resource: &[&str]) -> Self {
        Self::with(request, resource, Vec::new())
    }

    /// The parameters of `request` and these.
    pub(crate) fn with(
        request: &Request,
        resource: &[&str],
        others: Vec<(String, String)>,
    ) -> Self {
        let mut pairs: Vec<(String, String)> = request
            .query_string_parameters_ref()
            .map(|parameters| {
                parameters
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        pairs.extend(others);
        Self::of_pairs(pairs, resource)
    }

    /// The parameters of a text as it stands behind `?`.
    #[cfg(feature = "testing")]
    pub fn of_text(text: &[u8], resource: &[&str]) -> Self {
        Self::of_pairs(
            form_urlencoded::parse(text).into_owned().collect(),
            resource,
        )
    }

    fn of_pairs(mut pairs: Vec<(String, String)>, resource: &[&str]) -> Self {
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
                format!("must not be longer than {LONGEST_VALUE} bytes"),
            ));
        }
        pairs.retain(|(_, value)| value.len() <= LONGEST_VALUE);
        pairs.sort();
        Self {
            fingerprint: fingerprint(resource, &pairs),
            pairs,
            faults,
        }
    }

    /// `limit`: how many rows a page has, 1 to 1000, default 100.
    pub fn limit(&mut self) -> u32 {
        self.limit_or(DEFAULT_LIMIT)
    }

    /// The same with another default.
    pub fn limit_or(&mut self, default: u32) -> u32 {
        self.parsed("limit", |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse() {
                Ok(limit @ 1..=GREATEST_LIMIT) if digits => Ok(limit),
                _ => Err(format!("must be a whole number from 1 to {GREATEST_LIMIT}")),
            }
        })
        .unwrap_or(default)
    }

    /// `cursor`: where the list goes on.
    pub fn cursor<K: DeserializeOwned>(&mut self) -> Option<Cursor<K>> {
        let fingerprint = self.fingerprint.clone();
        let cursor = self.parsed("cursor", |text| {
            // The first page has none.
            let given = (!text.is_empty()).then_some(text);
            given
                .map(|text| Cursor::decode(text, &fingerprint))
                .transpose()
        });
        cursor.flatten()
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
            if !is_label_name(name) || name.len() > LONGEST_LABEL {
                self.fault(
                    &parameter,
                    "must be label.NAME with the name of a label".to_owned(),
                );
            } else if value.len() > LONGEST_LABEL {
                self.fault(
                    &parameter,
                    format!("must not be longer than {LONGEST_LABEL} bytes"),
                );
            } else if labels.0.len() == MOST_LABELS {
                self.fault(
                    &parameter,
                    format!("a filter may have {MOST_LABELS} labels at most"),
                );
            } else if let Some(other) = labels.0.insert(name.to_owned(), value.clone())
                && other != value
            {
                self.fault(&parameter, "appears with two values".to_owned());
            }
        }
        labels
    }

    /// `state`: one of a few words.
    pub fn state(&mut self, words: &'static [&'static str]) -> Option<&'static str> {
        self.word("state", words)
    }

    /// A parameter that is one of a few words.
    pub fn word(&mut self, name: &str, words: &'static [&'static str]) -> Option<&'static str> {
        self.parsed(name, |text| {
            let known = words.iter().find(|word| **word == text);
            known
                .copied()
                .ok_or_else(|| format!("must be one of {}", words.join(", ")))
        })
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
            self.fault("from", "must not be after `to`".to_owned());
        }
        TimeFilter { from, to }
    }

    /// `full`: whether the long arrays are wanted, `true` or `false`, default false.
    pub fn full(&mut self) -> bool {
        self.flag("full").unwrap_or(false)
    }

    /// `evaluate`: whether an SLA is evaluated at once, `true` or `false`, default true.
    pub fn evaluate(&mut self) -> bool {
        self.flag("evaluate").unwrap_or(true)
    }

    /// A text of at most `longest` bytes; `None` where it is missing or empty, as a form sends what nobody typed.
    pub fn typed(&mut self, name: &str, longest: usize) -> Option<String> {
        self.parsed(name, |text| {
            let text = text.trim();
            if text.len() > longest {
                return Err(format!("must not be longer than {longest} bytes"));
            }
            Ok((!text.is_empty()).then(|| text.to_owned()))
        })
        .flatten()
    }

    /// One of a few words; `None` where it is missing or empty.
    pub fn typed_word(
        &mut self,
        name: &str,
        words: &'static [&'static str],
    ) -> Option<&'static str> {
        self.parsed(name, |text| {
            let known = words.iter().find(|word| **word == text);
            match known {
                Some(word) => Ok(Some(*word)),
                None if text.is_empty() => Ok(None),
                None => Err(format!("must be one of {}", words.join(", "))),
            }
        })
        .flatten()
    }

    /// A time as people type it: RFC 3339, `now`, `-3h` or `08:12`; `None` where it is missing or empty.
    pub fn moment(&mut self, name: &str, now: Timestamp) -> Option<Timestamp> {
        self.parsed(name, |text| match text.trim() {
            "" => Ok(None),
            text => moment::parse(text, now).map(Some),
        })
        .flatten()
    }

    /// `from` and `to` as people type them, a span that ends after it begins.
    pub fn shown_span(&mut self, now: Timestamp) -> ShownSpan {
        let typed = self
            .pairs
            .iter()
            .find(|(name, _)| name == "from")
            .map(|(_, text)| text.trim().to_owned());
        let (from, to) = (self.moment("from", now), self.moment("to", now));
        let is_empty = from.is_some_and(|from| from >= to.unwrap_or(now));
        if is_empty {
            self.fault("from", "must be before `to`".to_owned());
        }
        let is_relative = to.is_none() && from.is_some();
        // A start that moves with the clock moves by whole buckets: it is not another page at each request.
        let moves = is_relative && typed.as_deref().is_some_and(|text| text.starts_with('-'));
        let start_of = |time| BucketLength::FiveMinutes.start_of(time);
        ShownSpan {
            from: if moves { from.map(start_of) } else { from },
            to,
            typed: typed.filter(|_| is_relative),
        }
    }

    /// How many rows of a page's list are left out before it begins; none where it is missing or empty.
    pub fn skip(&mut self) -> usize {
        self.parsed("skip", |text| match text.parse() {
            Ok(skip @ 0..=1_000_000) => Ok(skip),
            _ if text.is_empty() => Ok(0),
            _ => Err("must be a whole number from 0 to 1000000"),
        })
        .unwrap_or_default()
    }

    /// A parameter that is `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// A parameter that is any text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.parsed(name, |text| Ok::<_, String>(text.to_owned()))
    }

    /// A parameter that may be there several times, in the order of its values.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let (named, others) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition::<Vec<_>, _>(|(given, _)| given == name);
        self.pairs = others;
        named.into_iter().map(|(_, value)| value).collect()
    }

    /// `dry_run`: whether nothing is saved, `true` or `false`, default true.
    pub fn dry_run(&mut self) -> bool {
        self.flag("dry_run").unwrap_or(true)
    }

    /// `window`: the window of SLOs whose format has none, default 30d.
    pub fn budget_window(&mut self) -> BudgetWindow {
        self.parsed("window", str::parse).unwrap_or_default()
    }

    /// `format=openslo`: whether an SLA is wanted as OpenSLO.
    pub fn is_openslo(&mut self) -> bool {
        let format = self.parsed("format", |text| match text {
            "openslo" => Ok(()),
            _ => Err("must be openslo"),
        });
        format.is_some()
    }

    /// `step`: 1m, 5m, 1h or 1d.
    pub fn step(&mut self) -> Option<HistoryStep> {
        self.parsed("step", str::parse)
    }

    /// `from`: from when on a rule ends, a time or `all`.
    pub fn rule_end(&mut self) -> Option<RuleEnd> {
        self.parsed("from", |text| match text {
            "all" => Ok(RuleEnd::All),
            text => time(text).map(RuleEnd::At),
        })
    }

    /// Nothing else is asked.
    ///
    /// # Errors
    /// With every parameter that is invalid, appears twice or is unknown.
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

    /// Ends the reading: parameters that nobody took are passed over.
    ///
    /// # Errors
    /// With each parameter that was taken and is invalid or appears twice.
    pub fn finish_known(&mut self) -> Result<(), ApiError> {
        self.pairs.clear();
        self.finish()
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
            self.fault(name, "appears twice".to_owned());
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

    /// Says what is wrong with a parameter beside others, though it is well formed.
    pub fn refuse(&mut self, name: &str, detail: &str) {
        self.fault(name, detail.to_owned());
    }

    fn fault(&mut self, name: &str, detail: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault::of(shown(name), detail));
        }
    }
}

/// A time. A `+` that nobody encoded has become a space on its way here.
fn time(text: &str) -> Result<Timestamp, String> {
    let invalid = match text.parse::<Timestamp>() {
        Ok(time) => return Ok(time),
        Err(error) => error.to_string(),
    };
    let Some((local, offset)) = text.rsplit_once(' ') else {
        return Err(invalid);
    };
    let repaired = format!("{local}+{offset}").parse();
    repaired.map_err(|_: InvalidTimestamp| format!("{invalid}; write + as %2B"))
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

/// 16 hex digits over the route, what stands for its parameters, and the query parameters that choose rows.
fn fingerprint(resource: &[&str], pairs: &[(String, String)]) -> String {
    let filters = pairs
        .iter()
        .filter(|(name, _)| name != "cursor" && name != "limit")
        .flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let id = digest(resource.iter().copied().chain(filters));
    format!("{:016x}", u64::from_be_bytes(id))
}

#[cfg(test)]
mod tests;
