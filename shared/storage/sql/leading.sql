-- name: hold
-- Followers of one manual import's goal are led one after the other.
SELECT goal_id FROM tidegate.goals WHERE account_id = $1 AND goal_id = $2 FOR NO KEY UPDATE

-- name: latest
-- The latest import under a manual import's goal that has completed.
SELECT run_id FROM tidegate.runs
WHERE account_id = $1 AND goal_id = $2 AND state IN ('completed', 'completed_with_rejects')
ORDER BY order_at DESC, order_name DESC, queued_at DESC, run_id DESC
LIMIT 1

-- name: followers
-- Goals that follow the imports of a manual import's goal, and are led by another one than that.
SELECT g.goal_id FROM tidegate.goals g
JOIN tidegate.runs r ON r.account_id = g.account_id AND r.run_id = (g.settings -> 'led_by' ->> 'import_id')::uuid
WHERE g.account_id = $1 AND g.deleted_at IS NULL AND (g.settings -> 'led_by' -> 'latest')::boolean
  AND r.goal_id = $2 AND r.run_id <> $3
ORDER BY g.goal_id

-- name: led
-- Which goals imports lead.
SELECT g.goal_id, g.settings ->> 'name' AS name, (g.settings -> 'led_by' ->> 'import_id')::uuid AS import_id
FROM tidegate.goals g
WHERE g.account_id = $1 AND g.deleted_at IS NULL AND g.settings -> 'led_by' ->> 'import_id' = ANY ($2::text[])
ORDER BY g.position, g.name, g.goal_id
