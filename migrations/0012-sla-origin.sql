-- What an SLA is for people (`about`: display name, description, annotations), and the document that it was imported from
-- (`origin`). Rows of before have neither: they were made by hand.
ALTER TABLE sla ADD COLUMN about LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;

ALTER TABLE sla ADD COLUMN origin LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;
