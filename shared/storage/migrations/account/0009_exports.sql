-- What exports of changes remember, and since when a profile is suppressed as it is. Additions only.

ALTER TABLE {schema}.profiles ADD COLUMN suppressed_xid xid8;
COMMENT ON COLUMN {schema}.profiles.suppressed_xid IS 'The transaction that last changed suppression or suppressed_at. Null: none since this column is there.';

CREATE TABLE {schema}.export_marks (
    goal_id uuid NOT NULL PRIMARY KEY,
    goal_version integer NOT NULL,
    run_id uuid NOT NULL,
    snapshot text NOT NULL,
    system_identifier bigint NOT NULL,
    taken_at timestamptz NOT NULL
);
COMMENT ON TABLE {schema}.export_marks IS 'The snapshot of each goal''s last delivered export: the next one tells what was not visible in it.';
COMMENT ON COLUMN {schema}.export_marks.system_identifier IS 'Of the cluster, whose transaction numbers mean nothing in another.';

CREATE TABLE {schema}.export_sets (
    goal_id uuid NOT NULL,
    part text COLLATE "C" NOT NULL,
    block bigint NOT NULL,
    bits bigint NOT NULL,
    PRIMARY KEY (goal_id, part, block)
);
COMMENT ON TABLE {schema}.export_sets IS 'Who was in what each goal''s last delivered export told: the profile block * 64 + n has bit n.';
