-- name: insert
-- A new goal, version 1.
INSERT INTO tidegate.goals (account_id, connection_id, kind, name, is_active, position, settings, created_by_email)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING goal_id

-- name: insert_version
-- A version of a goal, kept for ever: runs refer to it.
INSERT INTO tidegate.goal_versions (account_id, goal_id, version, settings) VALUES ($1, $2, $3, $4)

-- name: update
-- Other settings: the next version.
UPDATE tidegate.goals
SET kind = $3, name = $4, is_active = $5, position = $6, settings = $7, version = version + 1
WHERE account_id = $1 AND goal_id = $2 AND deleted_at IS NULL
RETURNING version

-- name: delete
-- Gone for people; kept for the runs that refer to it.
UPDATE tidegate.goals SET deleted_at = now(), is_active = false
WHERE account_id = $1 AND goal_id = $2 AND deleted_at IS NULL
RETURNING goal_id

-- name: get
-- One goal, deleted or not.
SELECT goal_id, connection_id, version, settings, created_at, created_by_email, deleted_at
FROM tidegate.goals
WHERE account_id = $1 AND goal_id = $2

-- name: lock
-- One goal, held for a change that depends on what it is.
SELECT goal_id, connection_id, version, settings, created_at, created_by_email, deleted_at
FROM tidegate.goals
WHERE account_id = $1 AND goal_id = $2
FOR UPDATE

-- name: of_connection
-- The goals of a connection in their run order, deleted ones left out.
SELECT goal_id, connection_id, version, settings, created_at, created_by_email, deleted_at
FROM tidegate.goals
WHERE account_id = $1 AND connection_id = $2 AND deleted_at IS NULL
ORDER BY position, name, goal_id

-- name: version
-- What a goal said when a version of it was saved.
SELECT settings FROM tidegate.goal_versions WHERE account_id = $1 AND goal_id = $2 AND version = $3
