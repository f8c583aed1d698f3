-- Documents about series in a fifth of the bytes: `packed` (`domain::message::Packed`). In rows of before it is null, and `document`
-- is the document, as ever. In rows that have it `document` says nothing: the JSON `null`, and in `prediction` a prediction without a
-- forecast, so that the runs of programs of before go on beside such rows and after a rollback. Their answers about metadata and
-- predictions fail or are empty until they have stored rows of their own.
ALTER TABLE metadata ADD COLUMN packed MEDIUMBLOB NULL;

ALTER TABLE prediction ADD COLUMN packed MEDIUMBLOB NULL;

ALTER TABLE long_arrays ADD COLUMN packed MEDIUMBLOB NULL;
