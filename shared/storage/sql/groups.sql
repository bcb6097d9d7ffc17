-- name: insert
-- A new group with its values.
INSERT INTO {schema}.groups (group_type, domain_group{names}) VALUES ($1, $2{values}) RETURNING id

-- name: get
-- One group.
SELECT g.id, g.group_type, g.domain_group, g.created_at, g.updated_at, g.version,
    (SELECT count(*) FROM {schema}.group_members m WHERE m.group_id = g.id AND m.removed_at IS NULL) AS members{columns}
FROM {schema}.groups g
WHERE g.id = $1

-- name: lock
-- One group, held for a change.
SELECT id FROM {schema}.groups WHERE id = $1 FOR UPDATE

-- name: page
-- Groups in the order of their ids, after a cursor: of a type, of a domain group, or that an identifier names.
SELECT g.id, g.group_type, g.domain_group, g.created_at, g.updated_at, g.version,
    (SELECT count(*) FROM {schema}.group_members m WHERE m.group_id = g.id AND m.removed_at IS NULL) AS members{columns}
FROM {schema}.groups g
WHERE g.id > $1 AND ($2::integer IS NULL OR g.group_type = $2) AND ($3::integer IS NULL OR g.domain_group = $3){named}
ORDER BY g.id
LIMIT $4

-- name: named
-- That an identifier names.
 AND g.{key} = $5

-- name: owner
-- The group of a type in a domain group that an identifier names.
SELECT g.id FROM {schema}.groups g WHERE g.group_type = $1 AND g.domain_group = $2 AND g.{key} = $3

-- name: change
-- Other values: a new version.
UPDATE {schema}.groups
SET {values}, updated_at = now(), version = version + 1, changed_xid = pg_current_xact_id()
WHERE id = $1

-- name: delete
-- The group itself.
DELETE FROM {schema}.groups WHERE id = $1
