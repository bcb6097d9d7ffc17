-- name: page
-- Who is on a list, after a cursor.
SELECT profile_id, added_at, added_by_run FROM {schema}.list_members
WHERE list_number = $1 AND profile_id > $2 AND removed_at IS NULL
ORDER BY profile_id
LIMIT $3

-- name: lists_of
-- The lists that some profiles are on, so many of each.
SELECT m.profile_id, m.added_at, l.list_id, l.number, l.name
FROM unnest($1::bigint[]) AS one (profile_id)
CROSS JOIN LATERAL (
    SELECT m.profile_id, m.list_number, m.added_at FROM {schema}.list_members m
    WHERE m.profile_id = one.profile_id AND m.removed_at IS NULL
    ORDER BY m.added_at DESC, m.list_number DESC
    LIMIT $2
) m
JOIN {schema}.lists l ON l.number = m.list_number
ORDER BY m.profile_id, m.added_at DESC, m.list_number DESC

-- name: add
-- Put profiles on a list. Who is on it is passed over, not locked: as a rule that is nearly everybody.
INSERT INTO {schema}.list_members AS m (list_number, profile_id, added_by_run)
SELECT $1, c.id, $2
FROM {chosen} c
WHERE NOT EXISTS (
    SELECT FROM {schema}.list_members o WHERE o.list_number = $1 AND o.profile_id = c.id AND o.removed_at IS NULL)
ORDER BY c.id
ON CONFLICT (list_number, profile_id) DO UPDATE
SET added_at = now(), added_by_run = excluded.added_by_run, removed_at = NULL, removed_by_run = NULL,
    changed_xid = pg_current_xact_id()
WHERE m.removed_at IS NOT NULL

-- name: remove
-- Take profiles off a list, and note when.
UPDATE {schema}.list_members m
SET removed_at = now(), removed_by_run = $2, changed_xid = pg_current_xact_id()
FROM (SELECT c.id FROM {chosen} c ORDER BY c.id) c
WHERE m.list_number = $1 AND m.profile_id = c.id AND m.removed_at IS NULL
