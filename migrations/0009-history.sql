-- Version 9: what series were like.

CREATE TABLE IF NOT EXISTS history (
    series_id BINARY(16) NOT NULL,
    step      SMALLINT UNSIGNED NOT NULL,
    `end`     DATETIME NOT NULL,
    samples   INT UNSIGNED NOT NULL,
    `min`     DOUBLE NULL,
    `max`     DOUBLE NULL,
    average   DOUBLE NULL,
    as_of     DATETIME(3) NOT NULL,
    PRIMARY KEY (series_id, step, `end`),
    KEY by_age (step, `end`)
);
