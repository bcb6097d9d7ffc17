-- OpenPGP keys: one's own, partners' public ones, and passwords that files are encrypted with. An addition only.

CREATE TABLE tidegate.openpgp_keys (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    openpgp_key_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('own', 'partner', 'password')),
    name text NOT NULL,
    fingerprint text,
    facts jsonb,
    public_part text,
    private_key_sealed bytea,
    passphrase_sealed bytea,
    password_sealed bytea,
    is_revoked boolean NOT NULL DEFAULT false,
    expires_at timestamptz,
    warned_days integer,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, openpgp_key_id),
    UNIQUE (account_id, name),
    UNIQUE (account_id, fingerprint),
    CHECK ((kind = 'password') = (fingerprint IS NULL)),
    CHECK (num_nulls(fingerprint, facts, public_part) IN (0, 3)),
    CHECK ((kind = 'own') = (private_key_sealed IS NOT NULL)),
    CHECK ((kind = 'password') = (password_sealed IS NOT NULL))
);
CREATE INDEX openpgp_keys_expiring ON tidegate.openpgp_keys (expires_at);
COMMENT ON COLUMN tidegate.openpgp_keys.warned_days IS 'Of the last notice that it expires: how many days before.';

ALTER TABLE tidegate.openpgp_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.openpgp_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.openpgp_keys TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.openpgp_keys TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.openpgp_keys TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.openpgp_keys TO tidegate_service;
GRANT SELECT (account_id, openpgp_key_id, kind, is_revoked, expires_at, warned_days) ON tidegate.openpgp_keys TO tidegate_watch;
