-- name: lock
-- Starting services look at the recorded keys one at a time.
SELECT pg_advisory_xact_lock(7436201945)

-- name: recorded
-- Keys that secrets may have been sealed with.
SELECT key_id FROM tidegate.secret_keys

-- name: record
-- A key that seals from now on.
INSERT INTO tidegate.secret_keys (key_id) VALUES ($1) ON CONFLICT DO NOTHING
