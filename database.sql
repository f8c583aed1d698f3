-- The tables of slacast. Loads unchanged on MySQL 8.0 and later and on MariaDB 10.11 and later, into whatever database
-- the connection has chosen, and changes nothing when it is loaded again.
--
-- Times are DATETIME(3) in UTC. Documents are the JSON of the Kafka messages, without their long arrays. They are kept as
-- text that is JSON, which is what MariaDB's type JSON is: that of MySQL 8 reads some numbers one unit in the last place
-- off (bugs.mysql.com 112904, 116160), and a bound must stay what it is.
-- The pipeline's tables are written by the storage function alone, `sla`, `sla_objective`, `exclusion` and `replay` (but how far it
-- came) by the sla function alone, `alert`, `outbox` and `receiver` by the alerting function alone. The pipeline's keys are natural ones, so
-- that storing a message twice is storing it once.

-- Which version this schema has, in one row. Programs built for a version from `works_from` up to `version` work with
-- it. `migrations/` takes an older database to this one.
CREATE TABLE IF NOT EXISTS schema_version (
    version    INT UNSIGNED NOT NULL,
    works_from INT UNSIGNED NOT NULL,
    PRIMARY KEY (version)
);

-- Version 0 until the tables of an empty database are complete. A database that has tables already keeps its version.
INSERT INTO schema_version (version, works_from)
SELECT 0, 0 FROM DUAL
WHERE NOT EXISTS (SELECT * FROM schema_version) AND NOT EXISTS
    (SELECT * FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'series');

-- Every metric and label set of which something is kept. `first_seen` and `last_seen`: its oldest and newest sample.
-- `thinned_until`: rows of this series before that time are down to one run an hour.
CREATE TABLE IF NOT EXISTS series (
    series_id     CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    metric        VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    labels        JSON NOT NULL,
    unit          VARCHAR(64) NULL,
    first_seen    DATETIME(3) NOT NULL,
    last_seen     DATETIME(3) NOT NULL,
    thinned_until DATETIME(3) NOT NULL,
    PRIMARY KEY (series_id),
    KEY by_metric (metric, series_id),
    KEY by_thinning (thinned_until)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which series carry a label. `label` is 32 hex digits of SHA-256 over name and value, length-prefixed: label values may
-- be longer than a key.
CREATE TABLE IF NOT EXISTS series_label (
    label     CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    PRIMARY KEY (label, series_id)
);

-- One row per series, run and window. `start` and `end` follow from them.
CREATE TABLE IF NOT EXISTS metrics (
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    as_of     DATETIME(3) NOT NULL,
    `window`  ENUM('1h', '3h', '12h') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    samples   INT UNSIGNED NOT NULL,
    `min`     DOUBLE NULL,
    `max`     DOUBLE NULL,
    average   DOUBLE NULL,
    std       DOUBLE NULL,
    coverage  DOUBLE NOT NULL,
    PRIMARY KEY (series_id, as_of, `window`)
);

-- One row per series and run: autocorrelation, stationarity, seasonality. `packed`: the document without its key, in a form of
-- a fifth of the bytes; `document` says nothing then. Rows of before version 13 have `document` alone.
CREATE TABLE IF NOT EXISTS metadata (
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    as_of     DATETIME(3) NOT NULL,
    document  LONGTEXT NOT NULL CHECK (JSON_VALID(document)),
    packed    MEDIUMBLOB NULL,
    PRIMARY KEY (series_id, as_of)
);

-- One row per series and run: the forecast of the next 10 minutes, `packed` as in `metadata`.
CREATE TABLE IF NOT EXISTS prediction (
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    as_of     DATETIME(3) NOT NULL,
    `min`     DOUBLE NULL,
    `max`     DOUBLE NULL,
    average   DOUBLE NULL,
    document  LONGTEXT NOT NULL CHECK (JSON_VALID(document)),
    packed    MEDIUMBLOB NULL,
    PRIMARY KEY (series_id, as_of)
);

-- The long arrays of metadata and prediction, kept for an hour, `packed` as there. In the order in which they are stored, so that
-- the pages are full: their natural key is `by_run`, time first, so that the purge is one range.
CREATE TABLE IF NOT EXISTS long_arrays (
    id        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    as_of     DATETIME(3) NOT NULL,
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    kind      ENUM('metadata', 'prediction') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    document  LONGTEXT NOT NULL CHECK (JSON_VALID(document)),
    packed    MEDIUMBLOB NULL,
    PRIMARY KEY (id),
    UNIQUE KEY by_run (as_of, series_id, kind)
);

-- One row per objective, run and series: the stored evaluation. `series_id` is empty where no series matched. Of objectives of
-- events: per group, whose id it is, an empty document, and `no_data` if nothing was measured in the last 5 minutes. `silent_since`
-- and `silent_state`: from when on no sample of the series stands, and its state then; null while one stands.
CREATE TABLE IF NOT EXISTS violation (
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version   INT UNSIGNED NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    as_of     DATETIME(3) NOT NULL,
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    state     ENUM('ok', 'pending', 'no_data', 'firing') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    document  LONGTEXT NOT NULL CHECK (JSON_VALID(document)),
    silent_since DATETIME(3) NULL,
    silent_state ENUM('ok', 'pending', 'no_data', 'firing') CHARACTER SET ascii COLLATE ascii_general_ci NULL,
    PRIMARY KEY (sla, version, objective, as_of, series_id),
    KEY by_version (sla, version, as_of),
    KEY by_time (as_of)
);

-- One row per objective and run: whether all of its rows of `violation` are stored. `expected`: the most rows that a record
-- of a run of that time reports; null until there is one. `ended_until`: a series that was silent then, or before, has
-- ended; null where no series of the objective stands. `definition`: of objectives of events, what their slices belong to; null
-- for ranges, and while no row is stored. Rows of `violation` older than all rows here count as complete.
CREATE TABLE IF NOT EXISTS evaluation (
    sla         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version     INT UNSIGNED NOT NULL,
    objective   VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    as_of       DATETIME(3) NOT NULL,
    expected    INT UNSIGNED NULL,
    complete    BOOLEAN NOT NULL,
    ended_until DATETIME(3) NULL,
    definition  CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL,
    PRIMARY KEY (sla, version, objective, as_of),
    KEY by_objective (sla, version, complete, objective, as_of),
    KEY by_sla (sla, complete, as_of),
    KEY by_time (as_of)
);

-- Events of objectives, counted: `first_sum` and `second_sum` are the two sums that the objective gives, in the order good, bad,
-- total. One row per group (`group_id`; all events together are a group too) and slice `(end - length, end]`: of a minute, as
-- runs count them, and what those of 5 minutes, of an hour and of a day add up to. `length`: in seconds. `minutes`: of how
-- many slices of a minute it is the sum; `measured`: how many of those are measured. `reach`: the earliest time that one of its
-- increments reaches back to. `as_of`: of the run that counted it, the newest one where it is a sum. `final`: all of its minutes
-- are. `revision`: how often a final minute changed. `judged`, `good`, `ratios`: of sums, for the methods of slices, how many
-- slices count and are good, and the sum of their shares of good events.
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

-- The groups of `slice`. `labels`: the values of the objective's `by`; none for all events together. `last_measured`: the end of
-- the newest slice of a minute that was measured. `as_of`: of the newest run that counted it.
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

-- Whether the minutes of an hour, the hours of a day (`length`: 3600 or 86400 seconds up to `end`) are added up in `slice`, for
-- all groups. `due`: when that is to be done; null once it is done. `version`: the newest version of the SLA that counted there.
-- `finest`: the length of the shortest rows that are kept of it. `kept`: these are kept as long as sums are.
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

-- Violations, from their first sample to where their last one stops standing. `worst` is null where it is infinite.
CREATE TABLE IF NOT EXISTS episode (
    sla            VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective      VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version        INT UNSIGNED NOT NULL,
    series_id      CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    side           ENUM('below', 'above') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    `start`        DATETIME(3) NOT NULL,
    `end`          DATETIME(3) NOT NULL,
    start_known    BOOLEAN NOT NULL,
    ongoing        BOOLEAN NOT NULL,
    worst          DOUBLE NULL,
    worst_infinite BOOLEAN NOT NULL,
    PRIMARY KEY (sla, objective, version, series_id, side, `start`),
    KEY by_start (sla, `start`),
    KEY by_end (sla, `end`),
    KEY by_series (series_id, `end`)
);

-- Maximal spans of judged time in which no sample stands.
CREATE TABLE IF NOT EXISTS gap (
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version   INT UNSIGNED NOT NULL,
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    `start`   DATETIME(3) NOT NULL,
    `end`     DATETIME(3) NOT NULL,
    PRIMARY KEY (sla, objective, version, series_id, `start`),
    KEY by_series (series_id, `end`)
);

-- The time an objective was judged on a series, as disjoint spans. `as_of`: the newest evaluation of the span.
CREATE TABLE IF NOT EXISTS judged (
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version   INT UNSIGNED NOT NULL,
    series_id CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    `start`   DATETIME(3) NOT NULL,
    `end`     DATETIME(3) NOT NULL,
    as_of     DATETIME(3) NOT NULL,
    PRIMARY KEY (sla, objective, version, series_id, `start`),
    KEY by_series (series_id, `end`)
);

-- One row per forecast, from when it is stored: `as_of` is null until a run that saw the end of its horizon has scored it,
-- then that run's. `reason`: why it has no scores. Errors and losses are in the metric's unit. `span`: which 10 minutes of
-- the clock the forecast falls into.
CREATE TABLE IF NOT EXISTS score (
    series_id           CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    forecast_as_of      DATETIME(3) NOT NULL,
    as_of               DATETIME(3) NULL,
    model               VARCHAR(63) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    reason              VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NULL,
    steps               INT UNSIGNED NULL,
    observed            INT UNSIGNED NULL,
    inside_band         INT UNSIGNED NULL,
    min_inside          BOOLEAN NULL,
    max_inside          BOOLEAN NULL,
    average_inside      BOOLEAN NULL,
    pinball             DOUBLE NULL,
    mae                 DOUBLE NULL,
    mae_last_value      DOUBLE NULL,
    pinball_climatology DOUBLE NULL,
    span                INT UNSIGNED GENERATED ALWAYS AS (TO_SECONDS(forecast_as_of) DIV 600) STORED,
    PRIMARY KEY (series_id, forecast_as_of),
    KEY by_run (as_of, forecast_as_of),
    KEY by_span (span, series_id, forecast_as_of)
);

-- What came of every probability of a violation that was told; `happened` is null where too little was seen to say.
-- `base_rate`: how often a violation came in the 12 h before; `model_probability`: what the model said, where that was told
-- instead.
CREATE TABLE IF NOT EXISTS objective_score (
    sla               VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version           INT UNSIGNED NOT NULL,
    series_id         CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    forecast_as_of    DATETIME(3) NOT NULL,
    as_of             DATETIME(3) NOT NULL,
    probability       DOUBLE NOT NULL,
    model_probability DOUBLE NULL,
    base_rate         DOUBLE NULL,
    happened          BOOLEAN NULL,
    PRIMARY KEY (sla, objective, version, series_id, forecast_as_of),
    KEY by_time (sla, forecast_as_of, probability, base_rate, happened),
    KEY by_series (series_id, forecast_as_of)
);

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

-- `score` summed up: one row per series, hour of the forecast (its start), model and reason, which is empty for forecasts
-- that are scored. Sums and counts; `with_…`: how many have the number before.
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

-- `objective_score` summed up: one row per series, objective, hour of the forecast and tenth of the probability (`bin`, 0 to
-- 9). `spans`: bit k stands for a known outcome in the (k + 1)th 10 minutes of the hour.
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

-- How far scores are summed up, in one row. `summed_up`: hours before it are. `closed`: a score of an hour before it is
-- late, and who stores it sums its hour up again. `part`: how many 64ths of the series of the hour between are done.
CREATE TABLE IF NOT EXISTS score_hour_progress (
    only_row  TINYINT UNSIGNED NOT NULL,
    closed    DATETIME(3) NOT NULL,
    summed_up DATETIME(3) NOT NULL,
    part      TINYINT UNSIGNED NOT NULL,
    PRIMARY KEY (only_row)
);

-- One row per run. `document` holds failures, stages and warnings.
CREATE TABLE IF NOT EXISTS run (
    run_id     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    as_of      DATETIME(3) NOT NULL,
    started_at DATETIME(3) NOT NULL,
    `trigger`  VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    series     INT UNSIGNED NOT NULL,
    samples    BIGINT UNSIGNED NOT NULL,
    bytes      BIGINT UNSIGNED NOT NULL,
    messages   INT UNSIGNED NOT NULL,
    document   LONGTEXT NOT NULL CHECK (JSON_VALID(document)),
    PRIMARY KEY (run_id),
    KEY by_start (started_at, run_id),
    KEY by_as_of (as_of)
);

-- Requests for a run, and what run they were answered with: those that wait are answered by one. Kept for an hour.
CREATE TABLE IF NOT EXISTS run_request (
    id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    asked_at DATETIME(3) NOT NULL,
    request  LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    answer   LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (id),
    KEY by_time (asked_at)
);

-- Every version of every SLA. The newest version of a name is in force unless it is retired.
CREATE TABLE IF NOT EXISTS sla (
    name       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version    INT UNSIGNED NOT NULL,
    created_at DATETIME(3) NOT NULL,
    retired_at DATETIME(3) NULL,
    about      LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    origin     LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (name, version),
    KEY by_retirement (retired_at, name, version)
);

-- The objectives of every version, in the order given. `document` is the objective.
CREATE TABLE IF NOT EXISTS sla_objective (
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version   INT UNSIGNED NOT NULL,
    position  INT UNSIGNED NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    metric    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    document  LONGTEXT NOT NULL CHECK (JSON_VALID(document)),
    PRIMARY KEY (sla, version, position),
    UNIQUE KEY by_objective (sla, version, objective)
);

-- Time taken out of an SLA, `[start, end)`, of one objective or of all where none is named. One that was taken back
-- stays, with the time that happened. `rule`: of one that recurs, as JSON; its occurrences from `start` to `rule_end` are taken
-- out, and its `end` is its `start`.
CREATE TABLE IF NOT EXISTS exclusion (
    sla        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    objective  VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NULL,
    `start`    DATETIME(3) NOT NULL,
    `end`      DATETIME(3) NOT NULL,
    reason     VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    created_at DATETIME(3) NOT NULL,
    deleted_at DATETIME(3) NULL,
    rule       LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    rule_end   DATETIME(3) NULL,
    PRIMARY KEY (sla, id),
    UNIQUE KEY by_id (id),
    KEY by_end (`end`),
    KEY by_rule_end (rule_end)
);

-- Time of an SLA that is replayed, `(start, end]`: judged and counted after the fact, from its end to its start. `objectives`: these
-- alone, as JSON; null for all. The sla function writes what is asked for and `stopped_at`, storage `done_until`, where what is left
-- ends, and `failures`, a JSON list of what could not be read.
CREATE TABLE IF NOT EXISTS replay (
    id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    sla        VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `start`    DATETIME(3) NOT NULL,
    `end`      DATETIME(3) NOT NULL,
    objectives LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    replaces   BOOLEAN NOT NULL,
    created_at DATETIME(3) NOT NULL,
    stopped_at DATETIME(3) NULL,
    done_until DATETIME(3) NOT NULL,
    failures   LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (id),
    KEY by_sla (sla, id),
    KEY by_time (created_at)
);

-- What could not be stored, as it came, and why. `timestamp`: Kafka's, milliseconds since the Unix epoch, -1 for none.
CREATE TABLE IF NOT EXISTS dead_letter (
    topic       VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    `partition` INT NOT NULL,
    `offset`    BIGINT NOT NULL,
    `timestamp` BIGINT NOT NULL,
    stored_at   DATETIME(3) NOT NULL,
    `key`       LONGBLOB NULL,
    headers     JSON NOT NULL,
    value       LONGBLOB NULL,
    reason      VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (topic, `partition`, `offset`, `timestamp`),
    KEY by_time (stored_at)
);

-- Every alert that fires, or fired, by its fingerprint: what was said of it last. The alerting function alone writes this
-- table and the two below. `alertname` is the name in the table of alerts; `labels` has the one that is sent. `pending`: it
-- does not hold for long enough yet, and nobody knows of it. `as_of`: the evaluation that said so last.
CREATE TABLE IF NOT EXISTS alert (
    fingerprint CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    alertname   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    sla         VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective   VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    series_id   CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    state       ENUM('pending', 'firing', 'resolved') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    frozen      BOOLEAN NOT NULL,
    since       DATETIME(3) NOT NULL,
    as_of       DATETIME(3) NOT NULL,
    resolved_at DATETIME(3) NULL,
    reason      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    labels      LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    annotations LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (fingerprint),
    KEY by_state (state, since, fingerprint),
    KEY by_sla (sla, state, since, fingerprint),
    KEY by_resolution (state, resolved_at)
);

-- One row for each receiver of what became of an alert, written with the alert, and one per watchdog of a receiver that wants it.
-- `message`: what receivers know it by, the same on each attempt. `next_attempt`: when it is due; of rows of one receiver and
-- alert the oldest that waits goes first. `leased_until`: until then one instance has it. `kind`: as the message says.
CREATE TABLE IF NOT EXISTS outbox (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    receiver      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    fingerprint   CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind          ENUM('firing', 'resolved', 'watchdog') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    message       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    body          LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state         ENUM('waiting', 'delivered', 'dead') CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    created_at    DATETIME(3) NOT NULL,
    attempts      INT UNSIGNED NOT NULL,
    first_attempt DATETIME(3) NULL,
    next_attempt  DATETIME(3) NOT NULL,
    leased_until  DATETIME(3) NULL,
    finished_at   DATETIME(3) NULL,
    last_error    VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (id),
    UNIQUE KEY by_message (receiver, message),
    KEY by_alert (receiver, fingerprint, state, id),
    KEY by_receiver (receiver, state, next_attempt),
    KEY by_due (state, next_attempt),
    KEY by_end (state, finished_at)
);

-- What is known of each receiver. `address`: SHA-256 of where it is, by which a changed one is noticed. `disabled_at`: when
-- it answered 410; nothing is sent to it until its address changes or a test reaches it.
CREATE TABLE IF NOT EXISTS receiver (
    name         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    address      CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seen_at      DATETIME(3) NOT NULL,
    disabled_at  DATETIME(3) NULL,
    delivered_at DATETIME(3) NULL,
    PRIMARY KEY (name)
);

-- How far the thinning came of a table whose rows are not thinned series by series.
CREATE TABLE IF NOT EXISTS thinning (
    table_name    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    thinned_until DATETIME(3) NOT NULL,
    PRIMARY KEY (table_name)
);

-- What series were like: the samples in `(end - step, end]`, `step` in seconds: 300, and 3600 once the parts of an hour are
-- older than they are kept. `series_id`: the 16 bytes that its hex digits stand for, since most of a row is its key. `min`,
-- `max`, `average`: null where infinite. `as_of`: the run that says so.
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

-- What came of the probabilities of budgets of events, each of one moment of a group. `about`: which one it is (`fires`: a page
-- fires within 10 minutes; `exhausted_1h`, `exhausted_6h`, `exhausted_1d`: the budget is gone then); `over_at`: when it is known;
-- `happened` is null where too little was measured to say.
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

-- How far they are scored: of the moment `mark`, by SLA, objective and group up to these, `''` before the first.
CREATE TABLE IF NOT EXISTS budget_score_progress (
    only_row  TINYINT UNSIGNED NOT NULL,
    mark      DATETIME(3) NOT NULL,
    sla       VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    objective VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    group_id  CHAR(32) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL,
    PRIMARY KEY (only_row)
);

UPDATE schema_version SET version = 15, works_from = 1 WHERE version = 0;
