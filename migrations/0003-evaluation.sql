-- Which evaluations are complete. Rows of `violation` that are older than every row here were stored before this table: they
-- count as complete.
CREATE TABLE IF NOT EXISTS evaluation (
    sla         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version     INT UNSIGNED NOT NULL,
    objective   VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    as_of       DATETIME(3) NOT NULL,
    expected    INT UNSIGNED NULL,
    complete    BOOLEAN NOT NULL,
    ended_until DATETIME(3) NULL,
    PRIMARY KEY (sla, version, objective, as_of),
    KEY by_objective (sla, version, complete, objective, as_of),
    KEY by_sla (sla, complete, as_of),
    KEY by_time (as_of)
);

-- From when on no sample of a series stands, and how its objective was until then. Null in the rows of before: how a series
-- ended is not known there.
ALTER TABLE violation ADD COLUMN silent_since DATETIME(3) NULL;

ALTER TABLE violation
    ADD COLUMN silent_state ENUM('ok', 'pending', 'no_data', 'firing') CHARACTER SET ascii COLLATE ascii_general_ci NULL;
