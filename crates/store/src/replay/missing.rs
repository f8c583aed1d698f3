//! Minutes that no complete evaluation judged.

use std::time::Duration;

use chrono::NaiveDateTime;
use domain::{
    Labels, Span, Timestamp,
    events::Minute,
    message::group_id,
    sla::{ObjectiveId, SlaName},
};

use crate::{
    Store, StoreError,
    read::{column_time, read_time, unexpected},
    slices::Length,
};

/// Minutes of an objective that no complete evaluation judged.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingMinutes {
    /// The SLA.
    pub sla: SlaName,
    /// The objective.
    pub objective: ObjectiveId,
    /// What was counted before and after them.
    pub definition: String,
    /// The minutes that end in it, without its start.
    pub minutes: Span,
}

/// How long ago an evaluation may be before which minutes are missing.
const LOOKS_BACK: Duration = Duration::from_secs(3 * 3_600);
/// Minutes before that are left to who asks for a replay.
const OLDEST: Duration = Duration::from_secs(86_400);
/// An evaluation judges the minutes that end from 15 to 5 minutes before it.
const JUDGED_FROM: Duration = Duration::from_secs(15 * 60);
const JUDGED_UNTIL: Duration = Duration::from_secs(5 * 60);

type Gap = (String, String, String, NaiveDateTime, NaiveDateTime);

impl Store {
    /// The minutes between two complete evaluations of an objective of which neither judged them, and nobody replayed. The
    /// newest first, those before evaluations of the last 3 h.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn missing_minutes(&self, now: Timestamp) -> Result<Vec<MissingMinutes>, StoreError> {
        let gaps: Vec<Gap> = sqlx::query_as(
            "SELECT sla, objective, definition, earlier, as_of FROM (SELECT sla, objective, definition, as_of, \
             LAG(as_of) OVER (PARTITION BY sla, objective, definition ORDER BY as_of) AS earlier \
             FROM evaluation FORCE INDEX (by_time) WHERE as_of > ? AND complete = 1 AND definition IS NOT NULL) e \
             WHERE earlier < as_of - INTERVAL 11 MINUTE AND as_of > ? ORDER BY as_of DESC LIMIT 1000",
        )
        .bind(column_time(now - OLDEST))
        .bind(column_time(now - LOOKS_BACK))
        .fetch_all(self.pool())
        .await?;
        let mut missing = Vec::new();
        for (sla, objective, definition, earlier, later) in gaps {
            let sla: SlaName = sla.parse().map_err(unexpected)?;
            let objective: ObjectiveId = objective.parse().map_err(unexpected)?;
            let first = Minute::ended_by(read_time(earlier) - JUDGED_UNTIL).end();
            let last = Minute::ended_by(read_time(later) - JUDGED_FROM).end();
            if last <= first {
                continue;
            }
            let together = group_id(&sla, &objective, &Labels::default()).to_string();
            let counted: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM slice WHERE sla = ? AND objective = ? AND definition = ? AND length = ? \
                 AND `end` > ? AND `end` <= ? AND group_id = ? AND final = 1",
            )
            .bind(sla.as_str())
            .bind(objective.as_str())
            .bind(&definition)
            .bind(Length::Minute.seconds())
            .bind(column_time(first))
            .bind(column_time(last))
            .bind(together)
            .fetch_one(self.pool())
            .await?;
            let minutes = last.since(first).as_secs() / 60;
            if counted.unsigned_abs() < minutes {
                missing.push(MissingMinutes {
                    sla,
                    objective,
                    definition,
                    minutes: Span {
                        start: first,
                        end: last,
                    },
                });
            }
        }
        Ok(missing)
    }
}
