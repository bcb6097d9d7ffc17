-- name: run_of_request
-- The run that an earlier request of the same identity made.
SELECT run_id FROM tidegate.runs WHERE account_id = $1 AND goal_id = $2 AND request_id = $3
