//! `episode`, `gap` and `judged`: the evaluations of an objective on a series, joined.

mod load;
mod rows;

use std::collections::BTreeMap;

use domain::{
    evaluation::{Changes, Evaluated, Side},
    message::ViolationsDocument,
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
    for ((owner, documents), before) in evaluations.iter().zip(before) {
        let mut after = before.clone();
        for document in documents {
            after.record(&Evaluated::from(*document));
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

type Evaluations<'a> = BTreeMap<Owner<'a>, Vec<&'a ViolationsDocument>>;

fn by_owner<'a>(entries: &'a [Entry<'_>]) -> Evaluations<'a> {
    let mut evaluations = Evaluations::new();
    for entry in entries {
        if let Document::Violations(document) = entry.document
            && document.series.is_some()
        {
            let owner = Owner {
                sla: &document.sla,
                objective: &document.objective.id,
                version: document.version,
                series_id: &entry.series_id,
            };
            evaluations.entry(owner).or_default().push(document);
        }
    }
    evaluations
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
