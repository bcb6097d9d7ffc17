-- name: runnable_goals
-- Goals with something to claim, the account first that was served longest ago, less what the worker passes over.
-- Watching role.
SELECT r.account_id, r.goal_id
FROM tidegate.runs r
JOIN tidegate.accounts a USING (account_id)
WHERE r.kind = $1 AND r.account_id <> ALL ($4::uuid[]) AND r.connection_id <> ALL ($5::uuid[]) AND (r.attempt = 0 OR $6)
  AND (r.state = 'queued' OR (r.state = 'waiting' AND r.waits_for = 'retry' AND r.retry_at <= now()))
  AND NOT EXISTS (SELECT FROM tidegate.resting_connections n
                  WHERE n.account_id = r.account_id AND n.connection_id = r.connection_id)
  AND NOT EXISTS (
    SELECT FROM tidegate.runs other
    WHERE other.account_id = r.account_id AND other.goal_id = r.goal_id
      AND (other.state = 'running'
        OR (other.state = 'waiting' AND other.waits_for = 'retry' AND other.retry_at > now()
            AND other.hold_until > now() AND other.order_at < r.order_at)))
GROUP BY r.account_id, r.goal_id, a.served_at
ORDER BY a.served_at, min(r.queued_at)
LIMIT $2 OFFSET $3

-- name: lock_goal
-- Claims of one goal go one at a time; who finds it locked looks elsewhere. And what may keep its runs from beginning.
SELECT (NOT g.is_active AND g.deleted_at IS NULL) OR NOT coalesce((c.settings ->> 'active')::boolean, true) AS is_paused,
    coalesce(g.settings -> 'blackouts', '[]') || coalesce(c.settings -> 'blackouts', '[]') AS blackouts
FROM tidegate.goals g
JOIN tidegate.connections c ON c.account_id = g.account_id AND c.connection_id = g.connection_id
WHERE g.account_id = $1 AND g.goal_id = $2
FOR NO KEY UPDATE OF g SKIP LOCKED

-- name: lock_gate
-- The same, where something keeps its runs from beginning, with the connection held too: who resumes that in this very
-- moment would not see runs that are held back beside it. None while somebody changes it.
SELECT (NOT g.is_active AND g.deleted_at IS NULL) OR NOT coalesce((c.settings ->> 'active')::boolean, true) AS is_paused,
    coalesce(g.settings -> 'blackouts', '[]') || coalesce(c.settings -> 'blackouts', '[]') AS blackouts
FROM tidegate.goals g
JOIN tidegate.connections c ON c.account_id = g.account_id AND c.connection_id = g.connection_id
WHERE g.account_id = $1 AND g.goal_id = $2
FOR KEY SHARE OF c SKIP LOCKED

-- name: hold_back
-- Runs of a goal that may not begin now: they wait until then, or until somebody resumes it. Who is paused is looked at
-- again each hour: services of an earlier release let nothing go when they resume it.
UPDATE tidegate.runs
SET state = 'waiting', waits_for = 'retry', retry_at = coalesce($3::timestamptz, now() + interval '1 hour'),
    reason_code = $4, reason_detail = $5, what_to_do = NULL
WHERE account_id = $1 AND goal_id = $2
  AND (state = 'queued' OR (state = 'waiting' AND waits_for = 'retry' AND retry_at <= now()))

-- name: let_go
-- What kept runs from beginning may be otherwise now; of a goal, or of all of a connection. Whoever claims them judges.
UPDATE tidegate.runs SET retry_at = now()
WHERE account_id = $1 AND (goal_id = $2 OR connection_id = $3) AND state = 'waiting' AND waits_for = 'retry'
  AND reason_code IN ('paused', 'blackout')

-- name: claim_head
-- The goal's next run in the order of modification time and name, if nothing runs and nothing before it holds. A person
-- may decide about it while we wait for its row: then it is not what we saw, and state and token say so.
WITH head AS (
    SELECT run_id, state, token, retry_at
    FROM tidegate.runs
    WHERE account_id = $1 AND goal_id = $2
      AND (state IN ('queued', 'running')
        OR (state = 'waiting' AND waits_for = 'retry' AND (retry_at <= now() OR hold_until > now())))
    ORDER BY (state = 'running') DESC, order_at, order_name COLLATE "C", queued_at, run_id
    LIMIT 1
)
UPDATE tidegate.runs r
SET state = 'running', waits_for = NULL, retry_at = NULL, reason_code = NULL, reason_detail = NULL, what_to_do = NULL,
    token = r.token + 1, attempt = r.attempt + 1, started_at = now()
FROM head
WHERE r.account_id = $1 AND r.run_id = head.run_id AND r.state = head.state AND r.token = head.token
  AND (head.state = 'queued' OR (head.state = 'waiting' AND head.retry_at <= now()))
RETURNING r.run_id, r.goal_id, r.goal_version, r.connection_id, r.arrival_id, r.attempt, r.token,
    r.approved_at IS NOT NULL AS is_approved, r.approval, r.queued_at, r.started_at, r.traceparent, r.replay

-- name: take_lease
-- The lease of a run just claimed.
INSERT INTO tidegate.run_leases (account_id, run_id, token, worker, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
ON CONFLICT (account_id, run_id) DO UPDATE
SET token = excluded.token, worker = excluded.worker, expires_at = excluded.expires_at,
    step = NULL, rows_done = 0, bytes_done = 0, bytes_total = 0

-- name: serve_account
-- Workers take accounts in turn.
UPDATE tidegate.accounts SET served_at = clock_timestamp() WHERE account_id = $1
