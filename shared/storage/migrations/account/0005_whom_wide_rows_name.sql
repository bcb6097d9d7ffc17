-- A row that no page can hold is put aside by whatever columns the table beside has: its numbers, and whom it names.
CREATE OR REPLACE FUNCTION {schema}.put_wide_aside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 OR pg_column_size(NEW) < 8000 THEN
        RETURN NEW;
    END IF;
    BEGIN
        EXECUTE format('INSERT INTO %I.%I SELECT ($1).*', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW;
    EXCEPTION WHEN program_limit_exceeded THEN
        EXECUTE format('INSERT INTO %1$I.%2$I SELECT r.* FROM jsonb_populate_record(NULL::%1$I.%2$I, $1) r',
            TG_TABLE_SCHEMA, TG_TABLE_NAME || '_w') USING to_jsonb(NEW);
    END;
    RETURN NULL;
END $$;
