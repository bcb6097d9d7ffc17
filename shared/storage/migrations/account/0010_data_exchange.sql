-- What each connection has exchanged: totals, and whose data it was. Additions only.

CREATE TABLE {schema}.exchange_totals (
    connection_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('import', 'export')),
    runs bigint NOT NULL CHECK (runs > 0),
    files bigint NOT NULL CHECK (files >= 0),
    rows bigint NOT NULL CHECK (rows >= 0),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (connection_id, kind)
);
COMMENT ON TABLE {schema}.exchange_totals IS 'What the completed runs of each connection have brought in and sent out, since this table is there.';

CREATE TABLE {schema}.exchange_sets (
    connection_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('import', 'export')),
    block bigint NOT NULL,
    bits bigint NOT NULL,
    PRIMARY KEY (connection_id, kind, block)
);
COMMENT ON TABLE {schema}.exchange_sets IS 'Whose data each connection has ever brought in or sent out: the profile block * 64 + n has bit n. None is ever taken out.';
