//! `series` and `series_label`.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDateTime;
use domain::{
    Timestamp, Window,
    message::{Replayed, SeriesReference},
};
use sqlx::{
    Arguments, MySql, MySqlConnection, QueryBuilder, error::BoxDynError, mysql::MySqlArguments,
};

use super::{
    document::{Document, Entry},
    upsert::{Row, upsert},
};
use crate::{StoreError, read::column_time, retention::hour_of};

/// Writes the series that the documents are about, and the labels of those that are new.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let mut rows = BTreeMap::<&str, SeriesRow<'_>>::new();
    for entry in entries {
        if let Some(row) = SeriesRow::of(entry) {
            rows.entry(row.id)
                .and_modify(|earlier| earlier.merge(&row))
                .or_insert(row);
        }
    }
    let known = known(connection, &rows.keys().copied().collect::<Vec<_>>()).await?;
    let labels = rows
        .values()
        .filter(|row| !known.contains(row.id))
        .flat_map(LabelRow::all_of)
        .collect();
    upsert(connection, rows.into_values().collect()).await?;
    upsert(connection, labels).await
}

/// Which of the series are there already, with all of their labels. Locks their rows: a purge does not delete them in
/// between. The index is forced because a scan of the table would wait for the rows of other batches.
async fn known(
    connection: &mut MySqlConnection,
    ids: &[&str],
) -> Result<HashSet<String>, StoreError> {
    let mut known = HashSet::with_capacity(ids.len());
    for ids in ids.chunks(AT_ONCE) {
        // Filled up to a power of two, so that there are few different statements and all of them stay prepared.
        let filled = ids.len().next_power_of_two();
        let mut query = QueryBuilder::<MySql>::new(
            "SELECT series_id FROM series FORCE INDEX (PRIMARY) WHERE series_id IN (",
        );
        let mut list = query.separated(",");
        for id in ids.iter().cycle().take(filled) {
            list.push_bind(*id);
        }
        query.push(") FOR UPDATE");
        let found: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&mut *connection)
            .await?;
        known.extend(found);
    }
    Ok(known)
}

/// How many series are asked for by one statement.
const AT_ONCE: usize = 512;

#[derive(Debug)]
struct SeriesRow<'a> {
    id: &'a str,
    reference: &'a SeriesReference,
    first_seen: NaiveDateTime,
    last_seen: NaiveDateTime,
    thinned_until: NaiveDateTime,
}

impl<'a> SeriesRow<'a> {
    fn of(entry: &'a Entry<'_>) -> Option<Self> {
        let reference = entry.document.series()?;
        let (first_seen, last_seen) = seen(entry.document);
        Some(Self {
            id: &entry.series_id,
            reference,
            first_seen: column_time(first_seen),
            last_seen: column_time(last_seen),
            thinned_until: hour_of(entry.as_of),
        })
    }

    fn merge(&mut self, later: &Self) {
        if later.last_seen >= self.last_seen {
            self.reference = later.reference;
        }
        self.first_seen = self.first_seen.min(later.first_seen);
        self.last_seen = self.last_seen.max(later.last_seen);
        self.thinned_until = self.thinned_until.min(later.thinned_until);
    }
}

/// The first and the last sample that a document proves there is, at the latest and at the earliest. Only the
/// summaries say exactly: of the rest, each has a sample in the range it looked at.
fn seen(document: &Document) -> (Timestamp, Timestamp) {
    let as_of = document.as_of();
    match document {
        Document::Metrics(metrics) => (metrics.first_sample, metrics.last_sample),
        Document::Violations(violations) => (as_of, violations.judged.start),
        Document::Replay(replay) => match &replay.found {
            Replayed::Judged(piece) => {
                let starts = piece.evaluations.iter().map(|one| one.judged.start);
                (as_of, starts.max().unwrap_or(as_of))
            }
            Replayed::Described(piece) => {
                let ends = piece.buckets.iter().map(|bucket| bucket.end);
                (as_of, ends.max().unwrap_or(as_of))
            }
            Replayed::Counted(_) | Replayed::Done(_) => (as_of, as_of),
        },
        // The forecast is not made without a sample; the run that scores it may see none.
        Document::Score(score) => (
            score.forecast_as_of,
            score.forecast_as_of - Window::TwelveHours.length(),
        ),
        _ => (as_of, as_of - Window::TwelveHours.length()),
    }
}

impl<'a> Row for SeriesRow<'a> {
    const INTO: &'static str = "INSERT INTO series \
        (series_id, metric, labels, unit, first_seen, last_seen, thinned_until) VALUES";
    const COLUMNS: usize = 7;
    // Assignments see those before them: `unit` has to look at `last_seen` as it was.
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE \
        unit = IF(VALUES(last_seen) >= last_seen, VALUES(unit), unit), \
        first_seen = LEAST(first_seen, VALUES(first_seen)), \
        last_seen = GREATEST(last_seen, VALUES(last_seen)), \
        thinned_until = LEAST(thinned_until, VALUES(thinned_until))";
    type Key = &'a str;

    fn key(&self) -> &'a str {
        self.id
    }

    fn bytes(&self) -> usize {
        let labels = self.reference.labels.0.iter();
        // As JSON a byte may take six.
        labels
            .map(|(name, value)| 6 * (name.len() + value.len()))
            .sum::<usize>()
            + self.reference.metric.len()
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.id)?;
        arguments.add(self.reference.metric.as_str())?;
        arguments.add(serde_json::to_string(&self.reference.labels)?)?;
        arguments.add(self.reference.unit.as_deref())?;
        arguments.add(self.first_seen)?;
        arguments.add(self.last_seen)?;
        arguments.add(self.thinned_until)
    }
}

#[derive(Debug)]
struct LabelRow<'a> {
    label: String,
    series_id: &'a str,
}

impl<'a> LabelRow<'a> {
    fn all_of(series: &SeriesRow<'a>) -> Vec<Self> {
        let ids = series.reference.labels.label_ids().into_iter();
        ids.map(|label| Self {
            label,
            series_id: series.id,
        })
        .collect()
    }
}

impl<'a> Row for LabelRow<'a> {
    const INTO: &'static str = "INSERT INTO series_label (label, series_id) VALUES";
    const COLUMNS: usize = 2;
    const OTHERWISE: &'static str = "ON DUPLICATE KEY UPDATE label = VALUES(label)";
    type Key = (String, &'a str);

    fn key(&self) -> Self::Key {
        (self.label.clone(), self.series_id)
    }

    fn bind(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        arguments.add(self.label.as_str())?;
        arguments.add(self.series_id)
    }
}
