-- Documents about series in a fifth of the bytes: `packed` (`domain::message::Packed`). In rows of before it is null, and `document`
-- is the document, as ever; in rows that have it `document` is the JSON `null`. Programs of before go on writing `document`, but
-- cannot read rows that are packed: no route answers these until the programs that answer are replaced too.
ALTER TABLE metadata ADD COLUMN packed MEDIUMBLOB NULL;

ALTER TABLE prediction ADD COLUMN packed MEDIUMBLOB NULL;

ALTER TABLE long_arrays ADD COLUMN packed MEDIUMBLOB NULL;
