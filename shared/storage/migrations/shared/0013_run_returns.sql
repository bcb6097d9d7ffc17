-- What a run that has ended owes its sender: rejects and an acknowledgement in the drop folder. An addition only.

CREATE TABLE tidegate.run_returns (
    account_id uuid NOT NULL,
    run_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'returned', 'failed')),
    token bigint NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    held_until timestamptz,
    stem text,
    files text[] NOT NULL DEFAULT '{}',
    reason_code text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (account_id, run_id),
    FOREIGN KEY (account_id, run_id) REFERENCES tidegate.runs,
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections,
    CHECK ((state = 'asked') = (ended_at IS NULL))
);
CREATE INDEX run_returns_asked ON tidegate.run_returns (account_id, connection_id) WHERE state = 'asked';
COMMENT ON COLUMN tidegate.run_returns.held_until IS 'Until when somebody works at it, or until when it waits to be tried again.';
COMMENT ON COLUMN tidegate.run_returns.stem IS 'How the paths of its files begin: a repeat replaces its own files.';

ALTER TABLE tidegate.run_returns ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.run_returns FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.run_returns TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.run_returns TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.run_returns TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.run_returns TO tidegate_service;
GRANT SELECT (account_id, run_id, state, held_until, asked_at) ON tidegate.run_returns TO tidegate_watch;
