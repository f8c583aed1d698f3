//! Slices of events: those of a minute for 3 days, of 5 minutes for 40 days, of an hour and of a day for 400 days. Where an
//! exclusion or the start of a calendar's period cuts an hour, what is there of it at the end of such a term stays for 400
//! days.

use std::time::Duration;

use chrono::NaiveDateTime;
use domain::{
    Span,
    sla::{BudgetWindow, EventsObjective, occurrences},
};
use sqlx::{Connection, MySql, MySqlConnection, QueryBuilder, Row as _, Transaction};

use super::{Budget, Cutoffs};
use crate::{
    StoreError,
    read::read_time,
    sla::excluded,
    slices::{Counted, Length},
};

/// How many hours are looked for at once.
const AT_ONCE: u32 = 100;
/// A look at an hour takes as long as deleting so many rows.
const LOOK: u64 = 5;

pub(super) async fn purge(
    connection: &mut MySqlConnection,
    cutoffs: &Cutoffs,
    budget: &mut Budget,
) -> Result<(), StoreError> {
    for (finest, next, before) in [
        (Length::Minute, Length::FiveMinutes, cutoffs.minutes),
        (Length::FiveMinutes, Length::Hour, cutoffs.five_minutes),
    ] {
        let old = Old {
            kept: false,
            finest,
            before,
        };
        while !budget.is_spent() {
            let hours = old.find(connection).await?;
            if hours.is_empty() {
                break;
            }
            for hour in hours {
                if budget.is_spent() {
                    break;
                }
                budget.look(LOOK);
                if hour.is_cut_by_a_period(connection).await?
                    || hour.is_cut_by_an_exclusion(connection).await?
                {
                    hour.keep(connection).await?;
                } else {
                    budget.delete(hour.shorten(connection, finest, next).await?);
                }
            }
        }
    }
    for (kept, finest) in [
        (false, Length::Hour),
        (false, Length::Day),
        (true, Length::Minute),
        (true, Length::FiveMinutes),
    ] {
        let old = Old {
            kept,
            finest,
            before: cutoffs.sums,
        };
        while !budget.is_spent() {
            let hours = old.find(connection).await?;
            if hours.is_empty() {
                break;
            }
            for hour in hours {
                if budget.is_spent() {
                    break;
                }
                budget.look(LOOK);
                budget.delete(hour.forget(connection, finest).await?);
            }
        }
    }
    Ok(())
}

/// Which hours, or days, are old.
struct Old {
    kept: bool,
    /// The length of the finest rows that are kept of them.
    finest: Length,
    before: NaiveDateTime,
}

impl Old {
    /// The oldest of them. What is due is left: it is not added up yet.
    async fn find(&self, connection: &mut MySqlConnection) -> Result<Vec<Hour>, StoreError> {
        let rows: Vec<(String, String, String, u32, NaiveDateTime)> = sqlx::query_as(
            "SELECT sla, objective, definition, length, `end` FROM slice_roll_up FORCE INDEX (by_age) \
             WHERE kept = ? AND finest = ? AND `end` < ? AND due IS NULL ORDER BY `end` LIMIT ?",
        )
        .bind(self.kept)
        .bind(self.finest.seconds())
        .bind(self.before)
        .bind(AT_ONCE)
        .fetch_all(connection)
        .await?;
        let hour = |(sla, objective, definition, length, end)| {
            Some(Hour {
                sla,
                objective,
                definition,
                length: Length::of_seconds(length)?,
                end,
            })
        };
        Ok(rows.into_iter().filter_map(hour).collect())
    }
}

/// An hour, or a day, of an objective.
#[derive(Debug)]
struct Hour {
    sla: String,
    objective: String,
    definition: String,
    length: Length,
    end: NaiveDateTime,
}

impl Hour {
    fn start(&self) -> NaiveDateTime {
        self.end - self.length.duration()
    }

    fn push(&self, query: &mut QueryBuilder<MySql>) {
        let counted = Counted {
            sla: &self.sla,
            objective: &self.objective,
            definition: &self.definition,
        };
        counted.push(query);
    }

    /// Whether a period of its objective's calendar starts within it. The newest version says which calendar that is.
    async fn is_cut_by_a_period(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT document FROM sla_objective WHERE sla = ? AND objective = ? ORDER BY version DESC LIMIT 1",
        )
        .bind(&self.sla)
        .bind(&self.objective)
        .fetch_optional(connection)
        .await?;
        let Some(row) = row else { return Ok(false) };
        // JSON on MySQL, a text on MariaDB: both are read as text.
        let document: &str = row.try_get_unchecked(0)?;
        let objective: Option<EventsObjective> = serde_json::from_str(document).ok();
        let Some(BudgetWindow::Calendar(calendar)) = objective.map(|own| own.budget_window) else {
            return Ok(false);
        };
        let last = read_time(self.end) - Duration::from_millis(1);
        Ok(calendar.period(last).start > read_time(self.start()))
    }

    /// Whether an exclusion that is in force leaves out some of its slices, those included that reach back into it, and
    /// perhaps not all.
    async fn is_cut_by_an_exclusion(
        &self,
        connection: &mut MySqlConnection,
    ) -> Result<bool, StoreError> {
        let mut query = QueryBuilder::new("SELECT MIN(reach) FROM slice WHERE ");
        self.push(&mut query);
        query
            .push(" AND length = ")
            .push_bind(Length::Hour.seconds())
            .push(" AND `end` = ")
            .push_bind(self.end);
        let reach: Option<NaiveDateTime> = query
            .build_query_scalar()
            .fetch_one(&mut *connection)
            .await?;
        let start = self.start();
        let reach = reach.map_or(start, |reach| reach.min(start));
        let rows = sqlx::query(
            "SELECT `start`, `end`, rule, rule_end FROM exclusion WHERE sla = ? AND (objective IS NULL OR objective = ?) \
             AND deleted_at IS NULL AND `start` < ? AND COALESCE(rule_end, `end`) > ? \
             AND (rule IS NOT NULL OR NOT (`start` <= ? AND `end` >= ?))",
        )
        .bind(&self.sla)
        .bind(&self.objective)
        .bind(self.end)
        .bind(reach)
        .bind(start)
        .bind(self.end)
        .fetch_all(connection)
        .await?;
        let hour = Span {
            start: read_time(start),
            end: read_time(self.end),
        };
        let touched = Span {
            start: read_time(reach),
            ..hour
        };
        for row in &rows {
            let (own, rule) = excluded(row)?;
            let cuts = |span: &Span| span.start > hour.start || span.end < hour.end;
            if rule.is_none_or(|rule| occurrences(&rule, own, touched).iter().any(cuts)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn keep(&self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        let mut query = QueryBuilder::new("UPDATE slice_roll_up SET kept = 1 WHERE ");
        self.push_own(&mut query);
        query.build().execute(connection).await?;
        Ok(())
    }

    /// Deletes its finest rows, unless some of them were stored again. Returns how many. All of it at once, at most 30,000
    /// rows: who reads takes none of a length of which some are gone.
    async fn shorten(
        &self,
        connection: &mut MySqlConnection,
        finest: Length,
        next: Length,
    ) -> Result<u64, StoreError> {
        let mut transaction = begin(connection).await?;
        let mut query = QueryBuilder::new("UPDATE slice_roll_up SET finest = ");
        query.push_bind(next.seconds()).push(" WHERE ");
        self.push_own(&mut query);
        query.push(" AND due IS NULL");
        let done = query.build().execute(&mut *transaction).await?;
        let mut rows = 0;
        if done.rows_affected() > 0 {
            rows = self.delete(&mut transaction, finest).await?;
        }
        transaction.commit().await?;
        Ok(rows)
    }

    /// `…` that selects its row of `slice_roll_up`.
    fn push_own(&self, query: &mut QueryBuilder<MySql>) {
        self.push(query);
        query
            .push(" AND length = ")
            .push_bind(self.length.seconds());
        query.push(" AND `end` = ").push_bind(self.end);
    }

    async fn delete(
        &self,
        connection: &mut MySqlConnection,
        length: Length,
    ) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::new("DELETE FROM slice WHERE ");
        self.push(&mut query);
        query
            .push(" AND length = ")
            .push_bind(length.seconds())
            .push(" AND `end` > ")
            .push_bind(self.start())
            .push(" AND `end` <= ")
            .push_bind(self.end);
        let done = query.build().execute(connection).await?;
        Ok(done.rows_affected())
    }

    /// Deletes it with all of its rows, unless some of them were stored again. Returns how many rows went.
    async fn forget(
        &self,
        connection: &mut MySqlConnection,
        finest: Length,
    ) -> Result<u64, StoreError> {
        let mut transaction = begin(connection).await?;
        let mut query = QueryBuilder::new("DELETE FROM slice_roll_up WHERE ");
        self.push_own(&mut query);
        query.push(" AND due IS NULL");
        let mut rows = query
            .build()
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if rows > 0 {
            let lengths = Length::ALL.into_iter();
            for length in lengths.filter(|length| *length >= finest && *length <= self.length) {
                rows += self.delete(&mut transaction, length).await?;
            }
        }
        transaction.commit().await?;
        Ok(rows)
    }
}

/// Without locks on the gaps between rows, nobody who stores waits.
async fn begin(connection: &mut MySqlConnection) -> Result<Transaction<'_, MySql>, StoreError> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        .execute(&mut *connection)
        .await?;
    Ok(connection.begin().await?)
}
