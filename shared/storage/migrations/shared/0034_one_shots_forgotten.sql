-- Of which one-shot imports the password was deleted, so that a sweeper finds those that a service of an earlier release
-- has ended; and indexes for open questions, goals by name, and refused logins. Additions only.

ALTER TABLE tidegate.one_shots ADD COLUMN forgotten_at timestamptz;
COMMENT ON COLUMN tidegate.one_shots.forgotten_at IS 'When its password was deleted; its run had ended.';
CREATE INDEX one_shots_kept ON tidegate.one_shots (account_id, arrival_id) WHERE forgotten_at IS NULL;
CREATE POLICY watching ON tidegate.one_shots TO tidegate_watch USING (true);
GRANT SELECT (account_id, arrival_id, forgotten_at) ON tidegate.one_shots TO tidegate_watch;

CREATE INDEX inquiries_open ON tidegate.inquiries (asked_at) WHERE state <> 'answered';
CREATE INDEX goals_by_name ON tidegate.goals (account_id, connection_id, name) WHERE deleted_at IS NULL;
CREATE INDEX runs_refused ON tidegate.runs (account_id, connection_id, finished_at) WHERE reason_code = 'login_refused';
