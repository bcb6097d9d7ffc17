-- What says that files are complete: expected hashes, and the files beside them. An addition only.

ALTER TABLE tidegate.arrivals ADD COLUMN expected_sha256 text, ADD COLUMN overdue_at timestamptz;
COMMENT ON COLUMN tidegate.arrivals.expected_sha256 IS 'What a checksum or a manifest says of its bytes.';
COMMENT ON COLUMN tidegate.arrivals.overdue_at IS 'When it was told that the file is not complete in time.';

CREATE TABLE tidegate.companions (
    account_id uuid NOT NULL,
    arrival_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    path text NOT NULL,
    size_bytes bigint NOT NULL,
    modified_at timestamptz NOT NULL,
    is_manifest boolean NOT NULL,
    names integer,
    PRIMARY KEY (account_id, arrival_id, path),
    FOREIGN KEY (account_id, arrival_id) REFERENCES tidegate.arrivals,
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections
);
CREATE INDEX companions_by_path ON tidegate.companions (account_id, connection_id, path) WHERE is_manifest;
COMMENT ON COLUMN tidegate.companions.names IS 'Of a manifest: how many of the files that it names goals take.';
COMMENT ON TABLE tidegate.companions IS 'Files that said of others that they are complete: put away like these.';

ALTER TABLE tidegate.companions ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.companions FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.companions TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY migrating ON tidegate.companions TO tidegate_owner USING (true);
GRANT SELECT, INSERT ON tidegate.companions TO tidegate_service;
