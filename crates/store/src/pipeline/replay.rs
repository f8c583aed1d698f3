//! What replays found: minutes of objectives of events, and how far replays came. What they judged is in `episodes`,
//! what series were like in `history`.
//!
//! A replayed minute is final. Unless the replay replaces, it fills those that are not final, and no hour that was added up
//! from 60 final ones.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    events::SliceCounts,
    message::{CountedPiece, Replayed, group_id},
};
use sqlx::{Arguments, MySqlConnection, error::BoxDynError, mysql::MySqlArguments};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{
    StoreError,
    read::column_time,
    replay,
    slices::{Counted, Length, roll_up},
};

pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    for entry in entries {
        let Document::Replay(document) = entry.document else {
            continue;
        };
        match &document.found {
            Replayed::Judged(_) | Replayed::Described(_) => {}
            Replayed::Counted(piece) if document.replace => {
                write_minutes::<true>(connection, piece).await?;
            }
            Replayed::Counted(piece) => {
                if !is_added_up(connection, piece).await? {
                    write_minutes::<false>(connection, piece).await?;
                }
            }
            Replayed::Done(progress) => {
                for progress in progress {
                    replay::note(connection, progress).await?;
                }
            }
        }
    }
    Ok(())
}

/// Whether the hour of a piece is added up from 60 minutes that are final.
async fn is_added_up(
    connection: &mut MySqlConnection,
    piece: &CountedPiece,
) -> Result<bool, StoreError> {
    let found: Option<i32> = sqlx::query_scalar(
        "SELECT 1 FROM slice WHERE sla = ? AND objective = ? AND definition = ? AND length = ? AND `end` = ? \
         AND group_id = ? AND final = 1",
    )
    .bind(piece.sla.as_str())
    .bind(piece.objective.id.as_str())
    .bind(piece.definition.as_str())
    .bind(Length::Hour.seconds())
    .bind(column_time(Length::Hour.end_of(piece.minutes.end)))
    .bind(piece.id().to_string())
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

async fn write_minutes<const REPLACE: bool>(
    connection: &mut MySqlConnection,
    piece: &CountedPiece,
) -> Result<(), StoreError> {
    let counted = Counted {
        sla: piece.sla.as_str(),
        objective: piece.objective.id.as_str(),
        definition: piece.definition.as_str(),
    };
    let (mut groups, mut minutes) = (Vec::new(), BTreeMap::new());
    for group in &piece.groups {
        let id = group_id(&piece.sla, &piece.objective.id, &group.group).to_string();
        let measured = group.slices.iter().filter(|slice| slice.measured);
        groups.push(GroupRow {
            counted,
            group_id: id.clone(),
            labels: serde_json::to_string(&group.group).map_err(crate::read::unexpected)?,
            last_measured: measured.map(|slice| slice.end).max(),
            as_of: piece.minutes.end,
        });
        for counts in &group.slices {
            let row = MinuteRow::<REPLACE> {
                counted,
                group_id: id.clone(),
                counts,
            };
            minutes.insert(row.key(), row);
        }
    }
    upsert(connection, groups).await?;
    upsert(connection, minutes.into_values().collect()).await?;
    let stored = (counted, piece.version, piece.minutes);
    roll_up::mark_due(connection, std::iter::once(stored)).await
}

#[derive(Debug)]
struct GroupRow<'a> {
    counted: Counted<'a>,
    group_id: String,
    labels: String,
    last_measured: Option<Timestamp>,
    as_of: Timestamp,
}

impl<'a> Row for GroupRow<'a> {
    const INTO: &'static str = "INSERT INTO slice_group \
        (sla, objective, definition, group_id, labels, last_measured, as_of) VALUES";
    const COLUMNS: usize = 7;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE last_measured = \
        GREATEST(COALESCE(last_measured, VALUES(last_measured)), COALESCE(VALUES(last_measured), last_measured)), \
        as_of = GREATEST(as_of, VALUES(as_of))";
    type Key = (Counted<'a>, String);

    fn key(&self) -> Self::Key {
        (self.counted, self.group_id.clone())
    }

    fn bytes(&self) -> usize {
        self.labels.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.counted.sla)?;
        arguments.add(self.counted.objective)?;
        arguments.add(self.counted.definition)?;
        arguments.add(self.group_id.as_str())?;
        arguments.add(self.labels.as_str())?;
        arguments.add(self.last_measured.map(column_time))?;
        arguments.add(column_time(self.as_of))
    }
}

/// A minute that is final. `REPLACE`: also where one is stored that is.
#[derive(Debug)]
struct MinuteRow<'a, const REPLACE: bool> {
    counted: Counted<'a>,
    group_id: String,
    counts: &'a SliceCounts,
}

impl<'a, const REPLACE: bool> Row for MinuteRow<'a, REPLACE> {
    const INTO: &'static str = "INSERT INTO slice (sla, objective, definition, length, `end`, group_id, \
        first_sum, second_sum, minutes, measured, reach, as_of, final) VALUES";
    const COLUMNS: usize = 13;
    // Assignments see those before them.
    const OTHERWISE: &'static str = if REPLACE {
        "ON DUPLICATE KEY UPDATE \
         revision = revision + (final AND NOT (VALUES(first_sum) = first_sum AND VALUES(second_sum) = second_sum \
         AND VALUES(measured) = measured AND VALUES(reach) <=> reach)), \
         first_sum = VALUES(first_sum), second_sum = VALUES(second_sum), measured = VALUES(measured), \
         reach = VALUES(reach), as_of = GREATEST(as_of, VALUES(as_of)), final = 1"
    } else {
        "ON DUPLICATE KEY UPDATE \
         first_sum = IF(final, first_sum, VALUES(first_sum)), \
         second_sum = IF(final, second_sum, VALUES(second_sum)), \
         measured = IF(final, measured, VALUES(measured)), \
         reach = IF(final, reach, VALUES(reach)), \
         as_of = IF(final, as_of, GREATEST(as_of, VALUES(as_of))), final = 1"
    };
    type Key = (Counted<'a>, Timestamp, String);

    fn key(&self) -> Self::Key {
        (self.counted, self.counts.end, self.group_id.clone())
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        let [first, second] = self.counts.sums;
        arguments.add(self.counted.sla)?;
        arguments.add(self.counted.objective)?;
        arguments.add(self.counted.definition)?;
        arguments.add(Length::Minute.seconds())?;
        arguments.add(column_time(self.counts.end))?;
        arguments.add(self.group_id.as_str())?;
        arguments.add(first)?;
        arguments.add(second)?;
        arguments.add(1_u16)?;
        arguments.add(self.counts.measured)?;
        arguments.add(self.counts.reach.map(column_time))?;
        arguments.add(column_time(CountedPiece::as_of(self.counts)))?;
        arguments.add(true)
    }
}
