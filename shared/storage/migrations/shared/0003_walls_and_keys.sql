-- A rotation marks the keys that it wants to retire; who seals with such a key after all takes the mark away, and the
-- key is then not forgotten. A row stands for a key that something may be sealed with, so it can be deleted in the end.
ALTER TABLE tidegate.secret_keys ADD COLUMN is_retiring boolean NOT NULL DEFAULT false;
GRANT UPDATE (is_retiring), DELETE ON tidegate.secret_keys TO tidegate_service;
COMMENT ON COLUMN tidegate.secret_keys.is_retiring IS 'A rotation is replacing it, and nothing was sealed with it since.';

-- The same function, its body bound when it is defined: a text would be read under the search_path of whoever asks, and
-- a function of theirs could stand in for current_setting.
CREATE OR REPLACE FUNCTION tidegate.account_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('tidegate.account', true), '')::uuid;
