-- name: insert
-- A new list; no row when the name is taken.
INSERT INTO {schema}.lists (name, created_by_run) VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING
RETURNING list_id, number, name, members, version, created_at, created_by_run

-- name: get
-- One list.
SELECT list_id, number, name, members, version, created_at, created_by_run FROM {schema}.lists WHERE list_id = $1

-- name: lock
-- One list, held for a change.
SELECT list_id, number, name, members, version, created_at, created_by_run FROM {schema}.lists WHERE list_id = $1
FOR UPDATE

-- name: hold
-- Lists by ids and numbers, kept from being deleted. Imports that put people on them do not wait for each other here.
SELECT list_id, number, name, members, version, created_at, created_by_run FROM {schema}.lists
WHERE list_id = ANY ($1::uuid[]) OR number = ANY ($2::integer[])
ORDER BY number
FOR KEY SHARE

-- name: named
-- Lists by ids and numbers.
SELECT list_id, number FROM {schema}.lists WHERE list_id = ANY ($1::uuid[]) OR number = ANY ($2::integer[])

-- name: page
-- Lists in the order of their numbers, after a cursor.
SELECT list_id, number, name, members, version, created_at, created_by_run FROM {schema}.lists
WHERE number > $3 AND ($1::text IS NULL OR name = $1) AND ($2::integer IS NULL OR number = $2)
ORDER BY number
LIMIT $4

-- name: rename
-- Another name: a new version.
UPDATE {schema}.lists SET name = $2, version = version + 1, renamed_xid = pg_current_xact_id() WHERE list_id = $1
RETURNING list_id, number, name, members, version, created_at, created_by_run

-- name: users
-- Goals, ten at most, that are not deleted and name a list by its id or number.
SELECT g.goal_id FROM tidegate.goals g
WHERE g.account_id = $1 AND g.deleted_at IS NULL
  AND (g.settings #> '{lists,add_to}' @> $2::jsonb OR g.settings #> '{lists,add_to}' @> $3::jsonb
    OR $2::jsonb @> (g.settings -> 'list') OR $3::jsonb @> (g.settings -> 'list')
    OR g.settings @? '$.columns[*].lists' AND EXISTS (
      SELECT FROM jsonb_path_query(g.settings, '$.columns[*].lists') named (lists)
      WHERE named.lists @> $2::jsonb OR named.lists @> $3::jsonb))
ORDER BY g.goal_id
LIMIT 10

-- name: take_all_off
-- Nobody is on it any more, and for some that is news.
UPDATE {schema}.list_members SET removed_at = now(), removed_by_run = NULL, changed_xid = pg_current_xact_id()
WHERE list_number = $1 AND removed_at IS NULL

-- name: delete
-- The list itself. Its number is not given again.
DELETE FROM {schema}.lists WHERE list_id = $1

-- name: taken
-- Names that begin so: what a list that an import makes may not be called.
SELECT name FROM {schema}.lists WHERE starts_with(name, $1)

-- name: count
-- So many more are on it, or fewer.
UPDATE {schema}.lists SET members = members + $2 WHERE number = $1
