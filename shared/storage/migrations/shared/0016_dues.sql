-- When goals are next carried out by themselves. An addition only.

CREATE TABLE tidegate.dues (
    account_id uuid NOT NULL,
    goal_id uuid NOT NULL,
    cause text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, goal_id, cause),
    FOREIGN KEY (account_id, goal_id) REFERENCES tidegate.goals
);
CREATE INDEX dues_by_time ON tidegate.dues (due_at);
COMMENT ON COLUMN tidegate.dues.cause IS 'times:N is the Nth entry of the goal''s `when`, message:N is quiet after the responses to the message N.';

ALTER TABLE tidegate.dues ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.dues FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.dues TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.dues TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.dues TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.dues TO tidegate_service;
GRANT SELECT (account_id, goal_id, due_at) ON tidegate.dues TO tidegate_watch;
