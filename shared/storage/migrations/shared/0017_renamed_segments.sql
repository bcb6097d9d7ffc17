-- When a segment was given another name. Additions only.
ALTER TABLE tidegate.segments ADD COLUMN renamed_xid xid8;
COMMENT ON COLUMN tidegate.segments.renamed_xid IS 'The transaction that last changed the name: files that show it tell who is in the segment anew. Null: none since this column is there.';
