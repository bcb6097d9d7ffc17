-- The shared tables: configuration, ledger, outbox, keys. Run by the owner; forward only.
--
-- Every table leads its key with account_id and is under forced row-level security: the services' role sees the
-- account that its transaction named in tidegate.account, and nothing without it. The watching role sees
-- identities, states and times of all accounts, column by column, and changes nothing but the outbox's marks and
-- the duties' leases.

CREATE SCHEMA tidegate;
GRANT USAGE ON SCHEMA tidegate TO tidegate_service, tidegate_watch;

CREATE TABLE tidegate.schema_versions (
    number integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON tidegate.schema_versions TO tidegate_service, tidegate_watch;

-- The services' role owns the accounts' schemas and so must be able to make them.
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO tidegate_service', current_database()); END $$;

-- The account that the transaction speaks for; null where none was named, and then no row is seen.
CREATE FUNCTION tidegate.account_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('tidegate.account', true), '')::uuid $$;

CREATE TABLE tidegate.secret_keys (
    key_id bytea PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tidegate.secret_keys IS 'Identities of the keys that secrets were sealed with; a start with another key stops here.';
GRANT SELECT, INSERT ON tidegate.secret_keys TO tidegate_service;

CREATE TABLE tidegate.duties (
    duty text PRIMARY KEY,
    holder text NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE tidegate.duties IS 'What one process at a time does for all, such as sweeping; holds no tenant data.';
GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.duties TO tidegate_watch;

CREATE TABLE tidegate.accounts (
    account_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_operator boolean NOT NULL DEFAULT false,
    schema_version integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    served_at timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON COLUMN tidegate.accounts.served_at IS 'When a worker last claimed a run of it: workers take accounts in turn.';
CREATE UNIQUE INDEX accounts_one_operator ON tidegate.accounts (is_operator) WHERE is_operator;
INSERT INTO tidegate.accounts (account_id, name, is_operator)
    VALUES ('00000000-0000-0000-0000-000000000000', 'operator', true);

CREATE TABLE tidegate.api_keys (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    key_id uuid NOT NULL DEFAULT gen_random_uuid(),
    prefix text NOT NULL UNIQUE,
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    name text NOT NULL,
    email text,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (account_id, key_id)
);

CREATE TABLE tidegate.domain_groups (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    number integer NOT NULL CHECK (number > 0),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, number),
    UNIQUE (account_id, name)
);

CREATE TABLE tidegate.properties (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    property_id uuid NOT NULL DEFAULT gen_random_uuid(),
    record_type text NOT NULL DEFAULT 'profile' CHECK (record_type IN ('profile')),
    name text NOT NULL,
    type text NOT NULL,
    is_identifier boolean NOT NULL,
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, property_id),
    UNIQUE (account_id, record_type, name)
);

CREATE TABLE tidegate.drop_folders (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    drop_folder_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    quota_bytes bigint NOT NULL CHECK (quota_bytes > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, drop_folder_id),
    UNIQUE (account_id, name)
);

CREATE TABLE tidegate.credentials (
    account_id uuid NOT NULL,
    credential_id uuid NOT NULL DEFAULT gen_random_uuid(),
    drop_folder_id uuid NOT NULL,
    username text NOT NULL UNIQUE,
    directory text NOT NULL DEFAULT '',
    password_sha256 bytea CHECK (length(password_sha256) = 32),
    public_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (account_id, credential_id),
    FOREIGN KEY (account_id, drop_folder_id) REFERENCES tidegate.drop_folders,
    CHECK ((password_sha256 IS NULL) <> (public_key IS NULL))
);

CREATE TABLE tidegate.connections (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    connection_id uuid NOT NULL DEFAULT gen_random_uuid(),
    settings jsonb NOT NULL,
    drop_folder_id uuid,
    password_sealed bytea,
    private_key_sealed bytea,
    passphrase_sealed bytea,
    version integer NOT NULL DEFAULT 1,
    is_active boolean NOT NULL DEFAULT true,
    stopped_code text,
    stopped_detail text,
    offered_host_key text,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    looked_at timestamptz,
    next_look_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by_email text,
    PRIMARY KEY (account_id, connection_id),
    FOREIGN KEY (account_id, drop_folder_id) REFERENCES tidegate.drop_folders
);
CREATE INDEX connections_due ON tidegate.connections (next_look_at) WHERE is_active AND stopped_code IS NULL;
CREATE UNIQUE INDEX connections_one_per_folder ON tidegate.connections (account_id, drop_folder_id);
COMMENT ON COLUMN tidegate.connections.stopped_code IS 'Set where looking was stopped until a person acts, such as a changed host key.';

CREATE TABLE tidegate.watches (
    account_id uuid NOT NULL,
    connection_id uuid NOT NULL,
    holder text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, connection_id),
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections ON DELETE CASCADE
);
COMMENT ON TABLE tidegate.watches IS 'Which poller looks at a connection just now.';

CREATE TABLE tidegate.goals (
    account_id uuid NOT NULL,
    goal_id uuid NOT NULL DEFAULT gen_random_uuid(),
    connection_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    is_active boolean NOT NULL,
    position integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    settings jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by_email text,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, goal_id),
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections
);
CREATE INDEX goals_of_connection ON tidegate.goals (account_id, connection_id);

CREATE TABLE tidegate.goal_versions (
    account_id uuid NOT NULL,
    goal_id uuid NOT NULL,
    version integer NOT NULL,
    settings jsonb NOT NULL,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, goal_id, version),
    FOREIGN KEY (account_id, goal_id) REFERENCES tidegate.goals
);

CREATE TABLE tidegate.uploads (
    account_id uuid NOT NULL,
    upload_id uuid NOT NULL DEFAULT gen_random_uuid(),
    drop_folder_id uuid NOT NULL,
    path text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed', 'broken', 'moved')),
    size_bytes bigint,
    modified_at timestamptz,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (account_id, upload_id),
    FOREIGN KEY (account_id, drop_folder_id) REFERENCES tidegate.drop_folders,
    CHECK ((state = 'closed') <= (closed_at IS NOT NULL AND size_bytes IS NOT NULL AND modified_at IS NOT NULL))
);
CREATE INDEX uploads_of_path ON tidegate.uploads (account_id, drop_folder_id, path, opened_at DESC);
COMMENT ON TABLE tidegate.uploads IS 'What clients did on hosted folders; the dropserver writes it, the poller reads it.';

CREATE TABLE tidegate.arrivals (
    account_id uuid NOT NULL,
    arrival_id uuid NOT NULL DEFAULT gen_random_uuid(),
    connection_id uuid NOT NULL,
    path text NOT NULL,
    size_bytes bigint NOT NULL,
    modified_at timestamptz NOT NULL,
    sighting integer NOT NULL,
    upload_id uuid,
    state text NOT NULL CHECK (state IN ('waiting', 'unmatched', 'accepted', 'settled', 'vanished')),
    reason_code text,
    reason_detail text,
    sha256 text,
    seen_at timestamptz NOT NULL DEFAULT now(),
    stamped_at timestamptz NOT NULL DEFAULT now(),
    accepted_at timestamptz,
    settling_until timestamptz,
    settled_at timestamptz,
    settled_as text,
    settled_path text,
    vanished_at timestamptz,
    PRIMARY KEY (account_id, arrival_id),
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections,
    UNIQUE (account_id, connection_id, path, size_bytes, modified_at, sighting),
    UNIQUE (account_id, upload_id),
    CHECK ((state = 'accepted') <= (accepted_at IS NOT NULL)),
    CHECK ((state = 'settled') <= (settled_at IS NOT NULL))
);
CREATE INDEX arrivals_present ON tidegate.arrivals (account_id, connection_id, path) WHERE vanished_at IS NULL;
CREATE INDEX arrivals_by_path ON tidegate.arrivals (account_id, connection_id, path, sighting);
CREATE INDEX arrivals_by_time ON tidegate.arrivals (account_id, seen_at, arrival_id);
CREATE INDEX arrivals_unsettled ON tidegate.arrivals (account_id, arrival_id) WHERE state = 'accepted' AND settled_at IS NULL;
COMMENT ON COLUMN tidegate.arrivals.stamped_at IS 'When size and time were first seen as they are now: readiness "stable" counts from here.';

CREATE TABLE tidegate.runs (
    account_id uuid NOT NULL,
    run_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('import', 'export')),
    connection_id uuid NOT NULL,
    goal_id uuid NOT NULL,
    goal_version integer NOT NULL,
    arrival_id uuid,
    replay integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    request_id uuid,
    parent_run_id uuid,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'waiting', 'completed',
        'completed_with_rejects', 'failed', 'skipped', 'cancelled', 'undone')),
    waits_for text CHECK (waits_for IN ('retry', 'approval')),
    reason_code text,
    reason_detail text,
    what_to_do text,
    order_at timestamptz NOT NULL,
    order_name text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    token bigint NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT now(),
    rung_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    retry_at timestamptz,
    hold_until timestamptz,
    approved_at timestamptz,
    cancel_requested_at timestamptz,
    sha256 text,
    delivered_name text,
    rows_read bigint NOT NULL DEFAULT 0,
    rows_created bigint NOT NULL DEFAULT 0,
    rows_updated bigint NOT NULL DEFAULT 0,
    rows_unchanged bigint NOT NULL DEFAULT 0,
    rows_skipped bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    receipt jsonb,
    traceparent text,
    PRIMARY KEY (account_id, run_id),
    FOREIGN KEY (account_id, goal_id, goal_version) REFERENCES tidegate.goal_versions,
    FOREIGN KEY (account_id, arrival_id) REFERENCES tidegate.arrivals,
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections,
    UNIQUE (account_id, arrival_id, goal_id, replay),
    UNIQUE (account_id, goal_id, due_at),
    UNIQUE (account_id, goal_id, request_id),
    CHECK (num_nonnulls(arrival_id, due_at, request_id) = 1),
    CHECK (rows_read = rows_created + rows_updated + rows_unchanged + rows_skipped + rows_rejected),
    CHECK ((state = 'waiting') = (waits_for IS NOT NULL)),
    CHECK ((state IN ('queued', 'running', 'waiting')) = (finished_at IS NULL)),
    CHECK (coalesce(waits_for = 'retry', false) = (retry_at IS NOT NULL))
);
CREATE INDEX runs_open ON tidegate.runs (account_id, goal_id, order_at, order_name)
    WHERE state IN ('queued', 'running', 'waiting');
CREATE INDEX runs_to_ring ON tidegate.runs (rung_at) WHERE state IN ('queued', 'waiting');
CREATE INDEX runs_by_time ON tidegate.runs (account_id, queued_at, run_id);
CREATE INDEX runs_of_arrival ON tidegate.runs (account_id, arrival_id);
CREATE INDEX runs_effective ON tidegate.runs (account_id, goal_id, finished_at)
    WHERE state IN ('completed', 'completed_with_rejects');

CREATE TABLE tidegate.run_leases (
    account_id uuid NOT NULL,
    run_id uuid NOT NULL,
    token bigint NOT NULL,
    worker text NOT NULL,
    expires_at timestamptz NOT NULL,
    step text,
    rows_done bigint NOT NULL DEFAULT 0,
    bytes_done bigint NOT NULL DEFAULT 0,
    bytes_total bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, run_id),
    FOREIGN KEY (account_id, run_id) REFERENCES tidegate.runs
);
CREATE INDEX run_leases_expiring ON tidegate.run_leases (expires_at);
COMMENT ON TABLE tidegate.run_leases IS 'Who carries out a run. Apart from runs, because a merge locks the run''s row and a heartbeat must not wait for it.';

CREATE TABLE tidegate.run_backends (
    account_id uuid NOT NULL,
    run_id uuid NOT NULL,
    token bigint NOT NULL,
    pid integer NOT NULL,
    backend_started_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, run_id, pid, backend_started_at),
    FOREIGN KEY (account_id, run_id) REFERENCES tidegate.runs
);
COMMENT ON TABLE tidegate.run_backends IS 'The database connections of a run, recorded before their first write: whoever takes over ends just these.';

CREATE TABLE tidegate.outbox (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    message_id uuid NOT NULL,
    name text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    PRIMARY KEY (account_id, message_id)
);
CREATE INDEX outbox_unsent ON tidegate.outbox (created_at) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON tidegate.outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE tidegate.notifications (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    notification_id uuid NOT NULL DEFAULT gen_random_uuid(),
    code text NOT NULL,
    title text NOT NULL,
    detail text NOT NULL,
    what_to_do text NOT NULL,
    connection_id uuid,
    goal_id uuid,
    run_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz,
    PRIMARY KEY (account_id, notification_id)
);
CREATE INDEX notifications_by_time ON tidegate.notifications (account_id, created_at, notification_id);

CREATE TABLE tidegate.mails (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    mail_id uuid NOT NULL DEFAULT gen_random_uuid(),
    about_kind text NOT NULL CHECK (about_kind IN ('run', 'notification')),
    about_id uuid NOT NULL,
    about_state text NOT NULL,
    recipient text NOT NULL,
    state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sent', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz,
    sent_at timestamptz,
    last_error_code text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, mail_id),
    UNIQUE (account_id, about_id, about_state, recipient)
);
CREATE INDEX mails_due ON tidegate.mails (next_try_at) WHERE state = 'due';

CREATE TABLE tidegate.inquiries (
    account_id uuid NOT NULL,
    inquiry_id uuid NOT NULL DEFAULT gen_random_uuid(),
    connection_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('verify')),
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'taken', 'answered')),
    asked_at timestamptz NOT NULL DEFAULT now(),
    taken_until timestamptz,
    answered_at timestamptz,
    answer jsonb,
    PRIMARY KEY (account_id, inquiry_id),
    FOREIGN KEY (account_id, connection_id) REFERENCES tidegate.connections
);
COMMENT ON TABLE tidegate.inquiries IS 'Questions to partners'' servers, asked by the api and answered by the poller.';

-- Walls. One policy a table for the services, one for the watching role, one for the owner who migrates.
DO $$
DECLARE
    shared_table text;
BEGIN
    FOREACH shared_table IN ARRAY ARRAY['accounts', 'api_keys', 'domain_groups', 'properties', 'drop_folders',
        'credentials', 'connections', 'watches', 'goals', 'goal_versions', 'uploads', 'arrivals', 'runs',
        'run_leases', 'run_backends', 'outbox', 'notifications', 'mails', 'inquiries']
    LOOP
        EXECUTE format('ALTER TABLE tidegate.%I ENABLE ROW LEVEL SECURITY', shared_table);
        EXECUTE format('ALTER TABLE tidegate.%I FORCE ROW LEVEL SECURITY', shared_table);
        EXECUTE format('CREATE POLICY own_account ON tidegate.%I TO tidegate_service '
            'USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id())', shared_table);
        EXECUTE format('CREATE POLICY watching ON tidegate.%I TO tidegate_watch USING (true)', shared_table);
        EXECUTE format('CREATE POLICY migrating ON tidegate.%I TO tidegate_owner USING (true)', shared_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON tidegate.%I TO tidegate_service', shared_table);
    END LOOP;
END $$;
GRANT DELETE ON tidegate.watches, tidegate.run_leases, tidegate.run_backends, tidegate.uploads TO tidegate_service;

GRANT SELECT (account_id, is_operator, schema_version, created_at, served_at) ON tidegate.accounts TO tidegate_watch;
GRANT SELECT (account_id, key_id, prefix, expires_at, revoked_at) ON tidegate.api_keys TO tidegate_watch;
GRANT SELECT (account_id, credential_id, drop_folder_id, username, revoked_at) ON tidegate.credentials TO tidegate_watch;
GRANT SELECT (account_id, connection_id, drop_folder_id, is_active, stopped_code, failures_in_a_row, looked_at, next_look_at)
    ON tidegate.connections TO tidegate_watch;
GRANT SELECT (account_id, connection_id, holder, expires_at) ON tidegate.watches TO tidegate_watch;
GRANT SELECT (account_id, goal_id, connection_id, kind, is_active, version, deleted_at) ON tidegate.goals TO tidegate_watch;
GRANT SELECT (account_id, upload_id, drop_folder_id, state, opened_at, closed_at) ON tidegate.uploads TO tidegate_watch;
GRANT SELECT (account_id, arrival_id, connection_id, state, upload_id, seen_at, accepted_at, settling_until, settled_at, vanished_at)
    ON tidegate.arrivals TO tidegate_watch;
GRANT SELECT (account_id, run_id, kind, connection_id, goal_id, goal_version, arrival_id, state, waits_for, order_at, attempt,
    token, queued_at, rung_at, started_at, finished_at, retry_at, hold_until) ON tidegate.runs TO tidegate_watch;
GRANT SELECT (account_id, run_id, token, expires_at) ON tidegate.run_leases TO tidegate_watch;
GRANT SELECT, DELETE, UPDATE (sent_at) ON tidegate.outbox TO tidegate_watch;
GRANT SELECT (account_id, mail_id, state, attempts, next_try_at, claimed_until) ON tidegate.mails TO tidegate_watch;
GRANT SELECT (account_id, inquiry_id, state, asked_at, taken_until) ON tidegate.inquiries TO tidegate_watch;

CREATE TABLE tidegate.host_keys (
    fingerprint text PRIMARY KEY,
    algorithm text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tidegate.host_keys IS 'What the hosted SFTP server proves itself with; told by it, handed to partners by the api. No tenant data.';
GRANT SELECT, INSERT, UPDATE ON tidegate.host_keys TO tidegate_service;
