-- Requests for a run, and what run they were answered with: those that wait are answered by one. Kept for an hour.
CREATE TABLE IF NOT EXISTS run_request (
    id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    asked_at DATETIME(3) NOT NULL,
    request  LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    answer   LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    PRIMARY KEY (id),
    KEY by_time (asked_at)
);
