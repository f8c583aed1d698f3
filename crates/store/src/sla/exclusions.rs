use std::{collections::HashMap, time::Duration};

use domain::{
    Span, Timestamp,
    sla::{ExcludedTime, Exclusion, ExclusionDraft, ObjectiveId, Recurrence, occurrences},
};
use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};

use super::filled;
use crate::{
    Store, StoreError,
    read::{column_time, read_time, unexpected},
};

/// What came of asking for an exclusion.
#[derive(Clone, Debug, PartialEq)]
pub enum ExclusionOutcome {
    /// It is made.
    Created(Box<Exclusion>),
    /// There never was such an SLA.
    NoSla,
    /// No version of the SLA has such an objective.
    NoObjective,
    /// The SLA has the most it may have.
    TooMany {
        /// That many.
        most: u32,
    },
    /// The SLA has the most that recur.
    TooManyRules {
        /// That many.
        most: u32,
    },
}

/// A part of the exclusions of an SLA, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct ExclusionPage {
    /// The exclusions.
    pub exclusions: Vec<Exclusion>,
    /// Whether there are more after them.
    pub more: bool,
}

/// Exclusions of one SLA that are in effect: every answer about it reads them.
const MOST: u32 = 10_000;
/// Those of them that recur.
const MOST_RULES: u32 = 100;
/// No answer looks further back: a year of budget before 400 days of history.
const LOOKS_BACK: Duration = Duration::from_secs(800 * 86_400);
/// SLAs whose exclusions are read by one statement.
const SLAS_AT_ONCE: usize = 256;
/// Occurrences of rules are known until so long after now.
const LOOKS_AHEAD: Duration = Duration::from_secs(86_400);

impl Store {
    /// Makes an exclusion of the SLA `name` at `now`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn create_exclusion(
        &self,
        name: &str,
        draft: &ExclusionDraft,
        now: Timestamp,
    ) -> Result<ExclusionOutcome, StoreError> {
        if !self.sla_existed(name).await? {
            return Ok(ExclusionOutcome::NoSla);
        }
        if let Some(objective) = &draft.objective
            && !self.has_objective(name, objective).await?
        {
            return Ok(ExclusionOutcome::NoObjective);
        }
        let (in_effect, rules): (i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), COUNT(rule) FROM exclusion WHERE sla = ? AND deleted_at IS NULL",
        )
        .bind(name)
        .fetch_one(self.pool())
        .await?;
        if in_effect >= i64::from(MOST) {
            return Ok(ExclusionOutcome::TooMany { most: MOST });
        }
        if draft.rule.is_some() && rules >= i64::from(MOST_RULES) {
            return Ok(ExclusionOutcome::TooManyRules { most: MOST_RULES });
        }
        let rule = draft.rule.as_ref().map(serde_json::to_string).transpose();
        // Programs that do not know rules take one for an exclusion of no time.
        let (end, rule_end) = match &draft.rule {
            Some(_) => (draft.from, Some(column_time(draft.to))),
            None => (draft.to, None),
        };
        let done = sqlx::query(
            "INSERT INTO exclusion (sla, objective, `start`, `end`, rule, rule_end, reason, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(name)
        .bind(draft.objective.as_deref())
        .bind(column_time(draft.from))
        .bind(column_time(end))
        .bind(rule.map_err(unexpected)?)
        .bind(rule_end)
        .bind(&draft.reason)
        .bind(column_time(now))
        .execute(self.pool())
        .await?;
        Ok(ExclusionOutcome::Created(Box::new(Exclusion {
            id: done.last_insert_id(),
            from: draft.from,
            to: draft.to,
            rule: draft.rule.clone().map(Into::into),
            reason: draft.reason.clone(),
            objective: draft.objective.clone(),
            created_at: now,
            deleted_at: None,
        })))
    }

    /// The exclusions of an SLA with ids below `before`, those that were taken back included; `None` if there never was
    /// such an SLA. `during`: those that take some of the time from the first to the second, both inclusive.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn exclusions(
        &self,
        name: &str,
        during: (Option<Timestamp>, Option<Timestamp>),
        limit: u32,
        before: Option<u64>,
    ) -> Result<Option<ExclusionPage>, StoreError> {
        let from = column_time(during.0.unwrap_or(Timestamp::EPOCH));
        let to = column_time(during.1.unwrap_or(Timestamp::MAX));
        let rows = sqlx::query(
            "SELECT id, objective, `start`, `end`, rule, rule_end, reason, created_at, deleted_at FROM exclusion \
             WHERE sla = ? AND id < ? AND COALESCE(rule_end, `end`) > ? AND `start` <= ? AND ? <= ? \
             ORDER BY id DESC LIMIT ?",
        )
        .bind(name)
        .bind(before.unwrap_or(u64::MAX))
        .bind(from)
        .bind(to)
        .bind(from)
        .bind(to)
        .bind(limit + 1)
        .fetch_all(self.pool())
        .await?;
        if rows.is_empty() && !self.sla_existed(name).await? {
            return Ok(None);
        }
        let shown = rows.iter().take(limit as usize);
        Ok(Some(ExclusionPage {
            exclusions: shown.map(exclusion).collect::<Result<_, _>>()?,
            more: rows.len() > limit as usize,
        }))
    }

    /// An exclusion of an SLA, if it has it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn exclusion(&self, name: &str, id: u64) -> Result<Option<Exclusion>, StoreError> {
        let row = sqlx::query(
            "SELECT id, objective, `start`, `end`, rule, rule_end, reason, created_at, deleted_at FROM exclusion \
             WHERE sla = ? AND id = ?",
        )
        .bind(name)
        .bind(id)
        .fetch_optional(self.pool())
        .await?;
        row.as_ref().map(exclusion).transpose()
    }

    /// Takes an exclusion back at `now`, all of it, if it was not before; `None` if the SLA has no such exclusion.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn delete_exclusion(
        &self,
        name: &str,
        id: u64,
        now: Timestamp,
    ) -> Result<Option<Exclusion>, StoreError> {
        sqlx::query(
            "UPDATE exclusion SET deleted_at = ? WHERE sla = ? AND id = ? AND deleted_at IS NULL",
        )
        .bind(column_time(now))
        .bind(name)
        .bind(id)
        .execute(self.pool())
        .await?;
        self.exclusion(name, id).await
    }

    /// Ends an exclusion that recurs: what it takes out before `end` stays. One of which nothing stays is taken back at
    /// `now`. Nothing changes where it ended before, or does not recur. `None` if the SLA has no such exclusion.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn end_exclusion(
        &self,
        name: &str,
        id: u64,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Exclusion>, StoreError> {
        sqlx::query(
            "UPDATE exclusion SET deleted_at = ? WHERE sla = ? AND id = ? AND deleted_at IS NULL \
             AND rule IS NOT NULL AND `start` >= ?",
        )
        .bind(column_time(now))
        .bind(name)
        .bind(id)
        .bind(column_time(end))
        .execute(self.pool())
        .await?;
        sqlx::query(
            "UPDATE exclusion SET rule_end = ? WHERE sla = ? AND id = ? AND deleted_at IS NULL AND rule_end > ?",
        )
        .bind(column_time(end))
        .bind(name)
        .bind(id)
        .bind(column_time(end))
        .execute(self.pool())
        .await?;
        self.exclusion(name, id).await
    }

    /// The time that is taken out of an SLA, as far as an answer at `now` can be about it: occurrences of rules count from
    /// 800 days before to a day after.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn excluded_time(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<ExcludedTime, StoreError> {
        let mut found = self.excluded_times(&[name], now).await?;
        Ok(found.remove(name).unwrap_or_default())
    }

    /// The same of many SLAs, by name; of those that have some.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn excluded_times(
        &self,
        names: &[&str],
        now: Timestamp,
    ) -> Result<HashMap<String, ExcludedTime>, StoreError> {
        let asked = Span {
            start: now - LOOKS_BACK,
            end: now + LOOKS_AHEAD,
        };
        let mut spans = HashMap::<String, Vec<_>>::new();
        for names in names.chunks(SLAS_AT_ONCE) {
            let mut query = QueryBuilder::<MySql>::new(
                "SELECT sla, objective, `start`, `end`, rule, rule_end FROM exclusion FORCE INDEX (PRIMARY) \
                 WHERE deleted_at IS NULL AND sla IN (",
            );
            let mut list = query.separated(", ");
            for name in filled(names) {
                list.push_bind(*name);
            }
            query.push(")");
            for row in query.build().fetch_all(self.pool()).await? {
                let objective = objective(&row)?;
                let (own, rule) = excluded(&row)?;
                let taken_out = match rule {
                    Some(rule) => occurrences(&rule, own, asked),
                    None => vec![own],
                };
                let of_sla = spans.entry(row.try_get("sla")?).or_default();
                of_sla.extend(taken_out.into_iter().map(|span| (objective.clone(), span)));
            }
        }
        let found = spans.into_iter();
        let found = found.map(|(name, spans)| (name, ExcludedTime::of_spans(spans)));
        Ok(found.collect())
    }

    /// Whether there is or was an SLA of that name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sla_existed(&self, name: &str) -> Result<bool, StoreError> {
        let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM sla WHERE name = ? LIMIT 1")
            .bind(name)
            .fetch_optional(self.pool())
            .await?;
        Ok(found.is_some())
    }

    async fn has_objective(&self, name: &str, objective: &str) -> Result<bool, StoreError> {
        let found: Option<i32> = sqlx::query_scalar(
            "SELECT 1 FROM sla s JOIN sla_objective o ON o.sla = s.name AND o.version = s.version \
             WHERE s.name = ? AND o.objective = ? LIMIT 1",
        )
        .bind(name)
        .bind(objective)
        .fetch_optional(self.pool())
        .await?;
        Ok(found.is_some())
    }
}

/// The objective that a row is about, if it is about one alone.
fn objective(row: &MySqlRow) -> Result<Option<ObjectiveId>, StoreError> {
    let id: Option<&str> = row.try_get("objective")?;
    id.map(|id| id.parse().map_err(unexpected)).transpose()
}

/// From when to when an exclusion counts, and its rule if it recurs.
pub(crate) fn excluded(row: &MySqlRow) -> Result<(Span, Option<Recurrence>), StoreError> {
    let rule: Option<&str> = row.try_get("rule")?;
    let rule = rule.map(serde_json::from_str).transpose();
    let rule_end: Option<chrono::NaiveDateTime> = row.try_get("rule_end")?;
    let end = rule_end.map_or_else(|| row.try_get("end"), Ok)?;
    let span = Span {
        start: read_time(row.try_get("start")?),
        end: read_time(end),
    };
    Ok((span, rule.map_err(unexpected)?))
}

fn exclusion(row: &MySqlRow) -> Result<Exclusion, StoreError> {
    let deleted_at: Option<chrono::NaiveDateTime> = row.try_get("deleted_at")?;
    let (span, rule) = excluded(row)?;
    Ok(Exclusion {
        id: row.try_get("id")?,
        from: span.start,
        to: span.end,
        rule: rule.map(Into::into),
        reason: row.try_get("reason")?,
        objective: objective(row)?,
        created_at: read_time(row.try_get("created_at")?),
        deleted_at: deleted_at.map(read_time),
    })
}
