-- Sessions on partners' servers, shared by all workers, and how logins went there. An addition only.

-- Unlogged: after a crash of the database nobody holds anything, and taking a session waits for no disk.
CREATE UNLOGGED TABLE tidegate.host_sessions (
    ticket uuid PRIMARY KEY,
    host_key bytea NOT NULL,
    login_key bytea NOT NULL,
    asked bigint GENERATED ALWAYS AS IDENTITY,
    most integer NOT NULL,
    is_held boolean NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX host_sessions_of_host ON tidegate.host_sessions (host_key);
COMMENT ON TABLE tidegate.host_sessions IS 'Who holds a session of a host, and who stands in line for one; holds no tenant data.';
COMMENT ON COLUMN tidegate.host_sessions.host_key IS 'SHA-256 of host and port.';
COMMENT ON COLUMN tidegate.host_sessions.most IS 'How many this one thinks the host may have.';

CREATE TABLE tidegate.partner_logins (
    login_key bytea PRIMARY KEY,
    succeeded_at timestamptz,
    refused_at timestamptz,
    cut_off_at timestamptz,
    told_at timestamptz NOT NULL
);
COMMENT ON TABLE tidegate.partner_logins IS 'How logins at partners'' servers went last; holds no tenant data.';
COMMENT ON COLUMN tidegate.partner_logins.login_key IS 'A keyed hash of host, port, user and credential, which leads back to none of them.';

GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.host_sessions, tidegate.partner_logins TO tidegate_watch;
