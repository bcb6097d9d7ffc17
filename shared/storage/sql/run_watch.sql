-- name: lost
-- Leases that ran out: their worker is gone, in the middle of the run or after its end. Watching role.
SELECT l.account_id, l.run_id, l.token
FROM tidegate.run_leases l
JOIN tidegate.runs r USING (account_id, run_id)
WHERE l.expires_at < now() AND (r.state <> 'running' OR r.token = l.token)
ORDER BY l.expires_at
LIMIT 100

-- name: running_without_lease
-- Cannot be, but would be silent: a running run that nobody holds. Watching role.
SELECT r.account_id, r.run_id, r.token
FROM tidegate.runs r
LEFT JOIN tidegate.run_leases l ON l.account_id = r.account_id AND l.run_id = r.run_id AND l.token = r.token
WHERE r.state = 'running' AND l.run_id IS NULL AND r.started_at < now() - interval '60 seconds'
LIMIT 100

-- name: unheard
-- Runs that should have been claimed by now: ring again, for one of a goal at which nobody works. Watching role.
SELECT r.account_id, r.run_id, r.kind
FROM tidegate.runs r
WHERE r.rung_at < now() - make_interval(secs => $1)
  AND (r.state = 'queued' OR (r.state = 'waiting' AND r.waits_for = 'retry' AND r.retry_at <= now()))
  AND NOT EXISTS (SELECT FROM tidegate.resting_connections n
                  WHERE n.account_id = r.account_id AND n.connection_id = r.connection_id)
  AND NOT EXISTS (
    SELECT FROM tidegate.runs other
    WHERE other.account_id = r.account_id AND other.goal_id = r.goal_id
      AND (other.state = 'running'
        OR (other.state = 'queued' AND (other.order_at, other.queued_at, other.run_id) < (r.order_at, r.queued_at, r.run_id))))
ORDER BY r.rung_at
LIMIT 200

-- name: held_too_long
-- Retrying runs that hold their goal's later runs no longer, the longest first: people should know. Not while nothing of
-- the goal may begin: such runs may be many, and are no news. Watching role.
SELECT account_id, run_id, goal_id, connection_id
FROM tidegate.runs
WHERE state = 'waiting' AND waits_for = 'retry' AND hold_until < now() AND hold_until > '-infinity'
  AND coalesce(reason_code, '') NOT IN ('paused', 'blackout')
ORDER BY hold_until
LIMIT 100

-- name: stop_holding
-- The later runs of the goal go on; -infinity keeps a further retry from holding them anew. While nothing of the goal may
-- begin there is nothing to go on.
UPDATE tidegate.runs SET hold_until = '-infinity'
WHERE account_id = $1 AND run_id = $2 AND state = 'waiting' AND hold_until < now() AND hold_until > '-infinity'
  AND coalesce(reason_code, '') NOT IN ('paused', 'blackout')
RETURNING goal_id, connection_id

-- name: mark_rung
-- Rung again just now.
UPDATE tidegate.runs SET rung_at = now() WHERE account_id = $1 AND run_id = $2

-- name: totals
-- Runs by kind and state that have not ended, and how long the first has been so. Watching role.
SELECT kind, state, count(*) AS runs, extract(epoch FROM now() - min(queued_at))::float8 AS age_seconds
FROM tidegate.runs
WHERE state IN ('queued', 'running', 'waiting')
GROUP BY kind, state

-- name: successes
-- When a run completed last, by kind; one step into an index a goal. Watching role.
SELECT r.kind, extract(epoch FROM max(r.finished_at))::float8 AS at
FROM tidegate.goals g
CROSS JOIN LATERAL (
    SELECT kind, finished_at FROM tidegate.runs
    WHERE account_id = g.account_id AND goal_id = g.goal_id AND state IN ('completed', 'completed_with_rejects')
    ORDER BY finished_at DESC
    LIMIT 1
) r
GROUP BY r.kind

-- name: expire_leases
-- All leases run out at once: for the all in one, whose earlier process is known to be dead.
UPDATE tidegate.run_leases SET expires_at = now() - interval '1 second' WHERE account_id = $1
