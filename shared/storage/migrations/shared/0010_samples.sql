-- Samples: files that were looked at, and what was found. Questions to the poller may ask for one. An addition only.

CREATE TABLE tidegate.samples (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    sample_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    connection_id uuid,
    path text,
    state text NOT NULL CHECK (state IN ('fetching', 'ready', 'failed')),
    kept_file_id uuid,
    answers jsonb NOT NULL DEFAULT '[]',
    findings bytea,
    reason jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, sample_id),
    CHECK ((connection_id IS NULL) = (path IS NULL)),
    CHECK (state <> 'ready' OR (kept_file_id IS NOT NULL AND findings IS NOT NULL))
);
CREATE INDEX samples_by_end ON tidegate.samples (expires_at);
COMMENT ON COLUMN tidegate.samples.findings IS 'JSON in UTF-8. Not jsonb, which cannot hold every character of a file.';

ALTER TABLE tidegate.samples ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.samples FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.samples TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY watching ON tidegate.samples TO tidegate_watch USING (true);
CREATE POLICY migrating ON tidegate.samples TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.samples TO tidegate_service;
GRANT SELECT (account_id, sample_id, expires_at) ON tidegate.samples TO tidegate_watch;

ALTER TABLE tidegate.inquiries
    ADD COLUMN sample_id uuid,
    DROP CONSTRAINT inquiries_kind_check,
    ADD CONSTRAINT inquiries_kind_check CHECK (kind IN ('verify', 'fetch_sample')),
    ADD CONSTRAINT inquiries_sample_check CHECK ((kind = 'fetch_sample') = (sample_id IS NOT NULL));
