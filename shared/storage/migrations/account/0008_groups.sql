-- Groups (households, companies) with typed columns as profiles have, and who belongs to them. Additions only.

CREATE SEQUENCE {schema}.group_ids AS bigint;

CREATE TABLE {schema}.groups (
    id bigint NOT NULL DEFAULT nextval('{schema}.group_ids') PRIMARY KEY,
    group_type integer NOT NULL,
    domain_group integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by_run uuid,
    updated_by_run uuid,
    version integer NOT NULL DEFAULT 1,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX groups_of_type ON {schema}.groups (group_type, domain_group, id);
CREATE INDEX groups_changed ON {schema}.groups (changed_xid);

CREATE TABLE {schema}.group_members (
    group_id bigint NOT NULL,
    profile_id bigint NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    added_by_run uuid,
    removed_at timestamptz,
    removed_by_run uuid,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (group_id, profile_id)
);
CREATE INDEX group_members_of_profile ON {schema}.group_members (profile_id);
CREATE INDEX group_members_changed ON {schema}.group_members (changed_xid);
COMMENT ON COLUMN {schema}.group_members.removed_at IS 'Taken out, and still told: what was sent since a mark tells removals too.';
