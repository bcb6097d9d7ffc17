-- name: ask
-- A run has ended whose goal puts something back into the drop folder; anew where it had ended before and was retried.
INSERT INTO tidegate.run_returns (account_id, run_id, connection_id)
SELECT r.account_id, r.run_id, r.connection_id
FROM tidegate.runs r
JOIN tidegate.goal_versions v ON v.account_id = r.account_id AND v.goal_id = r.goal_id AND v.version = r.goal_version
WHERE r.account_id = $1 AND r.run_id = $2 AND r.arrival_id IS NOT NULL
  AND v.settings -> 'rejects' ->> 'return_to' IS NOT NULL
ON CONFLICT (account_id, run_id) DO UPDATE
SET state = 'asked', token = run_returns.token + 1, attempt = 0, held_until = NULL, files = '{}', reason_code = NULL,
    asked_at = now(), ended_at = NULL
RETURNING run_id

-- name: begin
-- Who does it; one at a time, again after a crash or a pause. Not while the run is carried out anew.
UPDATE tidegate.run_returns t
SET token = token + 1, attempt = attempt + 1, held_until = now() + make_interval(secs => $3)
WHERE t.account_id = $1 AND t.run_id = $2 AND t.state = 'asked' AND (t.held_until IS NULL OR t.held_until < now())
  AND EXISTS (SELECT FROM tidegate.runs r
              WHERE r.account_id = t.account_id AND r.run_id = t.run_id AND r.finished_at IS NOT NULL)
RETURNING token, attempt, stem

-- name: keep
-- It is still being done; no row where it is no longer ours.
UPDATE tidegate.run_returns SET held_until = now() + make_interval(secs => $4)
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'asked'
RETURNING run_id

-- name: name
-- How its files are called, unless another of the connection's is about to be called so, or was so since somebody looked
-- at what lies there. The connection is held.
UPDATE tidegate.run_returns t SET stem = $4
WHERE t.account_id = $1 AND t.run_id = $2 AND t.token = $3 AND t.state = 'asked'
  AND NOT EXISTS (SELECT FROM tidegate.run_returns o
                  WHERE o.account_id = t.account_id AND o.connection_id = t.connection_id AND o.stem = $4
                    AND o.run_id <> t.run_id AND (o.state = 'asked' OR o.ended_at >= $5))
RETURNING run_id

-- name: postpone
-- It did not work this time; the sweeper rings again. Who only finds a host busy asks less often the longer it waits.
UPDATE tidegate.run_returns
SET held_until = now() + make_interval(secs => CASE WHEN $6 THEN $4::float8
        ELSE greatest($4::float8, least(extract(epoch FROM now() - asked_at)::float8 / 4, $7::float8)) END),
    reason_code = $5,
    attempt = CASE WHEN $6 THEN attempt ELSE greatest(attempt - 1, 0) END
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'asked'

-- name: end
-- It is done, or given up; no row where it is no longer ours.
UPDATE tidegate.run_returns
SET state = $4, files = $5, reason_code = $6, held_until = NULL, ended_at = now()
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'asked'
RETURNING run_id

-- name: leave_behind
-- The connection is taken away: nobody puts anything there any more.
UPDATE tidegate.run_returns
SET state = 'failed', token = token + 1, reason_code = 'connection_deleted', held_until = NULL, ended_at = now()
WHERE account_id = $1 AND connection_id = $2 AND state = 'asked'

-- name: unreturned
-- What was asked for so long ago and nobody does: who waits longest first, and so many of an account. Watching role.
SELECT account_id, run_id
FROM (
    SELECT t.account_id, t.run_id, coalesce(t.held_until, t.asked_at) AS due_at,
        row_number() OVER (
            PARTITION BY t.account_id ORDER BY coalesce(t.held_until, t.asked_at), t.run_id) AS in_turn
    FROM tidegate.run_returns t
    JOIN tidegate.runs r USING (account_id, run_id)
    WHERE t.state = 'asked' AND t.asked_at < now() - make_interval(secs => $1)
      AND (t.held_until IS NULL OR t.held_until < now()) AND r.finished_at IS NOT NULL
) AS unreturned
WHERE in_turn <= $3
ORDER BY in_turn, due_at, run_id
LIMIT $2
