-- Lists: named parts of the contacts, with a number that other systems can name. Additions only.

CREATE SEQUENCE {schema}.list_numbers AS integer;

CREATE TABLE {schema}.lists (
    list_id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    number integer NOT NULL DEFAULT nextval('{schema}.list_numbers') UNIQUE,
    name text COLLATE "C" NOT NULL UNIQUE,
    members bigint NOT NULL DEFAULT 0 CHECK (members >= 0),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by_run uuid UNIQUE
);
COMMENT ON COLUMN {schema}.lists.members IS 'How many rows of list_members are not removed.';

-- No foreign keys: each row would be looked up for itself, and a first load builds the profiles' primary key when its
-- rows are in. Who writes here holds the list, and knows the profiles.
CREATE TABLE {schema}.list_members (
    list_number integer NOT NULL,
    profile_id bigint NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by_run uuid,
    removed_at timestamptz,
    removed_by_run uuid,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (list_number, profile_id)
);
CREATE INDEX list_members_of_profile ON {schema}.list_members (profile_id);
CREATE INDEX list_members_changed ON {schema}.list_members (list_number, changed_xid);
COMMENT ON COLUMN {schema}.list_members.removed_at IS 'Taken off, and still told: what was sent since a mark tells removals too.';
