//! What is measured: a metric, a label set, samples.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use crate::{digest::digest, text::checked_text, time::Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

mod bucket;
mod part;

pub use bucket::{Bucket, BucketLength, InvalidBucket};
pub use part::Part;

/// A label set without `__name__`, in the order of the names.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Labels(pub BTreeMap<String, String>);

impl Labels {
    /// Whether every label of `selector` is here with the same value.
    pub fn matches(&self, selector: &Self) -> bool {
        selector
            .0
            .iter()
            .all(|(name, value)| self.0.get(name) == Some(value))
    }

    /// These labels beside labels of ours, of which none is empty: one whose name is ours already gets `series_` before it, and
    /// empty ones are left out.
    #[must_use]
    pub fn beside(&self, own: Self) -> Self {
        let mut labels = own.0;
        for (name, value) in &self.0 {
            if value.is_empty() {
                continue;
            }
            let mut name = name.clone();
            while labels.contains_key(&name) {
                name.insert_str(0, CLASH);
            }
            labels.insert(name, value.clone());
        }
        Self(labels)
    }

    /// The labels as those take them who know the names `[a-zA-Z_][a-zA-Z0-9_]*` alone.
    ///
    /// In a name, `_` stands for each character outside `[a-zA-Z0-9_]` and before a leading digit, and `_` is appended until
    /// the name is like no other of the set. Names that need no change keep theirs.
    #[must_use]
    pub fn with_classic_names(&self) -> Self {
        let (right, others): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .map(|(name, value)| (name, classic(name), value))
            .partition(|(name, classic, _)| *name == classic);
        let mut taken = BTreeMap::new();
        for (_, mut name, value) in right.into_iter().chain(others) {
            while taken.contains_key(&name) {
                name.push('_');
            }
            taken.insert(name, value.clone());
        }
        Self(taken)
    }

    /// The id of each label, in the order of the names, by which the store finds series that carry it: 32 hex digits of
    /// SHA-256 over name and value, each length-prefixed (64 bit, big endian). Label values are too long for a key.
    pub fn label_ids(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(name, value)| SeriesId(digest([name, value])).to_string())
            .collect()
    }
}

/// Before the name of a series' label that is ours already.
const CLASH: &str = "series_";

fn classic(name: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = name.chars().map(|c| if is_word(c) { c } else { '_' });
    let leading = name.starts_with(|c: char| c.is_ascii_digit());
    leading.then_some('_').into_iter().chain(word).collect()
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        Self(
            labels
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// As people read it: `{job="node",mode="idle"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (position, (name, value)) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

checked_text! {
    /// The name of a metric in `metrics.toml`.
    MetricName, what: "metric name", rule: "1 to 255 bytes without control characters",
    keeps: |text| {
        (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
    },
    also: |_| false
}

impl MetricName {
    /// `one/other`, for two texts that are short and without control characters.
    pub(crate) fn joined(one: &str, other: &str) -> Self {
        Self(format!("{one}/{other}"))
    }
}

/// A metric of `metrics.toml` and one label set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The metric's name in `metrics.toml`.
    pub metric: MetricName,
    /// The label set, without `__name__` and without the server's external labels.
    pub labels: Labels,
}

impl Series {
    /// The series' id: SHA-256 over the name and the sorted labels, each length-prefixed (64 bit, big endian), cut to
    /// 128 bits.
    pub fn id(&self) -> SeriesId {
        let pairs = self.labels.0.iter().flat_map(|(name, value)| [name, value]);
        let texts = pairs.map(String::as_str);
        SeriesId(digest(std::iter::once(self.metric.as_str()).chain(texts)))
    }
}

/// One value of a series at one time. Never NaN once it has been read; infinities are values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When the value was observed.
    pub time: Timestamp,
    /// The value, in the metric's unit.
    pub value: f64,
}

/// The identity of a [`Series`], written as 32 hex digits. Also the key of its Kafka messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId([u8; 16]);

/// A text that is not 32 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a series id is 32 lower-case hex digits")]
pub struct InvalidSeriesId;

impl SeriesId {
    /// Its 16 bytes.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The number that its first eight hex digits are.
    pub fn first_digits(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl From<[u8; 16]> for SeriesId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeriesId({self})")
    }
}

impl FromStr for SeriesId {
    type Err = InvalidSeriesId;

    fn from_str(text: &str) -> Result<Self, InvalidSeriesId> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() != 32 || !digits {
            return Err(InvalidSeriesId);
        }
        u128::from_str_radix(text, 16)
            .map(|id| Self(id.to_be_bytes()))
            .map_err(|_| InvalidSeriesId)
    }
}

impl Serialize for SeriesId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SeriesId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for SeriesId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SeriesId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9a-f]{32}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &str, labels: &[(&str, &str)]) -> Series {
        Series {
            metric: metric.parse().unwrap(),
            labels: labels.iter().copied().collect(),
        }
    }

    #[test]
    fn the_id_does_not_depend_on_the_order_of_the_labels() {
        let one = series("cpuUsage", &[("a", "1"), ("b", "2")]);
        let other = series("cpuUsage", &[("b", "2"), ("a", "1")]);
        assert_eq!(one.id(), other.id());
    }

    #[test]
    fn moving_a_byte_from_one_text_to_the_next_changes_the_id() {
        assert_ne!(
            series("m", &[("a", "bc")]).id(),
            series("m", &[("ab", "c")]).id()
        );
        assert_ne!(series("mm", &[]).id(), series("m", &[("m", "")]).id());
    }

    #[test]
    fn a_label_has_the_same_id_in_every_series() {
        let alone = series("m", &[("job", "node")]).labels.label_ids();
        let among = series("n", &[("instance", "a"), ("job", "node")])
            .labels
            .label_ids();
        assert_eq!(alone, ["7f9cd154e06332806bf81bbeeeb9c6c2"]);
        assert_eq!(alone[0], among[1]);
    }

    #[test]
    fn an_id_is_read_back_from_its_32_hex_digits() {
        let id = series("cpuUsage", &[("instance", "demo")]).id();
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("xyz".parse::<SeriesId>(), Err(InvalidSeriesId));
        assert_eq!("+".repeat(32).parse::<SeriesId>(), Err(InvalidSeriesId));
    }

    #[test]
    fn a_metric_name_has_1_to_255_bytes_and_no_control_character() {
        for (text, is_one) in [
            ("http.requests/é", true),
            (&"m".repeat(255), true),
            (&"m".repeat(256), false),
            ("", false),
            ("a\nb", false),
        ] {
            assert_eq!(MetricName::parse(text).is_ok(), is_one, "{text}");
            let json = serde_json::to_string(text).unwrap();
            let read = serde_json::from_str::<MetricName>(&json);
            assert_eq!(read.is_ok(), is_one, "{text}");
        }
    }
}
