-- The long arrays lie in the order in which they were stored. In that of their series each run's rows were inserted in between those
-- of the same run that were there already, which left the pages less than half full. Both changes are one: a table
-- without a primary key would be locked, or refused, by some servers. Rows of before get their numbers here.
ALTER TABLE long_arrays ADD UNIQUE KEY by_run (as_of, series_id, kind);
ALTER TABLE long_arrays ADD COLUMN id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT FIRST, DROP PRIMARY KEY, ADD PRIMARY KEY (id);
