//! Minutes that no complete evaluation judged.

use std::{iter, time::Duration};

use chrono::NaiveDateTime;
use domain::{
    Labels, Span, SpanSet, Timestamp,
    events::Minute,
    message::group_id,
    sla::{AnyObjective, ObjectiveId, SlaName},
};
use sqlx::{MySql, QueryBuilder, types::Json};

use crate::{
    Store, StoreError,
    read::{column_time, read_time, unexpected},
    sla::filled,
    slices::{Counted, Length, roll_up::MINUTES_KEPT},
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
const LOOKS_BACK: Duration = Duration::from_secs(12 * 3_600);
/// The one before it is looked up by itself where it is older by more than this.
const USUAL_INTERVAL: Duration = Duration::from_secs(3_600);
/// Minutes before that are left to who asks for a replay.
const OLDEST: Duration = Duration::from_secs(30 * 86_400);
/// An evaluation judges the minutes that end from 15 to 5 minutes before it.
const JUDGED_FROM: Duration = Duration::from_secs(15 * 60);
const JUDGED_UNTIL: Duration = Duration::from_secs(5 * 60);
const MINUTE: Duration = Duration::from_secs(60);
/// So many hours, or pieces of time, are asked for at once: MariaDB makes another query of a longer list.
const AT_ONCE: usize = 512;
/// So many versions that were never evaluated are looked at.
const MOST_VERSIONS: u32 = 500;

/// A complete evaluation before which minutes may be missing, and the complete one before, unless that is long ago.
struct Gap {
    sla: String,
    version: u32,
    objective: String,
    definition: String,
    earlier: Option<NaiveDateTime>,
    as_of: NaiveDateTime,
}

type GapRow = (
    String,
    u32,
    String,
    String,
    Option<NaiveDateTime>,
    NaiveDateTime,
);

/// A version, when its minutes begin, whether it was retired, and the objective if it has it.
type VersionRow = (u32, NaiveDateTime, bool, Option<Json<AnyObjective>>);

impl From<GapRow> for Gap {
    fn from((sla, version, objective, definition, earlier, as_of): GapRow) -> Self {
        Self {
            sla,
            version,
            objective,
            definition,
            earlier,
            as_of,
        }
    }
}

impl Store {
    /// The minutes before the complete evaluations of the last 12 h that neither these nor the ones before them judged, and
    /// nobody replayed. Before the first evaluation they begin where the first version does that has the objective, or where
    /// that version's replay ends.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn missing_minutes(&self, now: Timestamp) -> Result<Vec<MissingMinutes>, StoreError> {
        let gaps: Vec<GapRow> = sqlx::query_as(
            "SELECT sla, version, objective, definition, earlier, as_of FROM \
             (SELECT sla, version, objective, definition, as_of, \
             LAG(as_of) OVER (PARTITION BY sla, objective, definition ORDER BY as_of) AS earlier \
             FROM evaluation FORCE INDEX (by_time) WHERE as_of > ? AND complete = 1 AND definition IS NOT NULL) e \
             WHERE (earlier IS NULL OR earlier < as_of - INTERVAL 10 MINUTE) AND as_of > ? ORDER BY as_of DESC LIMIT 1000",
        )
        .bind(column_time(now - LOOKS_BACK - USUAL_INTERVAL))
        .bind(column_time(now - LOOKS_BACK))
        .fetch_all(self.pool())
        .await?;
        let oldest = now - OLDEST;
        // Of an hour whose minutes are gone all are counted again, or none.
        let whole = |minutes: Span| {
            let hour = Length::Hour.end_of(minutes.start + MINUTE) - Length::Hour.duration();
            let is_old = minutes.start < now - MINUTES_KEPT;
            Span {
                start: if is_old { hour } else { minutes.start },
                ..minutes
            }
        };
        let mut missing = Vec::new();
        for gap in gaps.into_iter().map(Gap::from) {
            let Some(judged) = self.judged_before(&gap, oldest).await? else {
                continue;
            };
            let minutes = Span {
                start: Minute::ended_by(judged.max(oldest)).end(),
                end: Minute::ended_by(read_time(gap.as_of) - JUDGED_FROM).end(),
            };
            if minutes.end <= minutes.start {
                continue;
            }
            let sla: SlaName = gap.sla.parse().map_err(unexpected)?;
            let objective: ObjectiveId = gap.objective.parse().map_err(unexpected)?;
            let left = self
                .uncounted_minutes(&sla, &objective, &gap.definition, minutes)
                .await?;
            missing.extend(left.spans().iter().map(|minutes| MissingMinutes {
                sla: sla.clone(),
                objective: objective.clone(),
                definition: gap.definition.clone(),
                minutes: whole(*minutes),
            }));
        }
        Ok(missing)
    }

    /// Until when minutes before a gap were judged, or are none of its objective's.
    async fn judged_before(
        &self,
        gap: &Gap,
        oldest: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        if let Some(earlier) = gap.earlier {
            return Ok(Some(read_time(earlier) - JUDGED_UNTIL));
        }
        // One short range of the key per version.
        let earlier: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT MAX(e.as_of) FROM sla s STRAIGHT_JOIN evaluation e FORCE INDEX (by_objective) \
             ON e.sla = s.name AND e.version = s.version AND e.complete = 1 AND e.objective = ? \
             AND e.as_of < ? AND e.as_of > ? WHERE s.name = ? AND s.version <= ? AND e.definition = ?",
        )
        .bind(&gap.objective)
        .bind(gap.as_of)
        .bind(column_time(oldest))
        .bind(&gap.sla)
        .bind(gap.version)
        .bind(&gap.definition)
        .fetch_one(self.pool())
        .await?;
        if let Some(earlier) = earlier {
            return Ok(Some(read_time(earlier) - JUDGED_UNTIL));
        }
        self.begins(gap).await
    }

    /// When the oldest of the versions began that had a gap's objective, one after the other: none of them was evaluated.
    async fn begins(&self, gap: &Gap) -> Result<Option<Timestamp>, StoreError> {
        // A version and the replay that is started with it are made at one time.
        let versions: Vec<VersionRow> = sqlx::query_as(
            "SELECT s.version, COALESCE((SELECT MIN(r.`end`) FROM replay r WHERE r.sla = s.name AND r.created_at = s.created_at), \
             s.created_at), s.retired_at IS NOT NULL, o.document FROM sla s LEFT JOIN sla_objective o \
             ON o.sla = s.name AND o.version = s.version AND o.objective = ? \
             WHERE s.name = ? AND s.version <= ? ORDER BY s.version DESC LIMIT ?",
        )
        .bind(&gap.objective)
        .bind(&gap.sla)
        .bind(gap.version)
        .bind(MOST_VERSIONS)
        .fetch_all(self.pool())
        .await?;
        let alike = versions
            .into_iter()
            .take_while(|(version, _, is_retired, objective)| {
                let is_alike = matches!(objective, Some(Json(AnyObjective::Events(objective)))
                    if objective.definition().as_str() == gap.definition);
                *version == gap.version || is_alike && !is_retired
            });
        Ok(alike.last().map(|(_, begins, ..)| read_time(begins)))
    }

    /// The minutes that are not final, of all events together. Of old ones longer rows alone are kept.
    async fn uncounted_minutes(
        &self,
        sla: &SlaName,
        objective: &ObjectiveId,
        definition: &str,
        minutes: Span,
    ) -> Result<SpanSet, StoreError> {
        let together = group_id(sla, objective, &Labels::default()).to_string();
        let counted = Counted {
            sla: sla.as_str(),
            objective: objective.as_str(),
            definition,
        };
        // Hour by hour: a range of the key holds the rows of all groups.
        let first = Length::Hour.end_of(minutes.start + MINUTE);
        let hours = iter::successors(Some(first), |end| Some(*end + Length::Hour.duration()));
        let hours: Vec<Timestamp> = hours.take_while(|end| *end <= minutes.end).collect();
        let mut left = SpanSet::from(minutes);
        for hours in hours.chunks(AT_ONCE) {
            let mut query = final_rows(counted, &together);
            query
                .push(" AND length = ")
                .push_bind(Length::Hour.seconds())
                .push(" AND `end` IN (");
            let mut ends = query.separated(", ");
            for end in filled(hours) {
                ends.push_bind(column_time(*end));
            }
            query.push(")");
            left = left.difference(&self.spans(query).await?);
        }
        let spans = left.spans().to_vec();
        for spans in spans.chunks(AT_ONCE) {
            let mut query = final_rows(counted, &together);
            query
                .push(" AND length IN (")
                .push_bind(Length::Minute.seconds())
                .push(", ")
                .push_bind(Length::FiveMinutes.seconds())
                .push(") AND (FALSE");
            for span in filled(spans) {
                query
                    .push(" OR (`end` > ")
                    .push_bind(column_time(span.start))
                    .push(" AND `end` <= ")
                    .push_bind(column_time(span.end))
                    .push(")");
            }
            query.push(")");
            left = left.difference(&self.spans(query).await?);
        }
        Ok(left)
    }

    /// The time that rows of a length and an end are about.
    async fn spans(&self, mut query: QueryBuilder<MySql>) -> Result<SpanSet, StoreError> {
        let rows: Vec<(u32, NaiveDateTime)> = query.build_query_as().fetch_all(self.pool()).await?;
        let spans = rows.into_iter().map(|(seconds, end)| Span {
            start: read_time(end) - Duration::from_secs(seconds.into()),
            end: read_time(end),
        });
        Ok(spans.collect())
    }
}

/// The beginning of a query for the final rows of a group.
fn final_rows(counted: Counted<'_>, group: &str) -> QueryBuilder<MySql> {
    let mut query =
        QueryBuilder::new("SELECT length, `end` FROM slice FORCE INDEX (PRIMARY) WHERE ");
    counted.push(&mut query);
    query.push(" AND group_id = ").push_bind(group.to_owned());
    query.push(" AND final = 1");
    query
}
