//! Which programs work with the schema that a database has.

use sqlx::{MySqlConnection, Row, mysql::MySqlDatabaseError};

use super::BUILT_FOR;
use crate::{Store, StoreError};

/// What `schema_version` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SchemaVersion {
    /// 0 while the schema of an empty database is not complete.
    pub(crate) version: u32,
    /// The oldest programs that work with it.
    pub(crate) works_from: u32,
}

/// Why a program does not work with a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaMismatch {
    /// The program needs a newer schema.
    #[error(
        "the database has schema version {version}, but this program needs version {built_for}: \
         invoke storage with {{\"prepare\":\"schema\"}}"
    )]
    Older {
        /// The database's; 0 for one that has no or not all tables.
        version: u32,
        /// What the program needs.
        built_for: u32,
    },
    /// The schema has lost what the program needs.
    #[error(
        "the database has schema version {version}, which works with programs built for version {works_from} \
         or later, but this program is built for version {built_for}: deploy a newer release"
    )]
    Newer {
        /// The database's.
        version: u32,
        /// The oldest programs that work with it.
        works_from: u32,
        /// What the program is built for.
        built_for: u32,
    },
    /// The tables that are there are not those of a version that can be brought to the newest.
    #[error(
        "the database `{database}` is neither empty nor of schema version 1 or later ({why}): \
         name another database, or an empty one"
    )]
    Unknown {
        /// Its name.
        database: String,
        /// The first difference from version 1.
        why: String,
    },
}

impl SchemaVersion {
    /// That of the first schema, which had no table `schema_version`.
    pub(super) const FIRST: Self = Self {
        version: 1,
        works_from: 1,
    };

    /// Whether a program that is built for version `built_for` works with this schema.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn admits(self, built_for: u32) -> Result<(), SchemaMismatch> {
        let Self {
            version,
            works_from,
        } = self;
        if version < built_for {
            Err(SchemaMismatch::Older { version, built_for })
        } else if built_for < works_from {
            Err(SchemaMismatch::Newer {
                version,
                works_from,
                built_for,
            })
        } else {
            Ok(())
        }
    }

    /// The row of `schema_version`, by a statement that need not be prepared; `None` if there is no row or no such table.
    pub(super) async fn read(
        connection: &mut MySqlConnection,
    ) -> Result<Option<Self>, sqlx::Error> {
        let statement =
            "SELECT version, works_from FROM schema_version ORDER BY version DESC LIMIT 1";
        match sqlx::raw_sql(statement).fetch_optional(connection).await {
            Err(error) if number(&error) == Some(NO_SUCH_TABLE) => Ok(None),
            Err(error) => Err(error),
            Ok(None) => Ok(None),
            Ok(Some(row)) => Ok(Some(Self {
                version: row.try_get("version")?,
                works_from: row.try_get("works_from")?,
            })),
        }
    }
}

const NO_SUCH_TABLE: u16 = 1146;

/// The server's number of an error.
pub(super) fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    let error = error.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(error.number())
}

/// Whether this program works with the schema of the database that `connection` has chosen: one short query.
///
/// # Errors
/// When it does not ([`SchemaMismatch`], as the source of an [`sqlx::Error::AnyDriverError`]), or the database is away.
pub(crate) async fn check(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let found = match SchemaVersion::read(connection).await? {
        Some(found) => found,
        None => {
            let row = sqlx::raw_sql(
                "SELECT COUNT(*) AS tables FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name IN ('series', 'thinning')",
            )
            .fetch_one(connection)
            .await?;
            SchemaVersion {
                version: u32::from(row.try_get::<i64, _>("tables")? == 2),
                works_from: 1,
            }
        }
    };
    let admitted = found.admits(BUILT_FOR);
    admitted.map_err(|mismatch| sqlx::Error::AnyDriverError(mismatch.into()))
}

impl Store {
    /// The version of the schema that the database has.
    ///
    /// # Errors
    /// When the database is away, or this program does not work with its schema.
    pub async fn schema_version(&self) -> Result<u32, StoreError> {
        let statement = "SELECT version FROM schema_version ORDER BY version DESC LIMIT 1";
        let version: Option<u32> = sqlx::query_scalar(statement)
            .fetch_optional(self.pool())
            .await?;
        Ok(version.unwrap_or(SchemaVersion::FIRST.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_works_from_works_from_up_to_the_version() {
        for (version, works_from, built_for, works) in [
            (2, 1, 1, true),
            (2, 1, 2, true),
            (5, 3, 3, true),
            (5, 3, 4, true),
            (5, 3, 2, false),
            (5, 3, 6, false),
            (0, 0, 2, false),
        ] {
            let found = SchemaVersion {
                version,
                works_from,
            };
            let admitted = found.admits(built_for);
            assert_eq!(admitted.is_ok(), works, "{found:?} {built_for}");
        }
    }

    #[test]
    fn a_mismatch_names_the_versions_in_one_sentence() {
        let older = SchemaMismatch::Older {
            version: 1,
            built_for: 2,
        };
        assert_eq!(
            older.to_string(),
            "the database has schema version 1, but this program needs version 2: \
             invoke storage with {\"prepare\":\"schema\"}"
        );
        let newer = SchemaMismatch::Newer {
            version: 9,
            works_from: 7,
            built_for: 2,
        };
        assert_eq!(
            newer.to_string(),
            "the database has schema version 9, which works with programs built for version 7 or later, \
             but this program is built for version 2: deploy a newer release"
        );
    }
}
