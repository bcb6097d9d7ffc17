-- Markers and checksums may stand for several files, as manifests do, and be files of other goals. All are looked up by
-- their paths.

ALTER TABLE tidegate.companions ADD COLUMN is_file boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tidegate.companions.is_file IS 'Another goal takes it as its file: it is put away when that was imported.';
COMMENT ON COLUMN tidegate.companions.names IS 'How many of the files that it stands for, or as a manifest names, goals take.';
DROP INDEX tidegate.companions_by_path;
CREATE INDEX companions_by_path ON tidegate.companions (account_id, connection_id, path);
