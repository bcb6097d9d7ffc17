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
