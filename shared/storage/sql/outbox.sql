-- name: put
-- Queue messages in the transaction that made them true.
INSERT INTO tidegate.outbox (account_id, message_id, name, body)
SELECT $1, message_id, name, body FROM unnest($2::uuid[], $3::text[], $4::jsonb[]) AS told (message_id, name, body)

-- name: unsent
-- Messages to relay. SKIP LOCKED and not "id greater than last": commits do not come in the order of ids.
SELECT account_id, message_id, name, body
FROM tidegate.outbox
WHERE sent_at IS NULL
ORDER BY created_at
LIMIT $1
FOR UPDATE SKIP LOCKED

-- name: mark_sent
-- The broker confirmed these. "Unsent" is said for the index of what is unsent: sent ones lie here for a day.
UPDATE tidegate.outbox SET sent_at = now() WHERE message_id = ANY ($1::uuid[]) AND sent_at IS NULL

-- name: forget_sent
-- Sent messages are kept for a day, for those who look for what happened.
DELETE FROM tidegate.outbox WHERE sent_at < now() - interval '1 day'

-- name: depth
-- What waits to be sent.
SELECT count(*) AS messages, coalesce(extract(epoch FROM now() - min(created_at)), 0) AS age_seconds
FROM tidegate.outbox
WHERE sent_at IS NULL
