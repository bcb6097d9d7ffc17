-- What is remembered of logins at hosted folders: failures, by address and user name, and from where each has logged in.

CREATE TABLE tidegate.login_scores (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    score_id uuid NOT NULL DEFAULT gen_random_uuid(),
    username text NOT NULL,
    network text NOT NULL,
    score double precision NOT NULL DEFAULT 0 CHECK (score >= 0),
    scored_at timestamptz NOT NULL DEFAULT now(),
    banned_at timestamptz,
    banned_until timestamptz,
    known_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, score_id),
    UNIQUE (account_id, username, network),
    CHECK (username <> '' OR network <> '')
);
COMMENT ON TABLE tidegate.login_scores IS
    'Failed logins. Of a network alone (username empty, the operator''s), of a user name alone (network empty), of one from the other.';
COMMENT ON COLUMN tidegate.login_scores.known_at IS 'The last good login of that user name from that network.';
CREATE INDEX login_scores_asked ON tidegate.login_scores (username, network);
CREATE INDEX login_scores_of_network ON tidegate.login_scores (network) WHERE known_at IS NOT NULL;

ALTER TABLE tidegate.login_scores ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.login_scores FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.login_scores TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.login_scores TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.login_scores TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.login_scores TO tidegate_service;
GRANT SELECT (account_id, username, network, score, scored_at, banned_until, known_at) ON tidegate.login_scores
    TO tidegate_watch;
