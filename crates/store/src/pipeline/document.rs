use chrono::NaiveDateTime;
use domain::{
    Timestamp,
    message::{
        HistoryDocument, Kind, MetadataDocument, MetricsDocument, PackedMessage,
        PredictionDocument, ReplayDocument, Replayed, RunDocument, ScoreDocument, SeriesReference,
        SlicesDocument, Unreadable, ViolationsDocument,
    },
};

use crate::read::column_time;

/// A message's document.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// The summaries of a series.
    Metrics(MetricsDocument),
    /// What kind of series it is.
    Metadata(Box<MetadataDocument>),
    /// What it will do.
    Prediction(Box<PredictionDocument>),
    /// An objective judged on it.
    Violations(Box<ViolationsDocument>),
    /// The events of an objective and a group.
    Slices(Box<SlicesDocument>),
    /// What a series was like of late.
    History(HistoryDocument),
    /// What a replay found.
    Replay(Box<ReplayDocument>),
    /// What came of a forecast.
    Score(Box<ScoreDocument>),
    /// A run.
    Run(RunDocument),
}

impl Document {
    /// Reads the document of a message of `kind` in JSON.
    ///
    /// # Errors
    /// When `json` is not the JSON of such a document.
    pub fn parse(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Metrics => Self::Metrics(serde_json::from_slice(json)?),
            Kind::Metadata => Self::Metadata(serde_json::from_slice(json)?),
            Kind::Prediction => Self::Prediction(serde_json::from_slice(json)?),
            Kind::Violations => Self::Violations(serde_json::from_slice(json)?),
            Kind::Slices => Self::Slices(serde_json::from_slice(json)?),
            Kind::History => Self::History(serde_json::from_slice(json)?),
            Kind::Replay => Self::Replay(serde_json::from_slice(json)?),
            Kind::Score => Self::Score(serde_json::from_slice(json)?),
            Kind::Run => Self::Run(serde_json::from_slice(json)?),
        })
    }

    /// Reads the document of a packed message of `kind`.
    ///
    /// # Errors
    /// When `value` is not such a document, or this kind has no packed messages.
    pub fn unpack(kind: Kind, value: &[u8]) -> Result<Self, Unreadable> {
        Ok(match kind {
            Kind::Metadata => Self::Metadata(Box::new(MetadataDocument::unpack_message(value)?)),
            Kind::Prediction => {
                Self::Prediction(Box::new(PredictionDocument::unpack_message(value)?))
            }
            _ => return Err(Unreadable::Version),
        })
    }

    /// The run's `as_of`; of a replay the end of its piece.
    pub fn as_of(&self) -> Timestamp {
        match self {
            Self::Metrics(document) => document.as_of,
            Self::Metadata(document) => document.as_of,
            Self::Prediction(document) => document.as_of,
            Self::Violations(document) => document.as_of,
            Self::Slices(document) => document.as_of,
            Self::History(document) => document.as_of,
            Self::Replay(document) => document.piece.end,
            Self::Score(document) => document.as_of,
            Self::Run(document) => document.as_of,
        }
    }

    /// The series it is about, if it is about one.
    pub fn series(&self) -> Option<&SeriesReference> {
        match self {
            Self::Metrics(document) => Some(&document.series),
            Self::Metadata(document) => Some(&document.series),
            Self::Prediction(document) => Some(&document.series),
            Self::Violations(document) => document.series.as_ref(),
            Self::Score(document) => Some(&document.series),
            Self::Replay(document) => match &document.found {
                Replayed::Judged(piece) => piece.evaluations.first()?.series.as_ref(),
                Replayed::Described(piece) => Some(&piece.series),
                Replayed::Counted(_) | Replayed::Done(_) => None,
            },
            Self::Slices(_) | Self::History(_) | Self::Run(_) => None,
        }
    }
}

/// A document with what every row of it needs.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) document: &'a Document,
    /// The series' id as the columns hold it; empty for none.
    pub(super) series_id: String,
    pub(super) as_of: NaiveDateTime,
}

impl<'a> Entry<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self {
            document,
            series_id: match document {
                Document::History(document) => document.series.to_string(),
                document => document
                    .series()
                    .map_or_else(String::new, |reference| reference.series.to_string()),
            },
            as_of: column_time(document.as_of()),
        }
    }
}
