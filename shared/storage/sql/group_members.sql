-- name: fitting
-- Those of some profiles that a group of a domain group can have, kept until the transaction ends.
SELECT p.id FROM {schema}.profiles p WHERE p.id = ANY ($1::bigint[]) AND p.domain_group = $2
ORDER BY p.id
FOR KEY SHARE

-- name: add
-- Put profiles into a group; who belongs to it already is passed over.
INSERT INTO {schema}.group_members AS m (group_id, profile_id)
SELECT $1, c.id FROM unnest($2::bigint[]) AS c (id) ORDER BY c.id
ON CONFLICT (group_id, profile_id) DO UPDATE
SET added_at = now(), added_by_run = NULL, removed_at = NULL, removed_by_run = NULL, changed_xid = pg_current_xact_id()
WHERE m.removed_at IS NOT NULL

-- name: remove
-- Take profiles out of a group, and note when.
UPDATE {schema}.group_members m SET removed_at = now(), removed_by_run = NULL, changed_xid = pg_current_xact_id()
WHERE m.group_id = $1 AND m.profile_id = ANY ($2::bigint[]) AND m.removed_at IS NULL

-- name: remove_all
-- Take everybody out of a group.
UPDATE {schema}.group_members m SET removed_at = now(), removed_by_run = NULL, changed_xid = pg_current_xact_id()
WHERE m.group_id = $1 AND m.removed_at IS NULL

-- name: page
-- Who belongs to a group, after a cursor.
SELECT profile_id, added_at, added_by_run FROM {schema}.group_members
WHERE group_id = $1 AND profile_id > $2 AND removed_at IS NULL
ORDER BY profile_id
LIMIT $3

-- name: groups_of
-- The groups that some profiles belong to, so many of each.
SELECT m.profile_id, m.added_at, g.id, g.group_type{columns}
FROM unnest($1::bigint[]) AS one (profile_id)
CROSS JOIN LATERAL (
    SELECT m.profile_id, m.group_id, m.added_at FROM {schema}.group_members m
    WHERE m.profile_id = one.profile_id AND m.removed_at IS NULL
    ORDER BY m.added_at DESC, m.group_id DESC
    LIMIT $2
) m
JOIN {schema}.groups g ON g.id = m.group_id
ORDER BY m.profile_id, m.added_at DESC, g.id DESC
