-- name: set
-- A goal expects something from now on; it is judged at its first deadline, and when something comes.
INSERT INTO tidegate.expectations (account_id, goal_id, since, judge_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, goal_id) DO UPDATE SET since = EXCLUDED.since, judge_at = EXCLUDED.judge_at

-- name: drop
-- It expects nothing any more.
DELETE FROM tidegate.expectations WHERE account_id = $1 AND goal_id = $2

-- name: hasten
-- Something came, or a run ended: goals that expect something are judged soon, many files together.
UPDATE tidegate.expectations SET judge_at = now() + make_interval(secs => $3)
WHERE account_id = $1 AND goal_id = ANY ($2::uuid[]) AND judge_at > now() + make_interval(secs => $3)

-- name: begin_anew
-- Goals of one connection, or of all of an integration, expect from then on, and when next is found out at once. What
-- expects for less long does so from when it did.
WITH held AS (
    SELECT e.account_id, e.goal_id FROM tidegate.expectations e
    JOIN tidegate.goals g ON g.account_id = e.account_id AND g.goal_id = e.goal_id
    JOIN tidegate.connections c ON c.account_id = g.account_id AND c.connection_id = g.connection_id
    WHERE e.account_id = $1 AND (c.connection_id = $3::uuid OR c.integration = $4::text)
    ORDER BY e.goal_id FOR UPDATE OF e)
UPDATE tidegate.expectations e SET since = least(greatest(e.since, $2), $5::timestamptz), judge_at = $5
FROM held WHERE e.account_id = held.account_id AND e.goal_id = held.goal_id

-- name: rests
-- Whether nothing is looked at for a goal.
SELECT NOT c.is_active OR EXISTS (SELECT FROM tidegate.resting_connections n
                                  WHERE n.account_id = c.account_id AND n.connection_id = c.connection_id)
FROM tidegate.goals g JOIN tidegate.connections c ON c.account_id = g.account_id AND c.connection_id = g.connection_id
WHERE g.account_id = $1 AND g.goal_id = $2

-- name: due
-- Goals to be judged, the first of each account before the second of any. Watching role.
SELECT account_id, goal_id FROM tidegate.expectations
WHERE judge_at <= $1 ORDER BY row_number() OVER (PARTITION BY account_id ORDER BY judge_at), judge_at LIMIT $2

-- name: hold
-- A goal that is to be judged, held; what another poller has in hand is left to it. So is one that is being saved: who
-- saves it holds it first, and noting what is told of it would wait for that.
SELECT e.since FROM tidegate.expectations e
JOIN tidegate.goals g ON g.account_id = e.account_id AND g.goal_id = e.goal_id
WHERE e.account_id = $1 AND e.goal_id = $2 AND e.judge_at <= $3
FOR UPDATE OF e SKIP LOCKED FOR KEY SHARE OF g SKIP LOCKED

-- name: since
-- Since when a goal expects what it does.
SELECT since FROM tidegate.expectations WHERE account_id = $1 AND goal_id = $2

-- name: judge_next
-- When it is judged next.
UPDATE tidegate.expectations SET judge_at = $3 WHERE account_id = $1 AND goal_id = $2

-- name: came
-- Files that have runs of a goal and came since a time, with the rows that were counted. The first ones, if very many.
SELECT a.arrival_id, a.stamped_at AS came_at, a.size_bytes, r.run_id,
    CASE WHEN r.state IN ('completed', 'completed_with_rejects') THEN r.rows_read END AS rows
FROM tidegate.runs r
JOIN tidegate.arrivals a ON a.account_id = r.account_id AND a.arrival_id = r.arrival_id
WHERE r.account_id = $1 AND r.goal_id = $2 AND r.queued_at >= $3 AND a.stamped_at >= $3 AND r.replay = 0
ORDER BY a.stamped_at, a.arrival_id
LIMIT $4

-- name: complete
-- Complete files of a goal's connection that wait for their turn and came since a time.
SELECT a.arrival_id, a.path, a.stamped_at AS came_at, a.size_bytes
FROM tidegate.arrivals a
JOIN tidegate.goals g ON g.account_id = a.account_id AND g.connection_id = a.connection_id
WHERE a.account_id = $1 AND g.goal_id = $2 AND a.stamped_at >= $3 AND a.state = 'waiting' AND a.vanished_at IS NULL
  AND a.reason_code IN ('scheduled', 'turn', 'blackout')
ORDER BY a.stamped_at, a.arrival_id
LIMIT $4

-- name: tell
-- Note that people are told of it; no row where they were already.
INSERT INTO tidegate.expectations_told (account_id, goal_id, finding, about) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING finding

-- name: forget_told
-- What was told so long ago that it is not judged again.
DELETE FROM tidegate.expectations_told WHERE account_id = $1 AND goal_id = $2 AND told_at < now() - interval '30 days'
