-- Where the first byte of a row stands that is no text. Rows of before, and those that are text, have none.
ALTER TABLE {schema}.rejects ADD COLUMN byte_offset bigint;
