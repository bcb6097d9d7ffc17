-- One account's own schema: profiles with typed columns, and the rejects of its runs. Run by the services' role,
-- which owns it. {schema} is the account's schema, quoted.

CREATE SCHEMA {schema};

CREATE SEQUENCE {schema}.profile_ids AS bigint;

CREATE TABLE {schema}.profiles (
    id bigint NOT NULL DEFAULT nextval('{schema}.profile_ids') PRIMARY KEY,
    domain_group integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by_run uuid,
    updated_by_run uuid,
    opt_in boolean,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX profiles_changed ON {schema}.profiles (changed_xid);
COMMENT ON COLUMN {schema}.profiles.changed_xid IS 'The transaction that last changed the row: "changed since" is a snapshot, not a clock.';

-- Rows that were not imported, as they were read. A run's rejects count once it has ended, under its last token.
CREATE TABLE {schema}.rejects (
    run_id uuid NOT NULL,
    token bigint NOT NULL,
    record_number bigint NOT NULL,
    line_number bigint NOT NULL,
    code text NOT NULL,
    field text,
    raw bytea[] NOT NULL,
    PRIMARY KEY (run_id, token, record_number)
);

-- Put a staged row that no page can hold aside, so that it does not end the COPY of all others. Staging tables with
-- very many columns have this trigger; the row itself is the test, and rows that are narrow for certain skip it.
CREATE FUNCTION {schema}.put_wide_aside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 OR pg_column_size(NEW) < 8000 THEN
        RETURN NEW;
    END IF;
    BEGIN
        EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW;
    EXCEPTION WHEN program_limit_exceeded THEN
        EXECUTE format('INSERT INTO %I.%I (record_number, line_number) VALUES ($1, $2)',
            TG_TABLE_SCHEMA, TG_TABLE_NAME || '_w') USING NEW.record_number, NEW.line_number;
    END;
    RETURN NULL;
END $$;
