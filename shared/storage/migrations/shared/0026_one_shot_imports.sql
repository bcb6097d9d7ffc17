-- One-shot imports: a built-in connection for each server that they fetch from, and who logs in there for which
-- arrival. Additions only.

CREATE UNIQUE INDEX connections_one_shot ON tidegate.connections
    (account_id, lower(settings -> 'place' ->> 'host'), (settings -> 'place' ->> 'port'))
    WHERE settings -> 'place' ->> 'transport' = 'one_shot' AND deleted_at IS NULL;

ALTER TABLE tidegate.arrivals ADD COLUMN is_stamped boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN tidegate.arrivals.is_stamped IS 'Whether size and time are the file''s: of a one-shot import they are known once the importer looked.';

CREATE TABLE tidegate.one_shots (
    account_id uuid NOT NULL,
    arrival_id uuid NOT NULL,
    username text NOT NULL,
    password_sealed bytea,
    email_position integer NOT NULL,
    warnings jsonb NOT NULL,
    PRIMARY KEY (account_id, arrival_id),
    FOREIGN KEY (account_id, arrival_id) REFERENCES tidegate.arrivals
);
COMMENT ON COLUMN tidegate.one_shots.password_sealed IS 'Deleted with the end of the run.';
COMMENT ON COLUMN tidegate.one_shots.warnings IS 'What the request was told besides its run; the receipt tells it too.';

ALTER TABLE tidegate.one_shots ENABLE ROW LEVEL SECURITY;
ALTER TABLE tidegate.one_shots FORCE ROW LEVEL SECURITY;
CREATE POLICY own_account ON tidegate.one_shots TO tidegate_service
    USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id());
CREATE POLICY migrating ON tidegate.one_shots TO tidegate_owner USING (true);
GRANT SELECT, INSERT, UPDATE ON tidegate.one_shots TO tidegate_service;
