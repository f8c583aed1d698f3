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
