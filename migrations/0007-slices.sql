-- Objectives of events: their slices, the groups these are of, and how far they are added up. Nothing was counted before.

CREATE TABLE IF NOT EXISTS slice (
    sla        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective  VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    definition CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    length     MEDIUMINT UNSIGNED NOT NULL,
    `end`      DATETIME(3) NOT NULL,
    group_id   CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    first_sum  DOUBLE NOT NULL,
    second_sum DOUBLE NOT NULL,
    minutes    SMALLINT UNSIGNED NOT NULL,
    measured   SMALLINT UNSIGNED NOT NULL,
    reach      DATETIME(3) NULL,
    as_of      DATETIME(3) NOT NULL,
    final      BOOLEAN NOT NULL DEFAULT FALSE,
    revision   INT UNSIGNED NOT NULL DEFAULT 0,
    judged     SMALLINT UNSIGNED NULL,
    good       SMALLINT UNSIGNED NULL,
    ratios     DOUBLE NULL,
    PRIMARY KEY (sla, objective, definition, length, `end`, group_id)
);

CREATE TABLE IF NOT EXISTS slice_group (
    sla           VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective     VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    definition    CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    group_id      CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    labels        JSON NOT NULL,
    last_measured DATETIME(3) NULL,
    as_of         DATETIME(3) NOT NULL,
    PRIMARY KEY (sla, objective, definition, group_id),
    KEY by_time (as_of)
);

CREATE TABLE IF NOT EXISTS slice_roll_up (
    sla        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective  VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    definition CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    length     MEDIUMINT UNSIGNED NOT NULL,
    `end`      DATETIME(3) NOT NULL,
    version    INT UNSIGNED NOT NULL,
    due        DATETIME(3) NULL,
    finest     MEDIUMINT UNSIGNED NOT NULL,
    kept       BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (sla, objective, definition, length, `end`),
    KEY by_due (due),
    KEY by_age (kept, finest, `end`)
);

-- What the slices of an evaluation belong to. Null in the rows of before: they are of ranges.
ALTER TABLE evaluation ADD COLUMN definition CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL;
