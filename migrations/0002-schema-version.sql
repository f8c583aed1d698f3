-- Which version the database's schema has, in one row. Programs built for a version from `works_from` up to `version`
-- work with it.
CREATE TABLE IF NOT EXISTS schema_version (
    version    INT UNSIGNED NOT NULL,
    works_from INT UNSIGNED NOT NULL,
    PRIMARY KEY (version)
);
