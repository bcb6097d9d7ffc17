-- name: insert
-- Who logs in for an arrival, and what was told besides.
INSERT INTO tidegate.one_shots (account_id, arrival_id, username, password_sealed, email_position, warnings)
VALUES ($1, $2, $3, $4, $5, $6)

-- name: get
-- Who logs in for an arrival; no password once its run has ended.
SELECT username, password_sealed, email_position, warnings FROM tidegate.one_shots WHERE account_id = $1 AND arrival_id = $2

-- name: forget
-- The password of an arrival whose run ends; a row where it is a one-shot import's.
UPDATE tidegate.one_shots SET password_sealed = NULL WHERE account_id = $1 AND arrival_id = $2 RETURNING arrival_id
