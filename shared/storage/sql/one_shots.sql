-- name: insert
-- Who logs in for an arrival, and what was told besides.
INSERT INTO tidegate.one_shots (account_id, arrival_id, username, password_sealed, email_position, warnings)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: get
-- Who logs in for an arrival; no password once its run has ended.
SELECT username, password_sealed, email_position, warnings FROM tidegate.one_shots WHERE account_id = $1 AND arrival_id = $2

-- name: forget
-- The password of an arrival whose run ends; a row where it is a one-shot import's.
UPDATE tidegate.one_shots SET password_sealed = NULL, forgotten_at = now()
WHERE account_id = $1 AND arrival_id = $2
RETURNING arrival_id

-- name: rest
-- How many seconds a server is to be left alone for a user: as long as so many logins were refused there lately. Those of
-- a user who was let in are its own since then; who never was has everybody's against it.
WITH refused AS (
    SELECT o.username, r.finished_at
    FROM tidegate.runs r
    JOIN tidegate.one_shots o ON o.account_id = r.account_id AND o.arrival_id = r.arrival_id
    WHERE r.account_id = $1 AND r.connection_id = $2 AND r.reason_code = 'login_refused'
      AND r.finished_at > now() - make_interval(secs => $5)
), let_in AS (
    SELECT max(r.finished_at) AS at
    FROM tidegate.runs r
    JOIN tidegate.one_shots o ON o.account_id = r.account_id AND o.arrival_id = r.arrival_id AND o.username = $3
    WHERE r.account_id = $1 AND r.connection_id = $2 AND r.queued_at > now() - interval '1 day'
      AND r.state IN ('completed', 'completed_with_rejects')
)
SELECT extract(epoch FROM finished_at + make_interval(secs => $5) - now())::float8
FROM refused
WHERE CASE WHEN (SELECT at FROM let_in) IS NULL THEN true
    ELSE username = $3 AND finished_at > (SELECT at FROM let_in) END
ORDER BY finished_at DESC
OFFSET $4 LIMIT 1

-- name: may_try
-- Whether a run may try its login at a server: its user was let in there, or those that were refused lately and those of
-- the runs before it that may yet be, because their users were never let in, are fewer than so many.
WITH tried AS (
    SELECT o.username, r.run_id, r.state, r.reason_code, r.queued_at, r.started_at, r.finished_at
    FROM tidegate.runs r
    JOIN tidegate.one_shots o ON o.account_id = r.account_id AND o.arrival_id = r.arrival_id
    WHERE r.account_id = $1 AND r.connection_id = $2
), let_in AS (
    SELECT DISTINCT username FROM tried
    WHERE state IN ('completed', 'completed_with_rejects') AND queued_at > now() - interval '1 day'
)
SELECT EXISTS (SELECT FROM let_in WHERE username = $3) OR (
    SELECT count(*) FROM tried
    WHERE (reason_code = 'login_refused' AND finished_at > now() - make_interval(secs => $6))
        OR (state = 'running' AND username NOT IN (SELECT username FROM let_in)
            AND (started_at, run_id) < (SELECT started_at, run_id FROM tried WHERE run_id = $4))
) < $5

-- name: ended
-- Accounts with passwords whose runs have ended, by a service that did not know of them. Watching role.
SELECT DISTINCT o.account_id
FROM tidegate.one_shots o
WHERE o.forgotten_at IS NULL
  AND NOT EXISTS (SELECT FROM tidegate.runs r
                  WHERE r.account_id = o.account_id AND r.arrival_id = o.arrival_id AND r.finished_at IS NULL)
LIMIT 100

-- name: forget_ended
-- The passwords of arrivals whose runs have ended.
UPDATE tidegate.one_shots o SET password_sealed = NULL, forgotten_at = now()
WHERE o.account_id = $1 AND o.forgotten_at IS NULL
  AND NOT EXISTS (SELECT FROM tidegate.runs r
                  WHERE r.account_id = o.account_id AND r.arrival_id = o.arrival_id AND r.finished_at IS NULL)
