//! The first schema, which had no table that says its version: it is known by its tables.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::MySqlConnection;

/// Each table with its columns and keys.
pub(super) const TABLES: [(&str, &str, &str); 18] = [
    (
        "dead_letter",
        "topic partition offset timestamp stored_at key headers value reason",
        "by_time",
    ),
    (
        "episode",
        "sla objective version series_id side start end start_known ongoing worst worst_infinite",
        "by_start by_end by_series",
    ),
    (
        "exclusion",
        "sla id objective start end reason created_at deleted_at",
        "by_id by_end",
    ),
    (
        "gap",
        "sla objective version series_id start end",
        "by_series",
    ),
    (
        "judged",
        "sla objective version series_id start end as_of",
        "by_series",
    ),
    ("long_arrays", "as_of series_id kind document", ""),
    ("metadata", "series_id as_of document", ""),
    (
        "metrics",
        "series_id as_of window samples min max average std coverage",
        "",
    ),
    (
        "objective_score",
        "sla objective version series_id forecast_as_of as_of probability model_probability base_rate happened",
        "by_time by_series",
    ),
    ("prediction", "series_id as_of min max average document", ""),
    (
        "run",
        "run_id as_of started_at trigger series samples bytes messages document",
        "by_start by_as_of",
    ),
    (
        "score",
        "series_id forecast_as_of as_of model reason steps observed inside_band min_inside max_inside \
         average_inside pinball mae mae_last_value pinball_climatology span",
        "by_run by_span",
    ),
    (
        "series",
        "series_id metric labels unit first_seen last_seen thinned_until",
        "by_metric by_thinning",
    ),
    ("series_label", "label series_id", ""),
    ("sla", "name version created_at retired_at", "by_retirement"),
    (
        "sla_objective",
        "sla version position objective metric document",
        "by_objective",
    ),
    ("thinning", "table_name thinned_until", ""),
    (
        "violation",
        "sla version objective as_of series_id state document",
        "by_version by_time",
    ),
];

/// The tables of a database: by name the columns, then the keys.
type Shape = BTreeMap<String, BTreeSet<String>>;

/// What a database without a version is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unversioned {
    /// It has no tables.
    Empty,
    /// It has those of version 1, and perhaps more.
    First,
    /// It has others; why it is not version 1.
    Unknown(String),
}

/// Looks at the tables of the database that `connection` has chosen.
pub(super) async fn look(connection: &mut MySqlConnection) -> Result<Unversioned, sqlx::Error> {
    let names: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT CAST(table_name AS BINARY), CAST(column_name AS BINARY) \
         FROM information_schema.columns WHERE table_schema = DATABASE() \
         UNION SELECT CAST(table_name AS BINARY), CAST(index_name AS BINARY) \
         FROM information_schema.statistics WHERE table_schema = DATABASE()",
    )
    .fetch_all(connection)
    .await?;
    let mut shape = Shape::new();
    for (table, name) in names {
        let table = String::from_utf8_lossy(&table).into_owned();
        let name = String::from_utf8_lossy(&name).into_owned();
        shape.entry(table).or_default().insert(name);
    }
    // What an interrupted first step leaves.
    shape.remove("schema_version");
    Ok(compare(&shape))
}

fn compare(shape: &Shape) -> Unversioned {
    if shape.is_empty() {
        return Unversioned::Empty;
    }
    for (table, columns, keys) in TABLES {
        let Some(found) = shape.get(table) else {
            return Unversioned::Unknown(format!("it has tables, but not `{table}`"));
        };
        let mut wanted = columns.split_whitespace().chain(keys.split_whitespace());
        if let Some(missing) = wanted.find(|name| !found.contains(*name)) {
            return Unversioned::Unknown(format!("`{table}` lacks `{missing}`"));
        }
    }
    Unversioned::First
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> Shape {
        let names = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        TABLES
            .into_iter()
            .map(|(table, columns, keys)| {
                let all = names(columns).into_iter().chain(names(keys));
                (table.to_owned(), all.collect())
            })
            .collect()
    }

    #[test]
    fn a_database_of_version_1_may_have_more_tables_but_lacks_none() {
        assert_eq!(compare(&Shape::new()), Unversioned::Empty);
        let mut shape = first();
        assert_eq!(compare(&shape), Unversioned::First);
        shape.insert("mine".to_owned(), BTreeSet::new());
        assert_eq!(compare(&shape), Unversioned::First);
        shape.get_mut("score").unwrap().remove("span");
        assert_eq!(
            compare(&shape),
            Unversioned::Unknown("`score` lacks `span`".to_owned())
        );
        shape.remove("gap");
        assert_eq!(
            compare(&shape),
            Unversioned::Unknown("it has tables, but not `gap`".to_owned())
        );
    }
}
