//! Paging over the rows of a table that belong to series: by key, never by counting rows.
//!
//! A page is read in rounds. Each takes the next few series that have rows, in the order of `by_metric`, and joins their
//! rows; most pages take one. What a page costs then depends on the page and not on the table.

use chrono::NaiveDateTime;
use domain::{SeriesId, Timestamp};
use sqlx::{MySql, QueryBuilder, mysql::MySqlRow};

use super::{Page, Selection, column_time};
use crate::{Store, StoreError};

/// A table with rows per series and `as_of`.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// What to read of it, as `t`, after `s.metric`, `s.series_id`, `s.labels` and `t.as_of`.
    pub(super) columns: &'static str,
    /// What else to join to get that.
    pub(super) joins: &'static str,
    /// A number that distinguishes the rows of one series and `as_of`; `None` where there is one row.
    pub(super) ordinal: Option<&'static str>,
    /// How many rows there are of one series and `as_of`.
    pub(super) rows_per_run: u32,
}

/// Where a row stands in a list; the fields are in the order of the lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) metric: String,
    pub(super) series: SeriesId,
    pub(super) as_of: Timestamp,
    /// Among the rows of that series and `as_of`, from 1.
    pub(super) ordinal: u32,
}

/// A row of a list.
pub(super) trait Positioned {
    /// Where it stands.
    fn position(&self) -> Position;
}

impl Store {
    /// The page of `table` after the row at `after`; `ordinal`: of rows with that number alone.
    pub(super) async fn page<R: Positioned>(
        &self,
        table: &Table,
        selection: &Selection,
        ordinal: Option<u32>,
        after: Option<Position>,
        read: impl Fn(&MySqlRow) -> Result<R, StoreError>,
    ) -> Result<Page<R>, StoreError> {
        let wanted = selection.limit + 1;
        let rows_per_run = if ordinal.is_some() {
            1
        } else {
            table.rows_per_run
        };
        let statement = Statement {
            table,
            selection,
            ordinal,
        };
        let fetch = async |mut query: QueryBuilder<MySql>| {
            let rows = query.build().fetch_all(self.pool()).await?;
            let mut rows: Vec<R> = rows.iter().map(&read).collect::<Result<_, StoreError>>()?;
            rows.sort_by_cached_key(Positioned::position);
            Ok::<_, StoreError>(rows)
        };
        let mut rows = Vec::new();
        if let Some(after) = &after
            && (rows_per_run > 1 || !selection.is_one_run())
        {
            rows = fetch(statement.rest_of_series(after, wanted)).await?;
        }
        let mut last = after;
        // One run has so many rows a series; of a span of time the first series may fill the page.
        let mut series = if selection.is_one_run() {
            wanted.div_ceil(rows_per_run)
        } else {
            1
        };
        while rows.len() < wanted as usize {
            let missing = wanted - rows.len() as u32;
            let found = fetch(statement.next_series(last.as_ref(), series, missing)).await?;
            let mut ids: Vec<SeriesId> = found.iter().map(|row| row.position().series).collect();
            ids.dedup();
            let exhausted = ids.len() < series as usize && found.len() < missing as usize;
            last = found.last().map(Positioned::position).or(last);
            rows.extend(found);
            if exhausted {
                break;
            }
            series *= 2;
        }
        Ok(Page::cut(rows, selection.limit))
    }
}

struct Statement<'a> {
    table: &'a Table,
    selection: &'a Selection,
    ordinal: Option<u32>,
}

impl Statement<'_> {
    /// The rows of the series at `after` that come after it.
    fn rest_of_series(&self, after: &Position, limit: u32) -> QueryBuilder<MySql> {
        let mut query = self.beginning();
        // It carries the labels: it was on the page before.
        query
            .push(" WHERE s.series_id = ")
            .push_bind(after.series.to_string());
        self.rows(&mut query);
        query.push(" AND (");
        if !self.selection.is_newest() {
            let as_of = column_time(after.as_of);
            query.push("t.as_of > ").push_bind(as_of);
            query.push(" OR t.as_of = ").push_bind(as_of).push(" AND ");
        }
        query
            .push(self.table.ordinal.unwrap_or("0"))
            .push(" > ")
            .push_bind(after.ordinal);
        query.push(")");
        self.end(&mut query, limit);
        query
    }

    /// The rows of the next `series` series that have any.
    fn next_series(
        &self,
        after: Option<&Position>,
        series: u32,
        limit: u32,
    ) -> QueryBuilder<MySql> {
        let mut query = self.beginning();
        self.selection.push_series_joins(&mut query);
        let after = after.map(|after| (&*after.metric, after.series));
        self.selection.push_series_conditions(&mut query, after);
        query
            .push(" HAVING newest IS NOT NULL ORDER BY s.metric, s.series_id LIMIT ")
            .push_bind(series);
        self.rows(&mut query);
        // The rows of one run are no more than are wanted: sorting them here is twice as fast as having them sorted.
        if !self.selection.is_one_run() {
            self.end(&mut query, limit);
        }
        query
    }

    fn beginning(&self) -> QueryBuilder<MySql> {
        let Table { name, columns, .. } = self.table;
        let mut query = QueryBuilder::new("SELECT s.metric, s.series_id, s.labels, t.as_of, ");
        query.push(columns);
        query
            .push(" FROM (SELECT s.metric, s.series_id, s.labels, (SELECT x.as_of FROM ")
            .push(name);
        query.push(" x WHERE x.series_id = s.series_id");
        self.in_span(&mut query, "x");
        query.push(" ORDER BY x.as_of DESC LIMIT 1) AS newest FROM series s");
        query
    }

    fn rows(&self, query: &mut QueryBuilder<MySql>) {
        let Table {
            name,
            joins,
            ordinal,
            ..
        } = self.table;
        query
            .push(") s JOIN ")
            .push(name)
            .push(" t ON t.series_id = s.series_id");
        if self.selection.is_newest() {
            query.push(" AND t.as_of = s.newest");
        } else {
            self.in_span(query, "t");
        }
        query.push(joins).push(" WHERE TRUE");
        if let Some((column, number)) = ordinal.zip(self.ordinal) {
            query
                .push(" AND ")
                .push(column)
                .push(" = ")
                .push_bind(number);
        }
    }

    fn end(&self, query: &mut QueryBuilder<MySql>, limit: u32) {
        query.push(" ORDER BY s.metric, s.series_id, t.as_of");
        if let Some(column) = self.table.ordinal {
            query.push(", ").push(column);
        }
        query.push(" LIMIT ").push_bind(limit);
    }

    fn in_span(&self, query: &mut QueryBuilder<MySql>, table: &'static str) {
        let (from, to) = self.selection.span();
        query
            .push(" AND ")
            .push(table)
            .push(".as_of <= ")
            .push_bind(to);
        if let Some(from) = from {
            query
                .push(" AND ")
                .push(table)
                .push(".as_of >= ")
                .push_bind(from);
        }
    }
}

impl Selection {
    /// Whether the newest row of each series is meant.
    pub(super) fn is_newest(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether there is at most one `as_of` a series.
    fn is_one_run(&self) -> bool {
        self.from == self.to
    }

    /// The span of `as_of`, both ends inclusive.
    pub(crate) fn span(&self) -> (Option<NaiveDateTime>, NaiveDateTime) {
        let to = self.to.map_or(self.pinned, |to| to.min(self.pinned));
        (self.from.map(column_time), column_time(to))
    }

    /// What to join to the series `s` to find those that carry the labels. Without labels `by_metric` gives the order, so
    /// that no more series are looked at than are asked for.
    pub(super) fn push_series_joins(&self, query: &mut QueryBuilder<MySql>) {
        if self.labels.0.is_empty() {
            query.push(" FORCE INDEX (by_metric)");
        }
        self.push_label_joins(query);
    }

    /// What to join to the series `s` so that those alone are left that carry the labels.
    pub(crate) fn push_label_joins(&self, query: &mut QueryBuilder<MySql>) {
        for (position, label) in self.labels.label_ids().into_iter().enumerate() {
            query.push(format_args!(
                " JOIN series_label l{position} ON l{position}.series_id = s.series_id"
            ));
            query
                .push(format_args!(" AND l{position}.label = "))
                .push_bind(label);
        }
    }

    /// Which series `s` there are: of the metric, after the one of that metric and id.
    pub(super) fn push_series_conditions(
        &self,
        query: &mut QueryBuilder<MySql>,
        after: Option<(&str, SeriesId)>,
    ) {
        query.push(" WHERE TRUE");
        if let Some(metric) = &self.metric {
            query.push(" AND s.metric = ").push_bind(metric.clone());
        }
        if let Some((metric, series)) = after {
            query.push(" AND (s.metric > ").push_bind(metric.to_owned());
            query.push(" OR (s.metric = ").push_bind(metric.to_owned());
            query
                .push(" AND s.series_id > ")
                .push_bind(series.to_string())
                .push("))");
        }
    }
}
