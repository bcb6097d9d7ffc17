-- name: lock_account
-- Segments of one account are saved one at a time: whether one comes round to itself depends on all of them.
SELECT account_id FROM tidegate.accounts WHERE account_id = $1 FOR NO KEY UPDATE

-- name: insert
-- A new segment; no row when the name is taken.
INSERT INTO tidegate.segments (account_id, name, settings) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO NOTHING
RETURNING segment_id, settings, version, created_at

-- name: count
-- How many the account has.
SELECT count(*) FROM tidegate.segments WHERE account_id = $1

-- name: get
-- One segment.
SELECT segment_id, settings, version, created_at FROM tidegate.segments WHERE account_id = $1 AND segment_id = $2

-- name: lock
-- One segment, held for a change.
SELECT segment_id, settings, version, created_at FROM tidegate.segments WHERE account_id = $1 AND segment_id = $2
FOR UPDATE

-- name: hold
-- Segments, kept from being deleted.
SELECT segment_id FROM tidegate.segments WHERE account_id = $1 AND segment_id = ANY ($2::uuid[])
ORDER BY segment_id
FOR KEY SHARE

-- name: list
-- All of the account's segments.
SELECT segment_id, settings, version, created_at FROM tidegate.segments WHERE account_id = $1 ORDER BY name

-- name: page
-- Segments by their names, after a cursor.
SELECT segment_id, settings, version, created_at FROM tidegate.segments
WHERE account_id = $1 AND name > $3 AND ($2::text IS NULL OR name = $2)
ORDER BY name
LIMIT $4

-- name: change
-- Another name, description or condition: a new version.
UPDATE tidegate.segments SET name = $3, settings = $4, version = version + 1,
    renamed_xid = CASE WHEN name = $3 THEN renamed_xid ELSE pg_current_xact_id() END
WHERE account_id = $1 AND segment_id = $2
RETURNING segment_id, settings, version, created_at

-- name: delete
-- The segment itself.
DELETE FROM tidegate.segments WHERE account_id = $1 AND segment_id = $2

-- name: goals
-- Goals, ten at most, that are not deleted and name a segment, wherever they do.
SELECT g.goal_id FROM tidegate.goals g
WHERE g.account_id = $1 AND g.deleted_at IS NULL
  AND (jsonb_path_exists(g.settings, '$.**.segment ? (@ == $segment)', $2::jsonb)
       OR jsonb_path_exists(g.settings, '$.**.segments[*] ? (@ == $segment)', $2::jsonb))
ORDER BY g.goal_id
LIMIT 10

-- name: count_profiles
-- How many profiles of a domain group, or of all, fulfil a condition.
SELECT count(*) FROM {schema}.profiles p WHERE ($1::integer IS NULL OR p.domain_group = $1) AND {condition}

-- name: some_profiles
-- The first profiles that fulfil a condition, in the order in which they were made.
SELECT p.id, p.domain_group{columns} FROM {schema}.profiles p
WHERE ($1::integer IS NULL OR p.domain_group = $1) AND {condition}
ORDER BY p.id
LIMIT $2

-- name: plan_anew
-- What a plan is worth depends on what is asked for.
SET LOCAL plan_cache_mode = 'force_custom_plan'
