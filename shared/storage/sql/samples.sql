-- name: insert
-- A sample that was sent and looked at.
INSERT INTO tidegate.samples (account_id, name, state, kept_file_id, findings, expires_at)
SELECT $1, name, 'ready', kept_file_id, $3, expires_at
FROM tidegate.kept_files
WHERE account_id = $1 AND kept_file_id = $2
RETURNING sample_id

-- name: ask
-- A sample that is to be fetched.
INSERT INTO tidegate.samples (account_id, name, connection_id, path, state, expires_at)
VALUES ($1, $2, $3, $4, 'fetching', now() + make_interval(secs => $5))
RETURNING sample_id

-- name: settle
-- It was fetched and looked at; no row where it was deleted meanwhile.
UPDATE tidegate.samples SET state = 'ready', kept_file_id = $3, findings = $4, reason = NULL, expires_at = (
    SELECT kept.expires_at FROM tidegate.kept_files kept WHERE kept.account_id = $1 AND kept.kept_file_id = $3)
WHERE account_id = $1 AND sample_id = $2 AND state = 'fetching'
RETURNING sample_id

-- name: fail
-- It could not be fetched.
UPDATE tidegate.samples SET state = 'failed', reason = $3
WHERE account_id = $1 AND sample_id = $2 AND state = 'fetching'

-- name: answered
-- What people said to its questions, and what is found with that; no row where they have said something else meanwhile.
UPDATE tidegate.samples SET answers = $4, findings = $5
WHERE account_id = $1 AND sample_id = $2 AND state = 'ready' AND answers = $3
RETURNING sample_id

-- name: get
-- One sample. A poller that has not fetched it within so many seconds never will.
SELECT s.sample_id, s.name, s.connection_id, s.path, s.kept_file_id, s.answers, s.findings, s.reason, s.created_at,
    s.expires_at, kept.size_bytes, kept.sha256,
    CASE WHEN s.state = 'fetching' AND s.created_at < now() - make_interval(secs => $3) THEN 'given_up' ELSE s.state END
        AS state
FROM tidegate.samples s
LEFT JOIN tidegate.kept_files kept ON kept.account_id = s.account_id AND kept.kept_file_id = s.kept_file_id
WHERE s.account_id = $1 AND s.sample_id = $2 AND s.expires_at > now()

-- name: page
-- The account's samples, newest first, after a cursor; without what was found.
SELECT s.sample_id, s.name, s.connection_id, s.path, s.kept_file_id, s.answers, NULL::bytea AS findings, s.reason,
    s.created_at, s.expires_at, kept.size_bytes, kept.sha256,
    CASE WHEN s.state = 'fetching' AND s.created_at < now() - make_interval(secs => $2) THEN 'given_up' ELSE s.state END
        AS state
FROM tidegate.samples s
LEFT JOIN tidegate.kept_files kept ON kept.account_id = s.account_id AND kept.kept_file_id = s.kept_file_id
WHERE s.account_id = $1 AND s.expires_at > now()
  AND ($3::timestamptz IS NULL OR (s.created_at, s.sample_id) < ($3, $4))
ORDER BY s.created_at DESC, s.sample_id DESC
LIMIT $5

-- name: delete
-- A sample that nobody needs any more; its file's identity.
DELETE FROM tidegate.samples WHERE account_id = $1 AND sample_id = $2 AND expires_at > now()
RETURNING coalesce(kept_file_id, '00000000-0000-0000-0000-000000000000'::uuid) AS kept_file_id

-- name: owners_of_old
-- Accounts with samples whose time is over. Watching role.
SELECT DISTINCT account_id FROM tidegate.samples WHERE expires_at <= now()

-- name: forget_old
-- Samples whose time is over.
DELETE FROM tidegate.samples WHERE account_id = $1 AND expires_at <= now()
