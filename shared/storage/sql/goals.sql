-- name: insert
-- A new goal, version 1.
INSERT INTO tidegate.goals (account_id, connection_id, kind, name, is_active, position, settings, created_by_email)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING goal_id

-- name: insert_version
-- A version of a goal, kept for ever: runs refer to it.
INSERT INTO tidegate.goal_versions (account_id, goal_id, version, settings, saved_by) VALUES ($1, $2, $3, $4, $5)

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

-- name: delete_of_connection
-- A connection's goals go with it.
UPDATE tidegate.goals SET deleted_at = now(), is_active = false
WHERE account_id = $1 AND connection_id = $2 AND deleted_at IS NULL
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

-- name: kinds
-- Of which kinds goals are, deleted ones left out.
SELECT goal_id, kind FROM tidegate.goals WHERE account_id = $1 AND goal_id = ANY ($2::uuid[]) AND deleted_at IS NULL

-- name: of_connection
-- The goals of a connection in their run order, deleted ones left out.
SELECT goal_id, connection_id, version, settings, created_at, created_by_email, deleted_at
FROM tidegate.goals
WHERE account_id = $1 AND connection_id = $2 AND deleted_at IS NULL
ORDER BY position, name, goal_id

-- name: of_segment
-- The active goals that are about a segment, by when they were made.
SELECT goal_id, connection_id, version, settings, created_at, created_by_email, deleted_at
FROM tidegate.goals
WHERE account_id = $1 AND settings ->> 'segment' = $2::text AND is_active AND deleted_at IS NULL
ORDER BY created_at, goal_id

-- name: page
-- The goals of a connection in their run order, after a cursor; deleted ones left out.
SELECT goal_id, connection_id, version, settings, created_at, created_by_email, deleted_at
FROM tidegate.goals
WHERE account_id = $1 AND connection_id = $2 AND deleted_at IS NULL
  AND ($3::text IS NULL OR kind = $3)
  AND ($4::boolean IS NULL OR is_active = $4)
  AND ($5::text IS NULL OR name = $5)
  AND ($6::integer IS NULL OR (position, name, goal_id) > ($6, $7::text, $8::uuid))
ORDER BY position, name, goal_id
LIMIT $9

-- name: versions
-- What was saved of a goal, newest first, before a cursor; with the key that saved it.
SELECT v.version, v.saved_at, v.saved_by, k.name AS saved_by_name
FROM tidegate.goal_versions v
LEFT JOIN tidegate.api_keys k ON k.account_id = v.account_id AND k.key_id = v.saved_by
WHERE v.account_id = $1 AND v.goal_id = $2 AND ($3::integer IS NULL OR v.version < $3)
  AND ($4::timestamptz IS NULL OR v.saved_at >= $4)
  AND ($5::timestamptz IS NULL OR v.saved_at < $5)
ORDER BY v.version DESC
LIMIT $6

-- name: version_saved
-- One version of a goal, with when and by which key it was saved.
SELECT v.version, v.saved_at, v.saved_by, k.name AS saved_by_name, v.settings
FROM tidegate.goal_versions v
LEFT JOIN tidegate.api_keys k ON k.account_id = v.account_id AND k.key_id = v.saved_by
WHERE v.account_id = $1 AND v.goal_id = $2 AND v.version = $3

-- name: version
-- What a goal said when a version of it was saved.
SELECT settings FROM tidegate.goal_versions WHERE account_id = $1 AND goal_id = $2 AND version = $3
