//! What was set aside, as the database's own program writes tables.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use reqwest::Url;
use tokio::process::Command;

use super::record::Place;
use crate::command::{on_path, run};

const PATIENCE: Duration = Duration::from_secs(120);
const TABLE: &str = "dead_letter";

/// Where on the topic the records were that were set aside.
///
/// # Errors
/// When the program is not there, or cannot read the table.
pub(super) async fn read(database_url: &str) -> Result<BTreeSet<Place>> {
    let program = on_path(&["mariadb-dump", "mysqldump"])
        .context("neither mariadb-dump nor mysqldump is on PATH: the database's client has it")?;
    let url = Url::parse(database_url).context("reading the database's address")?;
    let mut command = Command::new(program);
    command
        .arg("--no-defaults")
        .arg(format!("--host={}", url.host_str().unwrap_or("127.0.0.1")))
        .arg(format!("--port={}", url.port().unwrap_or(3306)))
        .arg(format!("--user={}", url.username()))
        .env("MYSQL_PWD", url.password().unwrap_or_default())
        .args([
            "--protocol=tcp",
            "--no-create-info",
            "--compact",
            "--hex-blob",
        ])
        .args(["--single-transaction", "--skip-extended-insert"])
        .args([url.path().trim_start_matches('/'), TABLE]);
    let text = run(&mut command, PATIENCE).await?;
    Ok(text.lines().filter_map(place).collect())
}

/// A line for each row, its columns in the table's order: topic, partition, offset.
fn place(line: &str) -> Option<Place> {
    let (_, values) = line.split_once("VALUES (")?;
    let mut values = values.split(',').skip(1);
    let partition = values.next()?.parse().ok()?;
    let offset = values.next()?.parse().ok()?;
    Some((partition, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_place_on_the_topic() {
        let line = "INSERT INTO `dead_letter` VALUES ('prometheusdata',3,1204,1796,'2026-11-30 07:04:21.000',NULL,'[]',0x7B,'not JSON');";
        assert_eq!(place(line), Some((3, 1204)));
        assert_eq!(place("/*!40000 ALTER TABLE */;"), None);
    }
}
