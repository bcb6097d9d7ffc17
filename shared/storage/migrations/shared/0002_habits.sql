-- What the gateway's habits need: versions of what can be edited, things that are deleted and stay readable, who saved
-- a goal, answers kept for requests that are repeated, and indexes for filtered lists. Additions only: a service of
-- the version before works on with them.

ALTER TABLE tidegate.accounts ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE tidegate.properties ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE tidegate.drop_folders
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN deleted_at timestamptz;
ALTER TABLE tidegate.connections ADD COLUMN deleted_at timestamptz;
ALTER TABLE tidegate.goal_versions ADD COLUMN saved_by uuid;
COMMENT ON COLUMN tidegate.goal_versions.saved_by IS 'The API key that saved it; null where that was not noted.';

CREATE TABLE tidegate.kept_answers (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    key_digest bytea NOT NULL CHECK (length(key_digest) = 32),
    answer_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key_digest)
);
CREATE INDEX kept_answers_by_time ON tidegate.kept_answers (created_at);
COMMENT ON TABLE tidegate.kept_answers IS 'Answers to requests with an Idempotency-Key, for a day. Sealed: they name people and places.';

ALTER TABLE tidegate.kept_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.kept_answers FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.kept_answers TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.kept_answers TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.kept_answers TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.kept_answers TO tidegate_service;
GRANT SELECT (account_id, created_at) ON tidegate.kept_answers TO tidegate_watch;

-- One row a file, so these are built in seconds even where there are millions.
CREATE INDEX runs_of_goal_by_time ON tidegate.runs (account_id, goal_id, queued_at, run_id);
CREATE INDEX runs_of_connection_by_time ON tidegate.runs (account_id, connection_id, queued_at, run_id);
CREATE INDEX runs_by_state ON tidegate.runs (account_id, state, queued_at, run_id);
CREATE INDEX arrivals_of_connection_by_time ON tidegate.arrivals (account_id, connection_id, seen_at, arrival_id);
CREATE INDEX arrivals_by_state ON tidegate.arrivals (account_id, state, seen_at, arrival_id);
CREATE INDEX notifications_unread ON tidegate.notifications (account_id, created_at, notification_id) WHERE read_at IS NULL;
CREATE INDEX credentials_of_folder ON tidegate.credentials (account_id, drop_folder_id, created_at, credential_id);
