//! The steps from one schema version to the next, and the statements they consist of.

/// `database.sql`: the whole newest schema.
pub const TABLES: &str = include_str!("../../../../database.sql");

/// Takes a database of the version before to `version`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) version: u32,
    /// The oldest programs that work with the result.
    pub(super) works_from: u32,
    pub(super) sql: &'static str,
}

macro_rules! step {
    ($version:literal, works_from $works_from:literal, $file:literal) => {
        Step {
            version: $version,
            works_from: $works_from,
            sql: include_str!(concat!("../../../../migrations/", $file)),
        }
    };
}

/// All steps, oldest first. `migrations/README.md` says how to add one.
pub(super) const STEPS: &[Step] = &[
    step!(2, works_from 1, "0002-schema-version.sql"),
    step!(3, works_from 1, "0003-evaluation.sql"),
    step!(4, works_from 1, "0004-newest-scores.sql"),
    step!(5, works_from 1, "0005-run-requests.sql"),
    step!(6, works_from 1, "0006-score-hours.sql"),
    step!(7, works_from 1, "0007-slices.sql"),
    step!(8, works_from 1, "0008-alerts.sql"),
    step!(9, works_from 1, "0009-history.sql"),
    step!(10, works_from 1, "0010-recurring-exclusions.sql"),
    step!(11, works_from 1, "0011-replay.sql"),
    step!(12, works_from 1, "0012-sla-origin.sql"),
    step!(13, works_from 1, "0013-packed-documents.sql"),
    step!(14, works_from 1, "0014-budget-scores.sql"),
    step!(15, works_from 1, "0015-long-arrays-in-order-of-arrival.sql"),
];

/// The schema version that this program is built for.
pub const BUILT_FOR: u32 = STEPS[STEPS.len() - 1].version;

/// One statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    /// Whether it is executed until it affects no row.
    pub(super) repeats: bool,
}

const REPEAT: &str = "-- repeat";

/// The statements of a file, with the comments before them. A `;` that ends a line ends a statement.
pub(super) fn statements(file: &'static str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let (mut start, mut end, mut repeats) = (0, 0, false);
    for line in file.split_inclusive('\n') {
        end += line.len();
        let line = line.trim();
        if line.starts_with("--") {
            repeats |= line == REPEAT;
        } else if line.ends_with(';') {
            let sql = file[start..end].trim();
            statements.push(Statement { sql, repeats });
            (start, repeats) = (end, false);
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_at_the_end_of_a_line_ends_a_statement() {
        let file = "-- One; and\nCREATE TABLE a (\n    b INT -- c;d\n);\n\n-- repeat\nDELETE FROM a\nLIMIT 1;\n-- End.\n";
        let expected = [
            ("-- One; and\nCREATE TABLE a (\n    b INT -- c;d\n);", false),
            ("-- repeat\nDELETE FROM a\nLIMIT 1;", true),
        ]
        .map(|(sql, repeats)| Statement { sql, repeats });
        assert_eq!(statements(file), expected);
    }

    #[test]
    fn steps_are_numbered_one_after_the_other_and_leave_no_program_behind_at_once() {
        for (step, version) in STEPS.iter().zip(2..) {
            assert_eq!(step.version, version);
            assert!(step.works_from <= version);
            assert!(!statements(step.sql).is_empty());
        }
    }

    #[test]
    fn every_change_of_a_table_is_a_statement_of_its_own() {
        for step in STEPS {
            for statement in statements(step.sql) {
                let changes = ["ADD ", "DROP ", "MODIFY ", "CHANGE "];
                let upper = statement.sql.to_uppercase();
                let count: usize = changes.iter().map(|word| upper.matches(word).count()).sum();
                // A column that is the new primary key takes its place in one, or the table would be without a key.
                let allowed = if upper.contains("ADD PRIMARY KEY") {
                    3
                } else {
                    usize::from(upper.contains("ALTER TABLE"))
                };
                assert!(count <= allowed, "{}", statement.sql);
            }
        }
    }

    #[test]
    fn the_whole_schema_ends_with_the_newest_version() {
        let step = STEPS[STEPS.len() - 1];
        let expected = format!(
            "UPDATE schema_version SET version = {}, works_from = {} WHERE version = 0;",
            step.version, step.works_from
        );
        let last = statements(TABLES).pop().unwrap();
        assert!(last.sql.ends_with(&expected), "{}", last.sql);
    }

    #[test]
    fn no_file_names_a_database() {
        for file in STEPS.iter().map(|step| step.sql).chain([TABLES]) {
            let upper = file.to_uppercase();
            assert!(!upper.contains("CREATE DATABASE"));
            let mut lines = upper.lines();
            assert!(!lines.any(|line| line.trim_start().starts_with("USE ")));
        }
    }
}
