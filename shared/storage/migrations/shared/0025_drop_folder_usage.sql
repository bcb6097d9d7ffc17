-- Quotas of hosted folders in bytes and files, and what is used of them, counted for all replicas together.

ALTER TABLE tidegate.drop_folders ADD COLUMN quota_files bigint NOT NULL DEFAULT 100000 CHECK (quota_files > 0);

CREATE TABLE tidegate.drop_folder_usage (
    account_id uuid NOT NULL,
    drop_folder_id uuid NOT NULL,
    used_bytes bigint NOT NULL CHECK (used_bytes >= 0),
    used_files bigint NOT NULL CHECK (used_files >= 0),
    measured_at timestamptz NOT NULL DEFAULT now(),
    measuring_until timestamptz,
    PRIMARY KEY (account_id, drop_folder_id),
    FOREIGN KEY (account_id, drop_folder_id) REFERENCES tidegate.drop_folders
);
COMMENT ON TABLE tidegate.drop_folder_usage IS
    'Counted as files are written, with what is set aside for uploads under way, and measured anew from the disk now and then.';
ALTER TABLE tidegate.drop_folder_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.drop_folder_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.drop_folder_usage TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.drop_folder_usage TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.drop_folder_usage TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE ON tidegate.drop_folder_usage TO tidegate_service;
GRANT SELECT (account_id, drop_folder_id, measured_at) ON tidegate.drop_folder_usage TO tidegate_watch;
GRANT SELECT (account_id, drop_folder_id, deleted_at) ON tidegate.drop_folders TO tidegate_watch;

ALTER TABLE tidegate.uploads ADD COLUMN counted_bytes bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN tidegate.uploads.counted_bytes IS 'What is counted as used for the file of an upload under way: its size, and what is set aside.';
CREATE INDEX uploads_open ON tidegate.uploads (account_id, drop_folder_id) WHERE state = 'open';
