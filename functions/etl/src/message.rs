//! A document on its way to Kafka: key, CloudEvents attributes, value.

use domain::{
    Series, SeriesId, Timestamp,
    message::{
        Attributes, Encoding, EvaluationRow, HistoryDocument, Kind, MetadataDocument,
        MetricsDocument, PackedMessage, PredictionDocument, ReplayDocument, Replayed, RunDocument,
        ScoreDocument, SlicesDocument, ViolationsDocument,
    },
};
use serde::Serialize;

/// One record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The record's key: what orders it.
    pub key: String,
    /// The record's headers.
    pub attributes: Attributes,
    /// The record's value, as its attributes say.
    pub value: Vec<u8>,
}

/// What says that a piece of a replay is done is stored after the rest of it: all of a replay shares a partition.
const OF_REPLAYS: i32 = 0;

impl From<Message> for kafka::Record {
    fn from(message: Message) -> Self {
        let is_replay = message.attributes.kind == Kind::Replay;
        Self {
            partition: is_replay.then_some(OF_REPLAYS),
            key: message.key,
            headers: message.attributes.headers().into(),
            id: message.attributes.id,
            value: message.value,
        }
    }
}

impl Message {
    /// The summaries of a series.
    pub fn of_metrics(document: &MetricsDocument, run: &str) -> Self {
        Self::about_series(
            Kind::Metrics,
            "metrics",
            document.series.series,
            document.as_of,
            run,
            document,
        )
    }

    /// What kind of series it is.
    pub fn of_metadata(document: &MetadataDocument, run: &str, encoding: Encoding) -> Self {
        let about = (document.series.series, document.as_of);
        Self::encoded(Kind::Metadata, "metadata", about, run, encoding, document)
    }

    /// What a series will do.
    pub fn of_prediction(document: &PredictionDocument, run: &str, encoding: Encoding) -> Self {
        let about = (document.series.series, document.as_of);
        Self::encoded(
            Kind::Prediction,
            "prediction",
            about,
            run,
            encoding,
            document,
        )
    }

    /// What a series was like of late.
    pub fn of_history(document: &HistoryDocument, run: &str) -> Self {
        Self::about_series(
            Kind::History,
            "history",
            document.series,
            document.as_of,
            run,
            document,
        )
    }

    /// An objective judged on a series; where no series matches, its key is the id of a series of just the
    /// objective's metric and labels.
    pub fn of_violations(document: &ViolationsDocument, run: &str) -> Self {
        let objective = &document.objective;
        let series = document.series.as_ref().map_or_else(
            || {
                let (metric, labels) = (objective.metric.clone(), objective.labels.clone());
                Series { metric, labels }.id()
            },
            |series| series.series,
        );
        let row = EvaluationRow {
            kind: Kind::Violations,
            sla: document.sla.clone(),
            version: document.version,
            objective: objective.id.clone(),
            series,
            as_of: document.as_of,
        };
        Self::new(
            Kind::Violations,
            row.to_string(),
            series.to_string(),
            document.as_of,
            run,
            document,
        )
    }

    /// The events of an objective and a group.
    pub fn of_slices(document: &SlicesDocument, run: &str) -> Self {
        let group = document.group_id();
        let row = EvaluationRow {
            kind: Kind::Slices,
            sla: document.sla.clone(),
            version: document.version,
            objective: document.objective.id.clone(),
            series: group,
            as_of: document.as_of,
        };
        Self::new(
            Kind::Slices,
            row.to_string(),
            group.to_string(),
            document.as_of,
            run,
            document,
        )
    }

    /// What a replay found; `name`: which replay. What is done is keyed by that.
    pub fn of_replay(document: &ReplayDocument, name: &str) -> Self {
        let piece = document.piece;
        let (key, id) = match &document.found {
            Replayed::Judged(judged) => {
                let first = judged.evaluations.first();
                let series = first.and_then(|first| first.series.as_ref());
                let key = series.map_or_else(String::new, |series| series.series.to_string());
                let about = first.map_or_else(String::new, |first| {
                    format!("{}/{}/{}", first.sla, first.version, first.objective.id)
                });
                let id = format!(
                    "replay/{about}/{key}/{}/{}",
                    judged.span.start, judged.span.end
                );
                (key, id)
            }
            Replayed::Counted(counted) => {
                let about = format!("{}/{}", counted.sla, counted.objective.id);
                let minutes = counted.minutes;
                let id = format!(
                    "replay/{about}/{}/{}/{}",
                    counted.definition, minutes.start, minutes.end
                );
                (counted.id().to_string(), id)
            }
            Replayed::Described(described) => {
                let key = described.series.series.to_string();
                let id = format!("replay/{key}/{}/{}", piece.start, piece.end);
                (key, id)
            }
            Replayed::Done(_) => (
                name.to_owned(),
                format!("{name}/{}/{}", piece.start, piece.end),
            ),
        };
        Self::new(Kind::Replay, id, key, piece.end, name, document)
    }

    /// What came of a forecast. The run is part of the id: the score of a forecast that waits for storage is published by several.
    pub fn of_score(document: &ScoreDocument, run: &str) -> Self {
        let ScoreDocument {
            forecast_as_of,
            as_of,
            ..
        } = document;
        let series = document.series.series;
        Self::new(
            Kind::Score,
            format!("score/{series}/{forecast_as_of}/{as_of}"),
            series.to_string(),
            *as_of,
            run,
            document,
        )
    }

    /// A run's own record.
    pub fn of_run(document: &RunDocument) -> Self {
        let run = &document.run_id;
        Self::new(
            Kind::Run,
            format!("run/{run}"),
            run.clone(),
            document.as_of,
            run,
            document,
        )
    }

    /// What a run says of a series, in JSON or packed.
    fn encoded(
        kind: Kind,
        word: &str,
        (series, as_of): (SeriesId, Timestamp),
        run: &str,
        encoding: Encoding,
        document: &(impl Serialize + PackedMessage),
    ) -> Self {
        Self {
            value: match encoding {
                Encoding::Json => json(document),
                Encoding::Packed => document.pack_message(),
            },
            key: series.to_string(),
            attributes: attributes(kind, encoding, about(word, series, as_of), as_of, run),
        }
    }

    fn about_series(
        kind: Kind,
        word: &str,
        series: SeriesId,
        as_of: Timestamp,
        run: &str,
        document: &impl Serialize,
    ) -> Self {
        Self::new(
            kind,
            about(word, series, as_of),
            series.to_string(),
            as_of,
            run,
            document,
        )
    }

    fn new(
        kind: Kind,
        id: String,
        key: String,
        time: Timestamp,
        run: &str,
        document: &impl Serialize,
    ) -> Self {
        Self {
            key,
            attributes: attributes(kind, Encoding::Json, id, time, run),
            value: json(document),
        }
    }
}

/// The id of what a run says of a series.
fn about(word: &str, series: SeriesId, as_of: Timestamp) -> String {
    format!("{word}/{series}/{as_of}")
}

fn attributes(
    kind: Kind,
    encoding: Encoding,
    id: String,
    time: Timestamp,
    run: &str,
) -> Attributes {
    Attributes {
        kind,
        encoding,
        id,
        time,
        run: run.to_owned(),
    }
}

fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("the documents' maps have text keys, so they are JSON")
}
