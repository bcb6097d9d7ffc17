-- Files that clients sent, or that were fetched to be looked at: services share no disk. An addition only.

CREATE TABLE tidegate.kept_files (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    kept_file_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('sample', 'upload')),
    name text NOT NULL,
    size_bytes bigint NOT NULL DEFAULT 0 CHECK (size_bytes >= 0),
    sha256 text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, kept_file_id)
);
CREATE INDEX kept_files_by_end ON tidegate.kept_files (expires_at);
COMMENT ON COLUMN tidegate.kept_files.sha256 IS 'In hex; null until the file is complete.';

CREATE TABLE tidegate.kept_chunks (
    account_id uuid NOT NULL,
    kept_file_id uuid NOT NULL,
    number integer NOT NULL CHECK (number >= 0),
    content bytea NOT NULL,
    PRIMARY KEY (account_id, kept_file_id, number),
    FOREIGN KEY (account_id, kept_file_id) REFERENCES tidegate.kept_files
);
-- Files come packed or encrypted as often as not: trying to compress them costs more than it saves.
ALTER TABLE tidegate.kept_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

DO $$
DECLARE
    shared_table text;
BEGIN
    FOREACH shared_table IN ARRAY ARRAY['kept_files', 'kept_chunks'] LOOP
        EXECUTE format('ALTER TABLE tidegate.%I ENABLE ROW LEVEL SECURITY', shared_table);
        EXECUTE format('ALTER TABLE tidegate.%I FORCE ROW LEVEL SECURITY', shared_table);
        EXECUTE format('CREATE POLICY own_account ON tidegate.%I TO tidegate_service '
            'USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id())', shared_table);
        EXECUTE format('CREATE POLICY watching ON tidegate.%I TO tidegate_watch USING (true)', shared_table);
        EXECUTE format('CREATE POLICY migrating ON tidegate.%I TO tidegate_owner USING (true)', shared_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.%I TO tidegate_service', shared_table);
    END LOOP;
END $$;
GRANT SELECT (account_id, kept_file_id, expires_at) ON tidegate.kept_files TO tidegate_watch;
