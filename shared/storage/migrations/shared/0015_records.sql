-- The other records of the contact database: types of timeline events, types of groups, segments. Groups have
-- properties as profiles have. Additions only.

ALTER TABLE tidegate.properties
    DROP CONSTRAINT properties_record_type_check,
    ADD CONSTRAINT properties_record_type_check CHECK (record_type IN ('profile', 'group'));

CREATE TABLE tidegate.event_types (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    event_type_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    settings jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, event_type_id),
    UNIQUE (account_id, name)
);

CREATE TABLE tidegate.group_types (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    group_type_id uuid NOT NULL DEFAULT gen_random_uuid(),
    number integer NOT NULL CHECK (number > 0),
    name text NOT NULL,
    settings jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, group_type_id),
    UNIQUE (account_id, number),
    UNIQUE (account_id, name)
);

CREATE TABLE tidegate.segments (
    account_id uuid NOT NULL REFERENCES tidegate.accounts,
    segment_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    settings jsonb NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, segment_id),
    UNIQUE (account_id, name)
);

DO $$ DECLARE t text; BEGIN
    FOREACH t IN ARRAY ARRAY['event_types', 'group_types', 'segments'] LOOP
        EXECUTE format('ALTER TABLE tidegate.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE tidegate.%I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY own_account ON tidegate.%I TO tidegate_service
            USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id())', t);
        EXECUTE format('CREATE POLICY migrating ON tidegate.%I TO tidegate_owner USING (true)', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.%I TO tidegate_service', t);
    END LOOP;
END $$;
