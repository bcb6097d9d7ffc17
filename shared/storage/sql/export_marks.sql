-- name: last
-- What a goal's last delivered export was one moment of, and when its run was asked for.
SELECT m.goal_version, m.snapshot, m.system_identifier, m.taken_at, r.queued_at
FROM {schema}.export_marks m JOIN tidegate.runs r ON r.account_id = $2 AND r.run_id = m.run_id WHERE m.goal_id = $1

-- name: present
-- The moment that a transaction of one snapshot sees, and in which cluster.
SELECT pg_current_snapshot()::text AS snapshot, (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
    now() AS taken_at

-- name: parts
-- The parts of what a goal's last delivered export told, each found by the one before it in the index.
WITH RECURSIVE found (part) AS (
    SELECT min(s.part) FROM {schema}.export_sets s WHERE s.goal_id = $1
    UNION ALL
    SELECT (SELECT min(s.part) FROM {schema}.export_sets s WHERE s.goal_id = $1 AND s.part > f.part) FROM found f
    WHERE f.part IS NOT NULL
)
SELECT part FROM found WHERE part IS NOT NULL

-- name: put
-- Another export was delivered: what changed from now on is what its moment did not see.
INSERT INTO {schema}.export_marks (goal_id, goal_version, run_id, snapshot, system_identifier, taken_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (goal_id) DO UPDATE SET goal_version = EXCLUDED.goal_version, run_id = EXCLUDED.run_id,
    snapshot = EXCLUDED.snapshot, system_identifier = EXCLUDED.system_identifier, taken_at = EXCLUDED.taken_at

-- name: forget_told
-- Whom the goal's last export told of: another takes its place in the same transaction, or the goal is taken away.
DELETE FROM {schema}.export_sets WHERE goal_id = $1

-- name: forget_mark
-- What the last export of a goal that is taken away was one moment of.
DELETE FROM {schema}.export_marks WHERE goal_id = $1

-- name: hold_goal
-- Whether a goal is still there, and so it stays until the transaction ends.
SELECT true FROM tidegate.goals WHERE account_id = $1 AND goal_id = $2 AND deleted_at IS NULL FOR SHARE
