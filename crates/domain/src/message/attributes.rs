use std::{fmt, str::FromStr};

use crate::time::{InvalidTimestamp, Timestamp};

/// What a message is about: `ce_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Summaries of one series: [`super::MetricsDocument`].
    Metrics,
    /// What kind of series it is: [`super::MetadataDocument`].
    Metadata,
    /// What it will do: [`super::PredictionDocument`].
    Prediction,
    /// One objective judged on one series: [`super::ViolationsDocument`].
    Violations,
    /// The events of one objective and group, counted: [`super::SlicesDocument`].
    Slices,
    /// What one series was like of late: [`super::HistoryDocument`].
    History,
    /// What a replay found: [`super::ReplayDocument`].
    Replay,
    /// What came of one forecast: [`super::ScoreDocument`].
    Score,
    /// One run of the ETL: [`super::RunDocument`].
    Run,
}

/// A `ce_type` that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown ce_type `{0}`")]
pub struct UnknownKind(String);

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Metrics,
        Self::Metadata,
        Self::Prediction,
        Self::Violations,
        Self::Slices,
        Self::History,
        Self::Replay,
        Self::Score,
        Self::Run,
    ];

    /// The `ce_type` of its messages in JSON.
    pub fn ce_type(self) -> &'static str {
        match self {
            Self::Metrics => "slacast.metrics.v1",
            Self::Metadata => "slacast.metadata.v1",
            Self::Prediction => "slacast.prediction.v1",
            Self::Violations => "slacast.violations.v1",
            Self::Slices => "slacast.slices.v1",
            Self::History => "slacast.history.v1",
            Self::Replay => "slacast.replay.v1",
            Self::Score => "slacast.score.v1",
            Self::Run => "slacast.run.v1",
        }
    }

    /// The `ce_type` of its packed messages; `None` where there are none.
    fn packed_ce_type(self) -> Option<&'static str> {
        match self {
            Self::Metadata => Some("slacast.metadata.v2"),
            Self::Prediction => Some("slacast.prediction.v2"),
            _ => None,
        }
    }
}

/// How the value of a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// The document's JSON: version 1.
    #[default]
    Json,
    /// Version 2 of metadata and predictions, which are most of what a run publishes: as [`super::PackedMessage`], in half of the
    /// bytes that compressed JSON has. All else is JSON.
    Packed,
}

impl Encoding {
    /// How messages of a kind are written where this is asked for.
    pub fn of(self, kind: Kind) -> Self {
        if kind.packed_ce_type().is_some() {
            self
        } else {
            Self::Json
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Packed => "application/vnd.slacast.packed",
        }
    }
}

impl FromStr for Encoding {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "json" => Ok(Self::Json),
            "packed" => Ok(Self::Packed),
            _ => Err("must be json or packed"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ce_type())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.ce_type() == text || kind.packed_ce_type() == Some(text))
            .ok_or_else(|| UnknownKind(text.chars().take(64).collect()))
    }
}

/// The CloudEvents attributes of a message, each an ASCII record header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// What it is about, half of `ce_type`.
    pub kind: Kind,
    /// How its value is written, the other half; [`Encoding::of`] this kind.
    pub encoding: Encoding,
    /// `ce_id`: the same for the same fact, whichever run publishes it.
    pub id: String,
    /// `ce_time`: the run's `as_of`.
    pub time: Timestamp,
    /// `ce_run`: the run that published it.
    pub run: String,
}

/// Why the headers of a record are not those of a message of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    /// A header is missing.
    #[error("header `{0}` is missing")]
    Missing(&'static str),
    /// A header is not what it should be.
    #[error("header `{name}` is invalid: {reason}")]
    Invalid {
        /// The header's name.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

const SPEC_VERSION: &str = "1.0";
const SOURCE: &str = "/slacast/etl";

impl Attributes {
    /// The record headers, in a fixed order.
    pub fn headers(&self) -> [(&'static str, String); 7] {
        [
            ("content-type", self.encoding.content_type().to_owned()),
            ("ce_specversion", SPEC_VERSION.to_owned()),
            ("ce_id", self.id.clone()),
            ("ce_type", self.ce_type().to_owned()),
            ("ce_source", SOURCE.to_owned()),
            ("ce_time", self.time.to_string()),
            ("ce_run", self.run.clone()),
        ]
    }

    /// `ce_type`.
    pub fn ce_type(&self) -> &'static str {
        let packed = match self.encoding {
            Encoding::Json => None,
            Encoding::Packed => self.kind.packed_ce_type(),
        };
        packed.unwrap_or(self.kind.ce_type())
    }

    /// Reads the attributes from record headers; of several headers of one name the last counts.
    ///
    /// # Errors
    /// When `ce_specversion` is not 1.0, or `ce_type`, `ce_id`, `ce_time` or `ce_run` is missing or malformed.
    pub fn from_headers<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, InvalidAttributes> {
        let [mut version, mut kind, mut id, mut time, mut run] = [None; 5];
        for (name, value) in headers {
            match name {
                "ce_specversion" => version = Some(value),
                "ce_type" => kind = Some(value),
                "ce_id" => id = Some(value),
                "ce_time" => time = Some(value),
                "ce_run" => run = Some(value),
                _ => {}
            }
        }
        if text("ce_specversion", version)? != SPEC_VERSION {
            return Err(invalid("ce_specversion", "not 1.0"));
        }
        let ce_type = text("ce_type", kind)?;
        let kind: Kind = ce_type
            .parse()
            .map_err(|error: UnknownKind| invalid("ce_type", error))?;
        Ok(Self {
            kind,
            encoding: if kind.packed_ce_type() == Some(ce_type) {
                Encoding::Packed
            } else {
                Encoding::Json
            },
            id: text("ce_id", id)?.to_owned(),
            time: text("ce_time", time)?
                .parse()
                .map_err(|error: InvalidTimestamp| invalid("ce_time", error))?,
            run: text("ce_run", run)?.to_owned(),
        })
    }
}

fn text<'a>(name: &'static str, value: Option<&'a [u8]>) -> Result<&'a str, InvalidAttributes> {
    let value = value.ok_or(InvalidAttributes::Missing(name))?;
    let text = std::str::from_utf8(value).map_err(|_| invalid(name, "not UTF-8"))?;
    if text.is_empty() || text.len() > 512 || !text.is_ascii() {
        return Err(invalid(name, "not 1 to 512 ASCII characters"));
    }
    Ok(text)
}

fn invalid(name: &'static str, reason: impl fmt::Display) -> InvalidAttributes {
    InvalidAttributes::Invalid {
        name,
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes() -> Attributes {
        Attributes {
            kind: Kind::Metrics,
            encoding: Encoding::Json,
            id: "metrics/0123/2026-11-23T08:45:00Z".to_owned(),
            time: "2026-11-23T08:45:00Z".parse().unwrap(),
            run: "run".to_owned(),
        }
    }

    #[test]
    fn attributes_are_read_back_from_their_headers() {
        for (kind, encoding, ce_type) in [
            (Kind::Metrics, Encoding::Json, "slacast.metrics.v1"),
            (Kind::Metadata, Encoding::Json, "slacast.metadata.v1"),
            (Kind::Metadata, Encoding::Packed, "slacast.metadata.v2"),
            (Kind::Prediction, Encoding::Packed, "slacast.prediction.v2"),
        ] {
            let written = Attributes {
                kind,
                encoding,
                ..attributes()
            };
            let headers = written.headers();
            assert!(headers.contains(&("ce_type", ce_type.to_owned())));
            let read = Attributes::from_headers(
                headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_bytes())),
            );
            assert_eq!(read, Ok(written));
        }
    }

    #[test]
    fn what_has_no_packed_form_is_json() {
        assert_eq!(Encoding::Packed.of(Kind::Run), Encoding::Json);
        assert_eq!(Encoding::Packed.of(Kind::Metadata), Encoding::Packed);
        assert_eq!("slacast.run.v2".parse::<Kind>().ok(), None);
    }

    #[test]
    fn a_bad_header_is_named() {
        for (name, value) in [
            ("ce_type", &b"slacast.other.v9"[..]),
            ("ce_time", b"now"),
            ("ce_id", b"\xff"),
            ("ce_run", b""),
        ] {
            let mut headers = attributes()
                .headers()
                .map(|(name, value)| (name, value.into_bytes()))
                .to_vec();
            headers.push((name, value.to_vec()));
            let error = Attributes::from_headers(
                headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_slice())),
            )
            .unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_record_without_our_headers_is_refused() {
        assert_eq!(
            Attributes::from_headers([]),
            Err(InvalidAttributes::Missing("ce_specversion"))
        );
    }
}
