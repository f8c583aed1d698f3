-- Exclusions that recur. Those of before have no rule: they are what they were. Programs of the release before take one that
-- recurs for an exclusion of no time, because its `end` is its `start`.

ALTER TABLE exclusion ADD COLUMN rule LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;
ALTER TABLE exclusion ADD COLUMN rule_end DATETIME(3) NULL;
ALTER TABLE exclusion ADD KEY by_rule_end (rule_end);
