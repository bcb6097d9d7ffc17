-- What an account has switched on of ways to other systems. Where nothing is said a way is open, as all were until now.

CREATE TABLE tidegate.integrations (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    kind text NOT NULL CHECK (kind IN ('hosted_folders', 'partner_servers', 'one_shot_imports')),
    state text NOT NULL CHECK (state IN ('off', 'active', 'paused')),
    version integer NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, kind)
);
ALTER TABLE tidegate.integrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.integrations FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.integrations TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.integrations TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.integrations TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE ON tidegate.integrations TO tidegate_service;
GRANT SELECT (account_id, kind, state) ON tidegate.integrations TO tidegate_watch;

ALTER TABLE tidegate.connections ADD COLUMN integration text GENERATED ALWAYS AS (
    CASE settings -> 'place' ->> 'transport'
        WHEN 'hosted' THEN 'hosted_folders'
        WHEN 'one_shot' THEN 'one_shot_imports'
        WHEN 'manual' THEN 'manual_imports'
        ELSE 'partner_servers' END) STORED;
GRANT SELECT (integration) ON tidegate.connections TO tidegate_watch;

CREATE VIEW tidegate.resting_connections WITH (security_invoker = true) AS
SELECT c.account_id, c.connection_id
FROM tidegate.connections c
JOIN tidegate.integrations i ON i.account_id = c.account_id AND i.kind = c.integration AND i.state <> 'active';
COMMENT ON VIEW tidegate.resting_connections IS 'Nothing is looked at there, and runs wait: the account has switched the integration off, or paused it.';
GRANT SELECT ON tidegate.resting_connections TO tidegate_service, tidegate_watch;
