-- The newest scores of a series in one row. Scores that were stored before are not taken over: until fifty new ones are
-- there, after 8 h 20 m, forecasts are published as the models say.

-- What decides whether a model's forecasts of a series are published as they are, in one row: `entries` are its newest
-- scores (of each 10 minutes of the clock the first scored forecast, a hundred at most), `sums` what they sum up to,
-- `newest` when the last one was scored, `newest_forecast` the last one's present.
CREATE TABLE IF NOT EXISTS recent_score (
    series_id       CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    newest          DATETIME(3) NOT NULL,
    newest_forecast DATETIME(3) NOT NULL,
    sums            VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    entries         LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (series_id),
    KEY by_time (newest, sums)
);

-- The same of the probabilities that were published with those forecasts, by objective.
CREATE TABLE IF NOT EXISTS recent_probability (
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version   INT UNSIGNED NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    newest    DATETIME(3) NOT NULL,
    sums      VARCHAR(512) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    entries   LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (series_id, sla, version, objective),
    KEY by_time (newest, sums)
);
