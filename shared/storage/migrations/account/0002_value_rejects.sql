-- Values that were not imported, of rows that were. They count as the rejects do: once the run has ended, under its
-- last token. What the row has in the goal's identifier columns stands beside them, so that they can be handed back.
CREATE TABLE {schema}.value_rejects (
    run_id uuid NOT NULL,
    token bigint NOT NULL,
    record_number bigint NOT NULL,
    line_number bigint NOT NULL,
    position integer NOT NULL,
    code text NOT NULL,
    field text NOT NULL,
    raw text NOT NULL,
    identifiers text[] NOT NULL,
    PRIMARY KEY (run_id, token, record_number, position)
);
