//! `episode`, `gap` and `judged`: the evaluations of an objective on a series, joined.

mod load;
mod rows;

use std::collections::BTreeMap;

use domain::{
    Span, Timestamp,
    evaluation::{Changes, Evaluated, Side},
    message::{Replayed, ViolationsDocument},
};
use sqlx::MySqlConnection;

use super::{
    document::{Document, Entry},
    upsert::upsert,
};
use crate::{StoreError, read::column_time};
use load::load;
use rows::{EpisodeRow, GapRow, JudgedRow};

/// Whose history it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Owner<'a> {
    sla: &'a str,
    objective: &'a str,
    version: u32,
    series_id: &'a str,
}

/// Joins the batch's evaluations to what is stored, objective by objective in the order they came.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    let evaluations = by_owner(entries);
    let before = load(connection, &evaluations).await?;
    let (mut episodes, mut gaps, mut judged) = (Vec::new(), Vec::new(), Vec::new());
    for ((owner, steps), before) in evaluations.iter().zip(before) {
        let mut after = before.clone();
        for step in steps {
            match step {
                Step::Reopen(span) => after.reopen(*span),
                Step::Record(document) => after.record(&Evaluated::from(*document)),
                Step::Join(document, end) => {
                    if after.judged.iter().any(|span| span.start == *end) {
                        after.record(&Evaluated::from(*document));
                    }
                }
            }
        }
        let changes = Changes::between(&before, &after);
        delete(connection, owner, &changes).await?;
        episodes.extend(changes.episodes.into_iter().map(|episode| EpisodeRow {
            owner: *owner,
            episode,
        }));
        gaps.extend(
            changes
                .gaps
                .into_iter()
                .map(|gap| GapRow { owner: *owner, gap }),
        );
        judged.extend(changes.judged.into_iter().map(|span| JudgedRow {
            owner: *owner,
            span,
        }));
    }
    upsert(connection, episodes).await?;
    upsert(connection, gaps).await?;
    upsert(connection, judged).await
}

type Evaluations<'a> = BTreeMap<Owner<'a>, Vec<Step<'a>>>;

/// What happens to a history.
#[derive(Debug)]
enum Step<'a> {
    /// A replay judges a span again.
    Reopen(Span),
    /// An evaluation is taken in.
    Record(&'a ViolationsDocument),
    /// An evaluation that sees beyond the end of what is judged again is taken in if something is judged from there on.
    Join(&'a ViolationsDocument, Timestamp),
}

impl Step<'_> {
    /// The time that it is about.
    fn span(&self) -> Span {
        match self {
            Self::Reopen(span) => *span,
            Self::Record(document) | Self::Join(document, _) => Span {
                start: document.judged.start,
                end: document.judged.end.max(document.as_of),
            },
        }
    }
}

/// The time that the steps of one history are about.
fn reach(steps: &[Step<'_>]) -> Option<(Timestamp, Timestamp)> {
    let spans = || steps.iter().map(Step::span);
    let start = spans().map(|span| span.start).min()?;
    let end = spans().map(|span| span.end).max()?;
    Some((start, end))
}

fn by_owner<'a>(entries: &'a [Entry<'_>]) -> Evaluations<'a> {
    let mut evaluations = Evaluations::new();
    for entry in entries {
        match entry.document {
            Document::Violations(document) if document.series.is_some() => {
                let owner = Owner::of(document, &entry.series_id);
                let steps = evaluations.entry(owner).or_default();
                steps.push(Step::Record(document));
            }
            Document::Replay(document) => {
                let Replayed::Judged(piece) = &document.found else {
                    continue;
                };
                let Some(first) = piece.evaluations.first() else {
                    continue;
                };
                let owner = Owner::of(first, &entry.series_id);
                let steps = evaluations.entry(owner).or_default();
                steps.extend(document.replace.then_some(Step::Reopen(piece.span)));
                let end = piece.span.end;
                steps.extend(piece.evaluations.iter().map(|evaluation| {
                    if evaluation.as_of > end {
                        Step::Join(evaluation, end)
                    } else {
                        Step::Record(evaluation)
                    }
                }));
            }
            _ => {}
        }
    }
    evaluations
}

impl<'a> Owner<'a> {
    fn of(document: &'a ViolationsDocument, series_id: &'a str) -> Self {
        Self {
            sla: &document.sla,
            objective: &document.objective.id,
            version: document.version,
            series_id,
        }
    }
}

/// Few rows ever vanish: one statement each.
async fn delete(
    connection: &mut MySqlConnection,
    owner: &Owner<'_>,
    changes: &Changes,
) -> Result<(), StoreError> {
    for (side, start) in &changes.deleted_episodes {
        owned(
            "DELETE FROM episode WHERE sla = ? AND objective = ? AND version = ? \
             AND series_id = ? AND side = ? AND `start` = ?",
            owner,
        )
        .bind(side_name(*side))
        .bind(column_time(*start))
        .execute(&mut *connection)
        .await?;
    }
    for start in &changes.deleted_gaps {
        owned(
            "DELETE FROM gap WHERE sla = ? AND objective = ? AND version = ? \
             AND series_id = ? AND `start` = ?",
            owner,
        )
        .bind(column_time(*start))
        .execute(&mut *connection)
        .await?;
    }
    for start in &changes.deleted_judged {
        owned(
            "DELETE FROM judged WHERE sla = ? AND objective = ? AND version = ? \
             AND series_id = ? AND `start` = ?",
            owner,
        )
        .bind(column_time(*start))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn owned<'q>(
    statement: &'static str,
    owner: &Owner<'_>,
) -> sqlx::query::Query<'q, sqlx::MySql, sqlx::mysql::MySqlArguments> {
    sqlx::query(statement)
        .bind(owner.sla.to_owned())
        .bind(owner.objective.to_owned())
        .bind(owner.version)
        .bind(owner.series_id.to_owned())
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Below => "below",
        Side::Above => "above",
    }
}
