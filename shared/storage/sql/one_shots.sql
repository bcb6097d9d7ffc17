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
