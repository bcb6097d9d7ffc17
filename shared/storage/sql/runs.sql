-- name: insert
-- New runs. Doubled requests meet the unique keys and make nothing.
INSERT INTO tidegate.runs (account_id, run_id, kind, connection_id, goal_id, goal_version, arrival_id, replay, request_id,
    order_at, order_name, traceparent, due_at)
SELECT g.account_id, n.run_id, n.kind, g.connection_id, g.goal_id, g.version, n.arrival_id, n.replay, n.request_id, n.order_at,
    n.order_name, n.traceparent, n.due_at
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::text[], $9::text[],
    $10::timestamptz[], $11::integer[])
    AS n (run_id, goal_id, kind, arrival_id, request_id, order_at, order_name, traceparent, due_at, replay)
JOIN tidegate.goals g ON g.account_id = $1 AND g.goal_id = n.goal_id
ON CONFLICT DO NOTHING
RETURNING run_id

-- name: hold_queued
-- A run of a goal that has not begun, or begins anew: nobody claims it while this transaction lasts.
SELECT run_id FROM tidegate.runs
WHERE account_id = $1 AND goal_id = $2 AND (state = 'queued' OR (state = 'waiting' AND waits_for = 'retry'))
ORDER BY order_at, order_name LIMIT 1
FOR NO KEY UPDATE

-- name: heartbeat
-- Keep the lease and tell how far the run is; no row when another has taken over.
UPDATE tidegate.run_leases l
SET expires_at = now() + make_interval(secs => $4), step = $5, rows_done = $6, bytes_done = $7, bytes_total = $8
WHERE l.account_id = $1 AND l.run_id = $2 AND l.token = $3
RETURNING (SELECT r.cancel_requested_at IS NOT NULL FROM tidegate.runs r
           WHERE r.account_id = l.account_id AND r.run_id = l.run_id) AS is_cancelled

-- name: hold
-- Whether the run is still ours, held so while this transaction lasts; and whether somebody asked to cancel it.
SELECT cancel_requested_at IS NOT NULL AS is_cancelled FROM tidegate.runs
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'running'
FOR SHARE

-- name: record_backend
-- A connection of the run, before its first write.
INSERT INTO tidegate.run_backends (account_id, run_id, token, pid, backend_started_at)
SELECT $1, $2, $3, a.pid, a.backend_start FROM pg_stat_activity a WHERE a.pid = $4
ON CONFLICT (account_id, run_id, pid, backend_started_at) DO UPDATE SET token = excluded.token
RETURNING pid

-- name: forget_backends
-- The run's connections do nothing for it any more.
DELETE FROM tidegate.run_backends WHERE account_id = $1 AND run_id = $2 AND token <= $3

-- name: end_backends
-- End the connections of the run under a token or an earlier one that still live, but for our own; how many there were.
SELECT count(pg_terminate_backend(a.pid)) AS ended
FROM tidegate.run_backends b
JOIN pg_stat_activity a ON a.pid = b.pid AND a.backend_start = b.backend_started_at
WHERE b.account_id = $1 AND b.run_id = $2 AND b.token <= $3 AND a.pid <> pg_backend_pid()

-- name: drop_lease
-- The run has ended or goes back.
DELETE FROM tidegate.run_leases WHERE account_id = $1 AND run_id = $2 AND token = $3

-- name: finish
-- The last word of a run, fenced: no row when another has taken over.
UPDATE tidegate.runs
SET state = $4, finished_at = now(), reason_code = $5, reason_detail = $6, what_to_do = $7, sha256 = coalesce($8, sha256),
    rows_read = $9, rows_created = $10, rows_updated = $11, rows_unchanged = $12, rows_skipped = $13, rows_rejected = $14,
    receipt = $15, parent_run_id = $16
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'running'
RETURNING run_id

-- name: wait
-- Put a run aside, until a time or until a person decides; fenced. One that holds no later runs never does.
UPDATE tidegate.runs
SET state = 'waiting', waits_for = $4, reason_code = $5, reason_detail = $6, what_to_do = $7,
    retry_at = CASE WHEN $4 = 'retry' THEN now() + make_interval(secs => $8) END,
    hold_until = CASE WHEN $4 = 'retry' THEN coalesce(hold_until,
        CASE WHEN $9::float8 > 0 THEN now() + make_interval(secs => $9) ELSE '-infinity' END) END,
    sha256 = coalesce($10, sha256), receipt = $11, attempt = CASE WHEN $12 THEN attempt ELSE greatest(attempt - 1, 0) END
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'running'
RETURNING run_id

-- name: hand_back
-- A worker that stops gives its run back; that is no attempt. Fenced.
UPDATE tidegate.runs
SET state = 'queued', attempt = greatest(attempt - 1, 0), rung_at = now()
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'running'
RETURNING run_id

-- name: next_of_goal
-- The run that may go on when this goal is free, to be rung.
SELECT run_id FROM tidegate.runs
WHERE account_id = $1 AND goal_id = $2 AND run_id <> $3 AND state = 'queued'
ORDER BY order_at, order_name, queued_at
LIMIT 1

-- name: has_read
-- Whether such content is a duplicate: what the goal's latest effective run of this version read, or the latest that was
-- no file of rejects (these come back between a file and its repetition), or any that was.
WITH effective AS (
    SELECT sha256, parent_run_id, finished_at FROM tidegate.runs
    WHERE account_id = $1 AND goal_id = $2 AND goal_version = $3 AND run_id <> $4
      AND state IN ('completed', 'completed_with_rejects')
)
SELECT coalesce((SELECT sha256 = $5 FROM effective ORDER BY finished_at DESC LIMIT 1), false)
    OR coalesce((SELECT sha256 = $5 FROM effective WHERE parent_run_id IS NULL ORDER BY finished_at DESC LIMIT 1), false)
    OR EXISTS (SELECT FROM effective WHERE parent_run_id IS NOT NULL AND sha256 = $5)

-- name: has_ever_read
-- Whether any effective run of this version read such content.
SELECT EXISTS (SELECT FROM tidegate.runs
    WHERE account_id = $1 AND goal_id = $2 AND goal_version = $3 AND run_id <> $4
      AND state IN ('completed', 'completed_with_rejects') AND sha256 = $5)

-- name: columns_seen
-- The columns of the files that the goal's latest effective runs read; not all of its runs, which may be very many.
SELECT DISTINCT seen.name
FROM (SELECT receipt FROM tidegate.runs
      WHERE account_id = $1 AND goal_id = $2 AND run_id <> $3 AND state IN ('completed', 'completed_with_rejects')
      ORDER BY finished_at DESC
      LIMIT 50) AS latest
CROSS JOIN LATERAL jsonb_array_elements_text(
    coalesce(receipt #> '{file,columns}', '[]') || coalesce(receipt #> '{file,further_columns}', '[]')) AS seen (name)

-- name: newer_completed
-- Whether a run that comes after this one in its goal's order has completed already. Runs of a goal whose order was
-- changed meanwhile, by time ($3 never is one) or by name ($3 always), are not compared.
SELECT EXISTS (
    SELECT FROM tidegate.runs mine
    JOIN tidegate.runs other ON other.account_id = mine.account_id AND other.goal_id = mine.goal_id
    WHERE mine.account_id = $1 AND mine.run_id = $2
      AND other.state IN ('completed', 'completed_with_rejects')
      AND (other.order_at = $3) = (mine.order_at = $3)
      AND (other.order_at, other.order_name COLLATE "C") > (mine.order_at, mine.order_name COLLATE "C"))

-- name: mendable
-- Runs that a file says it hands rejects back of, as far as they are ended ones of its goal; and whether rows of theirs
-- have come back before.
SELECT r.run_id, EXISTS (
    SELECT FROM tidegate.runs m
    WHERE m.account_id = r.account_id AND m.parent_run_id = r.run_id
      AND m.rows_created + m.rows_updated + m.rows_unchanged > 0) AS was_mended
FROM tidegate.runs r
WHERE r.account_id = $1 AND r.goal_id = $2 AND r.run_id <> $3 AND r.run_id = ANY ($4::uuid[]) AND r.finished_at IS NOT NULL
ORDER BY r.queued_at, r.run_id

-- name: lock
-- A run, held for a decision about it.
SELECT run_id, kind, goal_id, goal_version, connection_id, arrival_id, replay, state, waits_for, attempt, token, reason_code,
    cancel_requested_at IS NOT NULL AS is_cancelled
FROM tidegate.runs
WHERE account_id = $1 AND run_id = $2
FOR UPDATE

-- name: requeue
-- Back into the queue: approved, retried, or taken from a lost worker. The new token shuts the old worker out. Only a
-- person's word lets the attempts, and the time for which it may hold its goal's later runs, begin anew.
UPDATE tidegate.runs
SET state = 'queued', waits_for = NULL, retry_at = NULL, finished_at = NULL, token = token + 1, rung_at = now(),
    cancel_requested_at = NULL, reason_code = NULL, reason_detail = NULL, what_to_do = NULL,
    receipt = NULL, rows_read = 0, rows_created = 0, rows_updated = 0, rows_unchanged = 0, rows_skipped = 0,
    rows_rejected = 0,
    attempt = CASE WHEN $3 THEN 0 ELSE attempt END,
    hold_until = CASE WHEN NOT $3 THEN hold_until END,
    approved_at = CASE WHEN $4 THEN now() ELSE approved_at END,
    approval = CASE WHEN $4 THEN jsonb_build_object('code', reason_code, 'goal_version', goal_version,
                                                    'absent', receipt -> 'absent') ELSE approval END
WHERE account_id = $1 AND run_id = $2

-- name: adopt_version
-- The goal as it is now: people mend it, then retry.
UPDATE tidegate.runs r SET goal_version = g.version
FROM tidegate.goals g
WHERE r.account_id = $1 AND r.run_id = $2 AND g.account_id = r.account_id AND g.goal_id = r.goal_id

-- name: end_without_worker
-- End a run that nobody carries out: cancelled by a person, or given up after its workers died.
UPDATE tidegate.runs
SET state = $3, waits_for = NULL, retry_at = NULL, finished_at = now(), token = token + 1,
    reason_code = $4, reason_detail = $5, what_to_do = $6, receipt = $7
WHERE account_id = $1 AND run_id = $2

-- name: request_cancel
-- Ask the worker to stop; it hears with its next heartbeat.
UPDATE tidegate.runs SET cancel_requested_at = now() WHERE account_id = $1 AND run_id = $2

-- name: set_delivered_name
-- The name an export is delivered under belongs to the run, so that a repeat replaces its own file. Fenced.
UPDATE tidegate.runs SET delivered_name = coalesce(delivered_name, $4)
WHERE account_id = $1 AND run_id = $2 AND token = $3 AND state = 'running'
RETURNING delivered_name

-- name: free_name
-- The first of these names that no other run of the goal is delivered under.
SELECT c.name
FROM unnest($4::text[]) WITH ORDINALITY AS c (name, place)
WHERE NOT EXISTS (SELECT FROM tidegate.runs r
                  WHERE r.account_id = $1 AND r.goal_id = $2 AND r.delivered_name = c.name AND r.run_id <> $3)
ORDER BY c.place
LIMIT 1

-- name: get
-- One run with what it is about.
SELECT r.run_id, r.kind, r.connection_id, r.goal_id, r.goal_version, r.arrival_id, r.replay, r.parent_run_id, r.state,
    r.waits_for, r.reason_code, r.reason_detail, r.what_to_do, r.attempt, r.token, r.queued_at, r.started_at,
    r.finished_at,
    CASE WHEN r.state <> 'waiting' OR r.reason_code IS DISTINCT FROM 'paused' THEN r.retry_at END AS retry_at,
    r.approved_at, r.sha256, r.delivered_name, r.receipt, a.path,
    CASE WHEN a.is_stamped THEN a.size_bytes END AS size_bytes,
    ARRAY(SELECT m.run_id FROM tidegate.runs m WHERE m.account_id = r.account_id AND m.parent_run_id = r.run_id
          ORDER BY m.queued_at, m.run_id LIMIT 100) AS mended_by,
    t.state AS return_state, t.files AS return_files, t.reason_code AS return_reason_code,
    t.ended_at AS return_ended_at,
    l.step, l.rows_done, l.bytes_done, l.bytes_total
FROM tidegate.runs r
LEFT JOIN tidegate.arrivals a ON a.account_id = r.account_id AND a.arrival_id = r.arrival_id
LEFT JOIN tidegate.run_returns t ON t.account_id = r.account_id AND t.run_id = r.run_id
LEFT JOIN tidegate.run_leases l ON l.account_id = r.account_id AND l.run_id = r.run_id AND l.token = r.token
    AND r.state = 'running'
WHERE r.account_id = $1 AND r.run_id = $2

-- name: progress
-- How far a run is, without its receipt: this is asked again and again.
SELECT r.state, r.waits_for, r.reason_code, r.reason_detail, r.what_to_do, r.attempt, l.step, l.rows_done, l.bytes_done,
    l.bytes_total
FROM tidegate.runs r
LEFT JOIN tidegate.run_leases l ON l.account_id = r.account_id AND l.run_id = r.run_id AND l.token = r.token
    AND r.state = 'running'
WHERE r.account_id = $1 AND r.run_id = $2

-- name: page
-- Runs, newest first, after a cursor; without the names of their files' columns, of which each may have megabytes.
SELECT r.run_id, r.kind, r.connection_id, r.goal_id, r.goal_version, r.arrival_id, r.replay, r.parent_run_id, r.state,
    r.waits_for, r.reason_code, r.reason_detail, r.what_to_do, r.attempt, r.token, r.queued_at, r.started_at,
    r.finished_at,
    CASE WHEN r.state <> 'waiting' OR r.reason_code IS DISTINCT FROM 'paused' THEN r.retry_at END AS retry_at,
    r.approved_at, r.sha256, r.delivered_name,
    r.receipt #- '{file,columns}' AS receipt, a.path,
    CASE WHEN a.is_stamped THEN a.size_bytes END AS size_bytes,
    ARRAY(SELECT m.run_id FROM tidegate.runs m WHERE m.account_id = r.account_id AND m.parent_run_id = r.run_id
          ORDER BY m.queued_at, m.run_id LIMIT 100) AS mended_by,
    t.state AS return_state, t.files AS return_files, t.reason_code AS return_reason_code,
    t.ended_at AS return_ended_at,
    l.step, l.rows_done, l.bytes_done, l.bytes_total
FROM tidegate.runs r
LEFT JOIN tidegate.arrivals a ON a.account_id = r.account_id AND a.arrival_id = r.arrival_id
LEFT JOIN tidegate.run_returns t ON t.account_id = r.account_id AND t.run_id = r.run_id
LEFT JOIN tidegate.run_leases l ON l.account_id = r.account_id AND l.run_id = r.run_id AND l.token = r.token
    AND r.state = 'running'
WHERE r.account_id = $1
  AND ($2::uuid IS NULL OR r.goal_id = $2)
  AND ($3::uuid IS NULL OR r.arrival_id = $3)
  AND ($4::text IS NULL OR r.state = $4)
  AND ($5::uuid IS NULL OR r.connection_id = $5)
  AND ($6::text IS NULL OR r.kind = $6)
  AND ($7::timestamptz IS NULL OR r.queued_at >= $7)
  AND ($8::timestamptz IS NULL OR r.queued_at < $8)
  AND ($9::timestamptz IS NULL OR (r.queued_at, r.run_id) < ($9, $10::uuid))
ORDER BY r.queued_at DESC, r.run_id DESC
LIMIT $11

-- name: forget_all_backends
-- A taken-over run starts with no connections,
DELETE FROM tidegate.run_backends WHERE account_id = $1 AND run_id = $2

-- name: drop_any_lease
-- and with nobody's lease.
DELETE FROM tidegate.run_leases WHERE account_id = $1 AND run_id = $2
