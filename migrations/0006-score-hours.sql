-- Scores summed up by the hour of their forecasts, so that a question about many days reads few rows. What is not summed
-- up yet is read row by row: rows of before need nothing, storage sums them up hour by hour.

CREATE TABLE IF NOT EXISTS score_hour (
    series_id           CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    `hour`              DATETIME(3) NOT NULL,
    model               VARCHAR(63) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason              VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    forecasts           BIGINT NOT NULL,
    observed            BIGINT NOT NULL,
    inside_band         BIGINT NOT NULL,
    min_inside          BIGINT NOT NULL,
    max_inside          BIGINT NOT NULL,
    average_inside      BIGINT NOT NULL,
    pinball             DOUBLE NOT NULL,
    mae                 DOUBLE NOT NULL,
    mae_last_value      DOUBLE NOT NULL,
    with_last_value     BIGINT NOT NULL,
    pinball_climatology DOUBLE NOT NULL,
    with_climatology    BIGINT NOT NULL,
    PRIMARY KEY (series_id, `hour`, model, reason)
);

CREATE TABLE IF NOT EXISTS objective_score_hour (
    sla               VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `hour`            DATETIME(3) NOT NULL,
    objective         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version           INT UNSIGNED NOT NULL,
    series_id         CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    bin               TINYINT UNSIGNED NOT NULL,
    forecasts         BIGINT NOT NULL,
    scored            BIGINT NOT NULL,
    events            BIGINT NOT NULL,
    said              DOUBLE NOT NULL,
    squares           DOUBLE NOT NULL,
    with_base_rate    BIGINT NOT NULL,
    squares_base_rate DOUBLE NOT NULL,
    spans             TINYINT UNSIGNED NOT NULL,
    PRIMARY KEY (sla, `hour`, objective, version, series_id, bin),
    KEY by_series (series_id, `hour`)
);

CREATE TABLE IF NOT EXISTS score_hour_progress (
    only_row  TINYINT UNSIGNED NOT NULL,
    closed    DATETIME(3) NOT NULL,
    summed_up DATETIME(3) NOT NULL,
    part      TINYINT UNSIGNED NOT NULL,
    PRIMARY KEY (only_row)
);
