-- Hosted folders may keep files for so many days; what was removed for that is told of the file's arrival.

ALTER TABLE tidegate.drop_folders ADD COLUMN retention_days integer CHECK (retention_days BETWEEN 1 AND 3650);
COMMENT ON COLUMN tidegate.drop_folders.retention_days IS 'For how long files are kept that are no longer needed; null: for ever.';
GRANT SELECT (retention_days) ON tidegate.drop_folders TO tidegate_watch;

ALTER TABLE tidegate.drop_folder_usage ADD COLUMN cleaned_at timestamptz;
COMMENT ON COLUMN tidegate.drop_folder_usage.cleaned_at IS 'When it was last looked for files that are kept no longer.';
GRANT SELECT (cleaned_at) ON tidegate.drop_folder_usage TO tidegate_watch;

ALTER TABLE tidegate.arrivals ADD COLUMN expired_at timestamptz;
COMMENT ON COLUMN tidegate.arrivals.expired_at IS 'When the file was removed, because its drop folder had kept it for long enough.';

CREATE INDEX arrivals_by_settled_path ON tidegate.arrivals (account_id, connection_id, settled_path)
    WHERE settled_path IS NOT NULL;

-- While clients cannot come to their folders, and for a day afterwards, nothing is removed there.
GRANT SELECT (changed_at) ON tidegate.integrations TO tidegate_watch;
