-- name: lock_account
-- Types of groups of one account are made one at a time.
SELECT account_id FROM tidegate.accounts WHERE account_id = $1 FOR NO KEY UPDATE

-- name: insert
-- A new type of groups, numbered after the others; no row when the name is taken.
INSERT INTO tidegate.group_types (account_id, number, name, settings)
SELECT $1, coalesce(max(number), 0) + 1, $2, $3 FROM tidegate.group_types WHERE account_id = $1
ON CONFLICT (account_id, name) DO NOTHING
RETURNING number, settings, version, created_at

-- name: count
-- How many the account has.
SELECT count(*) FROM tidegate.group_types WHERE account_id = $1

-- name: get
-- One type of groups.
SELECT number, settings, version, created_at FROM tidegate.group_types WHERE account_id = $1 AND name = $2

-- name: lock
-- One type of groups, held for a change.
SELECT number, settings, version, created_at FROM tidegate.group_types WHERE account_id = $1 AND name = $2
FOR UPDATE

-- name: hold
-- Types of groups by name, kept from being changed and deleted. Those who make groups do not wait for each other here.
SELECT number, settings, version, created_at FROM tidegate.group_types WHERE account_id = $1 AND name = ANY ($2::text[])
ORDER BY name
FOR SHARE

-- name: list
-- All types of groups, in the order in which they were made.
SELECT number, settings, version, created_at FROM tidegate.group_types WHERE account_id = $1 ORDER BY number

-- name: page
-- Some of the types of groups, after a cursor.
SELECT number, settings, version, created_at FROM tidegate.group_types
WHERE account_id = $1 AND number > $2
ORDER BY number
LIMIT $3

-- name: change
-- Another label: a new version.
UPDATE tidegate.group_types SET settings = $3, version = version + 1 WHERE account_id = $1 AND number = $2
RETURNING number, settings, version, created_at

-- name: has_groups
-- Whether there is a group of the type.
SELECT EXISTS (SELECT FROM {schema}.groups WHERE group_type = $1)

-- name: goals
-- Goals, ten at most, that are not deleted and are about a type of groups, or show it.
SELECT g.goal_id FROM tidegate.goals g
WHERE g.account_id = $1 AND g.deleted_at IS NULL
  AND (jsonb_path_exists(g.settings, '$.group_type ? (@ == $type)', $2::jsonb)
       OR jsonb_path_exists(g.settings, '$.columns[*].group.type ? (@ == $type)', $2::jsonb))
ORDER BY g.goal_id
LIMIT 10

-- name: delete
-- The type itself.
DELETE FROM tidegate.group_types WHERE account_id = $1 AND number = $2
