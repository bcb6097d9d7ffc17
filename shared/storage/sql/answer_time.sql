-- name: limit
-- How many milliseconds each statement of the transaction may take from here on.
SELECT set_config('statement_timeout', $1, true)
