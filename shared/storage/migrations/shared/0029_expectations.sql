-- What goals expect of the files that they take, and what people were told of it. An addition only.

CREATE TABLE tidegate.expectations (
    account_id uuid NOT NULL,
    goal_id uuid NOT NULL,
    since timestamptz NOT NULL,
    judge_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, goal_id),
    FOREIGN KEY (account_id, goal_id) REFERENCES tidegate.goals
);
CREATE INDEX expectations_by_time ON tidegate.expectations (judge_at);
CREATE TABLE tidegate.expectations_told (
    account_id uuid NOT NULL,
    goal_id uuid NOT NULL,
    finding text COLLATE "C" NOT NULL,
    about text COLLATE "C" NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, goal_id, finding, about),
    FOREIGN KEY (account_id, goal_id) REFERENCES tidegate.goals
);
COMMENT ON COLUMN tidegate.expectations_told.about IS 'A day, or the id of an arrival.';

DO $$
DECLARE
    shared_table text;
BEGIN
    FOREACH shared_table IN ARRAY ARRAY['expectations', 'expectations_told']
    LOOP
        EXECUTE format('ALTER TABLE tidegate.%I ENABLE ROW LEVEL SECURITY', shared_table);
        EXECUTE format('ALTER TABLE tidegate.%I FORCE ROW LEVEL SECURITY', shared_table);
        EXECUTE format('CREATE POLICY own_account ON tidegate.%I TO tidegate_service '
            'USING (account_id = tidegate.account_id()) WITH CHECK (account_id = tidegate.account_id())', shared_table);
        EXECUTE format('CREATE POLICY watching ON tidegate.%I TO tidegate_watch USING (true)', shared_table);
        EXECUTE format('CREATE POLICY migrating ON tidegate.%I TO tidegate_owner USING (true)', shared_table);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON tidegate.%I TO tidegate_service', shared_table);
    END LOOP;
END $$;
GRANT SELECT (account_id, goal_id, judge_at) ON tidegate.expectations TO tidegate_watch;
