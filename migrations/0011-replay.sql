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
