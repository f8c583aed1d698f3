//! How the database answers: the statements that some work makes it run, as it ran them, and what its optimizer says of
//! each.

use std::{collections::HashMap, time::Duration};

use domain::{Timestamp, message::Kind, sla::ExclusionDraft};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row, mysql::MySqlRow};

use super::{Documents, TestDatabase, execute_apart, recorded};
use crate::{Store, connect, pipeline::Document, sla::Condition};

/// A database in which no table is small: there a statement that reads a whole table is seen.
#[derive(Debug)]
pub struct CrowdedDatabase {
    database: TestDatabase,
    /// Whether the server counts the rows it reads: MariaDB does.
    counts: bool,
}

const MANY: u64 = 1_200;
/// Of how many SLAs, `other-0` and the next, events were counted.
const COUNTED: u64 = 150;
const METRICS: [&str; 6] = [
    "availableMem",
    "cpuTemp",
    "cpuUsage",
    "disk",
    "networkThroughput",
    "totProcesses",
];
/// Statements that differ in their values alone are explained so often at most.
const MOST_ALIKE: u32 = 20;
/// How long to wait for others who use the server's general log.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Fewer rows than any table has.
const FEW: f64 = 300.0;
const TABLES: &str = "series, series_label, metrics, metadata, prediction, long_arrays, violation, evaluation, \
    episode, gap, judged, score, objective_score, run, sla, sla_objective, exclusion, slice, slice_group, \
    slice_roll_up, history";

impl CrowdedDatabase {
    /// Makes it, with the SLA `demo` of many objectives, each of which was evaluated at [`CrowdedDatabase::newest`].
    ///
    /// # Panics
    /// When the database does not do what it is asked.
    pub async fn create() -> Self {
        let database = TestDatabase::create().await;
        let store = database.store();
        let abouts: Vec<Documents> = (0..MANY)
            .map(|number| {
                let metric = METRICS[number as usize % METRICS.len()];
                Documents::about(metric, &format!("host{number}"))
            })
            .collect();
        let objectives: Vec<_> = abouts.iter().map(Documents::objective).collect();
        let created = Self::newest() - Duration::from_secs(3_600);
        for name in std::iter::once("demo".to_owned())
            .chain((0..MANY).map(|number| format!("other-{number}")))
        {
            let objectives = match name.as_str() {
                "demo" => &objectives[..],
                _ => &objectives[..1],
            };
            let change = store.put_sla(&name, objectives, &Condition::Any, created);
            change.await.expect("an SLA is stored");
        }
        for number in 0..MANY {
            let draft = ExclusionDraft {
                from: created,
                to: Self::newest(),
                rule: None,
                reason: "upgrade".to_owned(),
                objective: None,
            };
            let name = format!("other-{}", number % 50);
            let made = store.create_exclusion(&name, &draft, created);
            made.await.expect("an exclusion is stored");
        }
        for age in [30, 0] {
            let as_of = Self::newest() - Duration::from_secs(age);
            for abouts in abouts.chunks(200) {
                let documents: Vec<Document> = abouts
                    .iter()
                    .flat_map(|about| {
                        let kinds = Kind::ALL.into_iter();
                        let kinds =
                            kinds.filter(|kind| !matches!(kind, Kind::Slices | Kind::Replay));
                        kinds.map(move |kind| document(about, kind, as_of))
                    })
                    .collect();
                store
                    .store_batch(&documents, &[])
                    .await
                    .expect("documents are stored");
            }
        }
        let runs = (0..MANY)
            .map(|number| abouts[0].run(Self::newest() - Duration::from_secs(30 * number)));
        store
            .store_batch(&runs.collect::<Vec<_>>(), &[])
            .await
            .expect("runs are stored");
        let slices = (0..COUNTED).map(|number| {
            let about = abouts[number as usize].clone();
            about
                .under(&format!("other-{number}"))
                .slices(Self::newest())
        });
        let slices = recorded(slices);
        let stored = store.store_batch(&slices, &[]).await;
        stored.expect("slices are stored");
        execute(&database, &format!("ANALYZE TABLE {TABLES}")).await;
        let version = execute(&database, "SELECT VERSION() AS text").await;
        let counts = text(&version[0], "text").is_some_and(|version| version.contains("MariaDB"));
        Self { database, counts }
    }

    /// What asks the server how it answers a statement. Counting means doing it, so only what changes nothing is counted.
    fn verb(&self, statement: &str) -> &'static str {
        if self.counts && statement.starts_with("SELECT") && !statement.ends_with("FOR UPDATE") {
            "ANALYZE"
        } else {
            "EXPLAIN"
        }
    }

    /// When the newest evaluation was.
    ///
    /// # Panics
    /// Never.
    pub fn newest() -> Timestamp {
        "2026-11-23T08:45:00Z".parse().expect("a time")
    }

    /// The database.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// What `work` makes with the store it is given, and how many statements it made the database run.
    ///
    /// # Panics
    /// With every statement that reads a whole table or index, and when the database does not say what it ran: that
    /// takes a user who may switch its general log on.
    pub async fn answer_by_index<T>(&self, work: impl AsyncFnOnce(Store) -> T) -> (T, usize) {
        self.delete_by_index(self, work).await
    }

    /// The same of work that leaves less than it finds: what its statements read is asked of the `untouched` database.
    ///
    /// # Panics
    /// As [`CrowdedDatabase::answer_by_index`].
    pub async fn delete_by_index<T>(
        &self,
        untouched: &Self,
        work: impl AsyncFnOnce(Store) -> T,
    ) -> (T, usize) {
        let (made, statements) = self.database.statements(work).await;
        let mut scans = String::new();
        let mut alike = HashMap::new();
        for statement in &statements {
            let times: &mut u32 = alike.entry(shape(statement)).or_default();
            *times += 1;
            if *times > MOST_ALIKE {
                continue;
            }
            for line in execute(
                &untouched.database,
                &format!("{} {statement}", self.verb(statement)),
            )
            .await
            {
                let step = Step::read(&line);
                // What stops after a few rows is seen where they are counted, not where they are estimated.
                let may_stop = !self.counts && statement.contains(" LIMIT ");
                if step.is_scan() && !(step.access == "index" && may_stop) {
                    scans += &format!("{step:?} of {statement}\n");
                }
            }
        }
        assert!(scans.is_empty(), "these read a whole table:\n{scans}");
        (made, statements.len())
    }
}

impl TestDatabase {
    /// A connection that has the server's general log to itself until it is closed.
    async fn turn_to_log(&self) -> MySqlConnection {
        let connection = MySqlConnection::connect_with(&self.server).await;
        let mut connection = connection.expect("the database answers");
        let locked: Option<i64> = sqlx::query_scalar("SELECT GET_LOCK('slacast.general_log', ?)")
            .bind(LONGEST_WAIT.as_secs())
            .fetch_one(&mut connection)
            .await
            .expect("the database answers");
        assert_eq!(locked, Some(1), "others use the general log all the time");
        connection
    }

    /// What `work` makes with a store of its own, and the different statements that it made the database run, with their
    /// values.
    ///
    /// # Panics
    /// When the database does not say what it ran: that takes a user who may switch its general log on.
    pub async fn statements<T>(&self, work: impl AsyncFnOnce(Store) -> T) -> (T, Vec<String>) {
        // The log is the server's: whoever else needs it waits until it is set back.
        let turn = self.turn_to_log().await;
        // Whoever turned it on already shall find it on.
        let before = execute(
            self,
            "SELECT CONCAT('SET GLOBAL general_log = ', @@GLOBAL.general_log, \
             ', GLOBAL log_output = ''', @@GLOBAL.log_output, '''') AS text",
        )
        .await;
        let restore = Restore {
            database: self,
            statement: text(&before[0], "text").unwrap_or_default(),
        };
        execute(
            self,
            "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1",
        )
        .await;
        let begun = execute(self, "SELECT CAST(NOW(6) AS CHAR) AS text").await;
        let begun = text(&begun[0], "text").unwrap_or_default();
        // The log has the values of those statements alone that are prepared while it is on.
        let store = connect(self.url()).expect("the database's URL");
        let made = work(store.clone()).await;
        let rows = execute(
            self,
            &format!(
                "SELECT DISTINCT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log \
                 WHERE command_type = 'Execute' AND event_time >= '{begun}' AND thread_id IN \
                 (SELECT id FROM information_schema.processlist WHERE db = DATABASE())"
            ),
        )
        .await;
        drop((restore, store));
        drop(turn);
        let statements = rows.iter().filter_map(|row| text(row, "text"));
        let explained = ["SELECT", "UPDATE", "DELETE"];
        let statements =
            statements.filter(|statement| explained.iter().any(|verb| statement.starts_with(verb)));
        (made, statements.collect())
    }
}

/// A statement without its values.
fn shape(statement: &str) -> String {
    let mut shape = String::new();
    let mut quoted = false;
    for c in statement.chars() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted || c.is_ascii_digit() => {}
            _ => shape.push(c),
        }
    }
    shape
}

/// The document of a kind, violations with one that is over.
fn document(about: &Documents, kind: Kind, as_of: Timestamp) -> Document {
    match kind {
        Kind::Violations => {
            let samples = [
                (600, 50.0),
                (540, 90.0),
                (480, 90.0),
                (420, 50.0),
                (0, 50.0),
            ];
            about.violations(&samples, as_of)
        }
        kind => about.of(kind, as_of),
    }
}

/// A line of a plan.
#[derive(Debug)]
struct Step {
    table: String,
    access: String,
    /// How many rows it reads, counted, else estimated.
    rows: f64,
}

impl Step {
    fn read(row: &MySqlRow) -> Self {
        let rows = text(row, "r_rows").or_else(|| text(row, "rows"));
        Self {
            table: text(row, "table").unwrap_or_default(),
            access: text(row, "type").unwrap_or_default(),
            rows: rows.and_then(|rows| rows.parse().ok()).unwrap_or(0.0),
        }
    }

    /// Whether it reads all of a table or of an index. Results of other steps, `<derived2>`, are no tables; what stops
    /// after a few rows does not read all.
    fn is_scan(&self) -> bool {
        matches!(self.access.as_str(), "ALL" | "index")
            && !self.table.starts_with('<')
            && self.rows > FEW
    }
}

/// Sets the log back when it is dropped.
struct Restore<'a> {
    database: &'a TestDatabase,
    statement: String,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        if !execute_apart(&self.database.server, self.statement.clone()) {
            tracing::warn!("the database's general log stays on");
        }
    }
}

/// Runs a statement in the text protocol: so every column of its rows is a text.
async fn execute(database: &TestDatabase, statement: &str) -> Vec<MySqlRow> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .fetch_all(database.pool())
        .await
        .unwrap_or_else(|error| panic!("{error}: {statement}"))
}

fn text(row: &MySqlRow, column: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).ok()?;
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
