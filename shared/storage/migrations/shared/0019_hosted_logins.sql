-- Logins of hosted folders: what each may do, until when, from where; and the former secret while one is rotated.

ALTER TABLE tidegate.credentials
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN rights text[] NOT NULL DEFAULT '{read,write,list}'
        CHECK (cardinality(rights) > 0 AND rights <@ '{read,write,list}'::text[]),
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN source_networks text[] NOT NULL DEFAULT '{}',
    ADD COLUMN former_password_sha256 bytea CHECK (length(former_password_sha256) = 32),
    ADD COLUMN former_public_key text,
    ADD COLUMN former_until timestamptz,
    ADD COLUMN version integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN tidegate.credentials.former_until IS 'Until when the secret before the last rotation opens as well.';
