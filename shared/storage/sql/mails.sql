-- name: plan
-- Mails to be sent about one state of one thing. Planned twice, they are there once.
INSERT INTO tidegate.mails (account_id, about_kind, about_id, about_state, recipient, traceparent)
SELECT $1, $2, $3, $4, recipient, $6 FROM unnest($5::text[]) AS recipient
ON CONFLICT (account_id, about_id, about_state, recipient) DO NOTHING

-- name: due
-- Mails whose turn it is and that no notifier holds, the longest waiting first. Watching role.
SELECT account_id, mail_id
FROM tidegate.mails
WHERE state = 'due' AND next_try_at <= now() AND (claimed_until IS NULL OR claimed_until < now())
ORDER BY next_try_at, mail_id
LIMIT $1

-- name: take
-- Hold a mail for one try; no row when another holds it, or when its turn has not come. The number of the try fences.
UPDATE tidegate.mails
SET claimed_until = now() + make_interval(secs => $3), attempts = attempts + 1
WHERE account_id = $1 AND mail_id = $2 AND state = 'due' AND next_try_at <= now()
  AND (claimed_until IS NULL OR claimed_until < now())
RETURNING mail_id, about_kind, about_id, about_state, recipient, attempts, created_at, traceparent,
    extract(epoch FROM now() - created_at)::float8 AS age_seconds

-- name: keep
-- The try goes on. Nothing when another has taken the mail meanwhile.
UPDATE tidegate.mails SET claimed_until = now() + make_interval(secs => $4)
WHERE account_id = $1 AND mail_id = $2 AND attempts = $3 AND state = 'due'

-- name: sent
-- The mail has left: true whoever holds it by now.
UPDATE tidegate.mails
SET state = 'sent', sent_at = now(), claimed_until = NULL, last_error_code = NULL
WHERE account_id = $1 AND mail_id = $2 AND state = 'due'

-- name: failed
-- This try failed; the next comes later. Nothing when another has taken the mail meanwhile.
UPDATE tidegate.mails
SET claimed_until = NULL, last_error_code = $4, next_try_at = now() + make_interval(secs => $5)
WHERE account_id = $1 AND mail_id = $2 AND attempts = $3 AND state = 'due'

-- name: give_up
-- No further try. Nothing when another has taken the mail meanwhile.
UPDATE tidegate.mails
SET state = 'given_up', claimed_until = NULL, last_error_code = $4
WHERE account_id = $1 AND mail_id = $2 AND attempts = $3 AND state = 'due'

-- name: contact
-- The person to turn to: who made the goal, else who made the connection.
SELECT coalesce(
    (SELECT g.created_by_email FROM tidegate.goals g WHERE g.account_id = $1 AND g.goal_id = $2),
    (SELECT c.created_by_email FROM tidegate.connections c WHERE c.account_id = $1 AND c.connection_id = $3)) AS email

-- name: first_rejects
-- The first rows that a run did not import, as its last attempt left them: where, which field and why, never what.
SELECT record_number, line_number, code, field
FROM {schema}.rejects
WHERE run_id = $1 AND token = $2
ORDER BY record_number
LIMIT $3

-- name: news
-- Messages of some names that were sent in a span of time, in their order, after a cursor. Watching role.
SELECT message_id, name, body, sent_at
FROM tidegate.outbox
WHERE sent_at >= now() - make_interval(secs => $2) AND sent_at <= now() - make_interval(secs => $3)
  AND name = ANY ($1::text[])
  AND ($4::timestamptz IS NULL OR (sent_at, message_id) > ($4, $5::uuid))
ORDER BY sent_at, message_id
LIMIT $6
