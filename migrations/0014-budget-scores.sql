-- What came of the probabilities of budgets of events. None was kept before: they are scored from now on.

CREATE TABLE IF NOT EXISTS budget_score (
    sla            VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective      VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    about          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version        INT UNSIGNED NOT NULL,
    group_id       CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    forecast_as_of DATETIME(3) NOT NULL,
    over_at        DATETIME(3) NOT NULL,
    probability    DOUBLE NOT NULL,
    happened       BOOLEAN NULL,
    PRIMARY KEY (sla, objective, about, version, group_id, forecast_as_of),
    KEY by_time (sla, over_at),
    KEY by_age (over_at)
);

CREATE TABLE IF NOT EXISTS budget_score_progress (
    only_row  TINYINT UNSIGNED NOT NULL,
    mark      DATETIME(3) NOT NULL,
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    group_id  CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    PRIMARY KEY (only_row)
);
