-- name: lock_account
-- Event types of one account are made one at a time.
SELECT account_id FROM tidegate.accounts WHERE account_id = $1 FOR NO KEY UPDATE

-- name: insert
-- A new event type; no row when the name is taken.
INSERT INTO tidegate.event_types (account_id, name, settings) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO NOTHING
RETURNING event_type_id, settings, version, created_at

-- name: count
-- How many the account has made.
SELECT count(*) FROM tidegate.event_types WHERE account_id = $1

-- name: get
-- One event type.
SELECT event_type_id, settings, version, created_at FROM tidegate.event_types WHERE account_id = $1 AND name = $2

-- name: lock
-- One event type, held for a change.
SELECT event_type_id, settings, version, created_at FROM tidegate.event_types WHERE account_id = $1 AND name = $2
FOR UPDATE

-- name: list
-- All that the account has made, in the order of their names.
SELECT event_type_id, settings, version, created_at FROM tidegate.event_types WHERE account_id = $1 ORDER BY name

-- name: page
-- Event types, oldest first, after a cursor.
SELECT event_type_id, settings, version, created_at FROM tidegate.event_types
WHERE account_id = $1 AND ($2::timestamptz IS NULL OR (created_at, event_type_id) > ($2, $3::uuid))
ORDER BY created_at, event_type_id
LIMIT $4

-- name: hold
-- Event types by name, kept from being changed and deleted. Those who write events do not wait for each other here.
SELECT settings FROM tidegate.event_types WHERE account_id = $1 AND name = ANY ($2::text[]) ORDER BY name
FOR SHARE

-- name: change
-- Other settings: a new version.
UPDATE tidegate.event_types SET settings = $3, version = version + 1 WHERE account_id = $1 AND event_type_id = $2
RETURNING event_type_id, settings, version, created_at

-- name: has_events
-- Whether there is an event of the type: the first from its name on in the index, however few or many there are of any.
SELECT coalesce((SELECT min(event_type) FROM {schema}.events WHERE event_type >= $1) = $1, false)

-- name: users
-- Goals, ten at most, that are not deleted and name an event type.
SELECT g.goal_id FROM tidegate.goals g
WHERE g.account_id = $1 AND g.deleted_at IS NULL
  AND (g.settings #>> '{event,type}' = $2::text OR g.settings #> '{events,types}' @> jsonb_build_array($2::text)
    OR jsonb_path_exists(g.settings, '$.event.type.types.* ? (@ == $name)', jsonb_build_object('name', $2::text)))
ORDER BY g.goal_id
LIMIT 10

-- name: delete
-- The event type itself.
DELETE FROM tidegate.event_types WHERE account_id = $1 AND event_type_id = $2
