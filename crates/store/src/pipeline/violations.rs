//! `violation`: the rows of evaluations.

use chrono::NaiveDateTime;
use domain::{
    evaluation::ObjectiveState,
    message::{EvaluationRow, SlicesDocument, ViolationsDocument},
};
use serde::{Deserialize, Serialize};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    DeadLetter,
    document::{Document, Entry},
    slices,
    upsert::{Row, upsert},
};
use crate::{StoreError, read::column_time};

/// How many episodes a row of `violation` keeps: as many as are ever answered.
pub const MOST_EPISODES: usize = 100;

/// `violation.document` of a message that was set aside.
pub(crate) const REFUSED: &str = "{\"reason\":\"refused\"}";

/// `violation.document` of a group of events: what was counted is in `slice`.
const COUNTED: &str = "{}";

/// What `violation.document` holds: the evaluation of an objective on a series, as it is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredEvaluation {
    /// The message, with the newest [`MOST_EPISODES`] of its episodes, oldest first, and without `earlier`,
    /// `remainder` and `gaps`, which are for [`domain::evaluation::History`] alone.
    #[serde(flatten)]
    pub document: ViolationsDocument,
    /// How many episodes the message has.
    pub episodes_total: u64,
}

impl From<&ViolationsDocument> for StoredEvaluation {
    fn from(document: &ViolationsDocument) -> Self {
        let episodes = &document.episodes;
        let newest = episodes.len().saturating_sub(MOST_EPISODES);
        Self {
            episodes_total: episodes.len() as u64,
            document: ViolationsDocument {
                episodes: episodes[newest..].to_vec(),
                earlier: Vec::new(),
                remainder: None,
                gaps: Vec::new(),
                ..document.clone()
            },
        }
    }
}

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let (mut rows, mut groups) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.document {
            Document::Violations(document) => rows.push(ViolationRow {
                document,
                as_of: entry.as_of,
                series_id: &entry.series_id,
                stored: serde_json::to_string(&StoredEvaluation::from(&**document))?,
            }),
            Document::Slices(document) => groups.push(CountedRow {
                document,
                as_of: entry.as_of,
                group_id: document.group_id().to_string(),
            }),
            _ => {}
        }
    }
    upsert(connection, rows).await?;
    upsert(connection, groups).await
}

/// Writes a row for each of the letters that was to be one. A row that is stored already stays.
pub(super) async fn write_refused(
    connection: &mut MySqlConnection,
    letters: &[DeadLetter],
) -> Result<(), StoreError> {
    let rows = letters
        .iter()
        .filter_map(|letter| letter.row.as_ref())
        .map(|row| RefusedRow {
            row,
            series_id: row.series.to_string(),
        });
    upsert(connection, rows.collect()).await
}

#[derive(Debug)]
struct RefusedRow<'a> {
    row: &'a EvaluationRow,
    series_id: String,
}

impl<'a> Row for RefusedRow<'a> {
    const INTO: &'static str = ViolationRow::INTO;
    const COLUMNS: usize = ViolationRow::COLUMNS;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE state = state";
    type Key = (&'a str, u32, &'a str, NaiveDateTime, String);

    fn key(&self) -> Self::Key {
        (
            &self.row.sla,
            self.row.version,
            &self.row.objective,
            column_time(self.row.as_of),
            self.series_id.clone(),
        )
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.row.sla.as_str())?;
        arguments.add(self.row.version)?;
        arguments.add(self.row.objective.as_str())?;
        arguments.add(column_time(self.row.as_of))?;
        arguments.add(self.series_id.as_str())?;
        arguments.add(state_name(ObjectiveState::NoData))?;
        arguments.add(REFUSED)?;
        arguments.add(None::<NaiveDateTime>)?;
        arguments.add(None::<&str>)
    }
}

#[derive(Debug)]
struct ViolationRow<'a> {
    document: &'a ViolationsDocument,
    as_of: NaiveDateTime,
    series_id: &'a str,
    stored: String,
}

impl<'a> Row for ViolationRow<'a> {
    const INTO: &'static str = "INSERT INTO violation \
        (sla, version, objective, as_of, series_id, state, document, silent_since, silent_state) VALUES";
    const COLUMNS: usize = 9;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE state = VALUES(state), document = VALUES(document), \
        silent_since = VALUES(silent_since), silent_state = VALUES(silent_state)";
    type Key = (&'a str, u32, &'a str, NaiveDateTime, &'a str);

    fn key(&self) -> Self::Key {
        let document = self.document;
        (
            &document.sla,
            document.version,
            &document.objective.id,
            self.as_of,
            self.series_id,
        )
    }

    fn bytes(&self) -> usize {
        self.stored.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.document.sla.as_str())?;
        arguments.add(self.document.version)?;
        arguments.add(self.document.objective.id.as_str())?;
        arguments.add(self.as_of)?;
        arguments.add(self.series_id)?;
        arguments.add(state_name(self.document.state))?;
        arguments.add(self.stored.as_str())?;
        let silence = self.document.silence.as_ref();
        arguments.add(silence.map(|silence| column_time(silence.since)))?;
        arguments.add(silence.map(|silence| state_name(silence.state)))
    }
}

/// That the events of a group were counted.
#[derive(Debug)]
struct CountedRow<'a> {
    document: &'a SlicesDocument,
    as_of: NaiveDateTime,
    group_id: String,
}

impl<'a> Row for CountedRow<'a> {
    const INTO: &'static str = ViolationRow::INTO;
    const COLUMNS: usize = ViolationRow::COLUMNS;
    const OTHERWISE: &'static str = ViolationRow::OTHERWISE;
    type Key = (&'a str, u32, &'a str, NaiveDateTime, String);

    fn key(&self) -> Self::Key {
        let document = self.document;
        (
            document.sla.as_str(),
            document.version,
            document.objective.id.as_str(),
            self.as_of,
            self.group_id.clone(),
        )
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let state = if slices::is_measured(self.document) {
            ObjectiveState::Ok
        } else {
            ObjectiveState::NoData
        };
        arguments.add(self.document.sla.as_str())?;
        arguments.add(self.document.version)?;
        arguments.add(self.document.objective.id.as_str())?;
        arguments.add(self.as_of)?;
        arguments.add(self.group_id.as_str())?;
        arguments.add(state_name(state))?;
        arguments.add(COUNTED)?;
        arguments.add(None::<NaiveDateTime>)?;
        arguments.add(None::<&str>)
    }
}

fn state_name(state: ObjectiveState) -> &'static str {
    match state {
        ObjectiveState::Ended => "ended",
        ObjectiveState::Ok => "ok",
        ObjectiveState::Pending => "pending",
        ObjectiveState::NoData => "no_data",
        ObjectiveState::Firing => "firing",
    }
}
