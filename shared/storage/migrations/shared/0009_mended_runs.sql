-- The runs that mended rejects of a run are shown with it. Nothing had a parent before, so this is built in one look.
CREATE INDEX runs_mending ON tidegate.runs (account_id, parent_run_id, queued_at, run_id) WHERE parent_run_id IS NOT NULL;
