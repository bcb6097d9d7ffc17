-- name: run_of_request
-- The run that an earlier request of the same identity made.
SELECT run_id FROM tidegate.runs WHERE account_id = $1 AND goal_id = $2 AND request_id = $3

-- name: has_open_runs
-- Whether a run of the arrival has not ended.
SELECT EXISTS (
    SELECT FROM tidegate.runs WHERE account_id = $1 AND arrival_id = $2 AND finished_at IS NULL)

-- name: next_of_goal
-- The run that may go on when this one holds its goal no longer.
SELECT run_id FROM tidegate.runs
WHERE account_id = $1 AND goal_id = $2 AND run_id <> $3 AND state = 'queued'
ORDER BY order_at, order_name, queued_at
LIMIT 1
