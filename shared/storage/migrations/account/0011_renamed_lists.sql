-- When a list was given another name. Additions only.
ALTER TABLE {schema}.lists ADD COLUMN renamed_xid xid8;
COMMENT ON COLUMN {schema}.lists.renamed_xid IS 'The transaction that last changed the name: files that show it tell who is on the list anew. Null: none since this column is there.';
