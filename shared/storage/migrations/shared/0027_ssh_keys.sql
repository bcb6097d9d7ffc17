-- SSH key pairs of accounts, which several connections may use. Additions only.

CREATE TABLE tidegate.ssh_keys (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    ssh_key_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    description text NOT NULL,
    algorithm text NOT NULL,
    bits integer NOT NULL,
    fingerprint text NOT NULL,
    public_key text NOT NULL,
    private_key_sealed bytea NOT NULL,
    last_used_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, ssh_key_id),
    UNIQUE (account_id, name),
    UNIQUE (account_id, fingerprint)
);
COMMENT ON COLUMN tidegate.ssh_keys.private_key_sealed IS 'In OpenSSH''s format, without a passphrase.';
COMMENT ON COLUMN tidegate.ssh_keys.last_used_at IS 'When a login last took it, to the hour.';

ALTER TABLE tidegate.ssh_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.ssh_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.ssh_keys TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY migrating ON tidegate.ssh_keys TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.ssh_keys TO tidegate_service;

-- Which legacy algorithms the last login took.
ALTER TABLE tidegate.connections ADD COLUMN legacy_algorithms text[] NOT NULL DEFAULT '{}';
