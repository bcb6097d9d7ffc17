-- name: take
-- Whether nobody else carries out the request of that key just now; held until the transaction ends.
SELECT pg_try_advisory_xact_lock($1)

-- name: read
-- What was answered, if that is not too long ago.
SELECT answer_sealed FROM tidegate.kept_answers
WHERE account_id = $1 AND key_digest = $2 AND created_at > now() - interval '24 hours'

-- name: keep
-- What is answered; instead of an answer that is too old to count, or of the same request's earlier one.
INSERT INTO tidegate.kept_answers (account_id, key_digest, answer_sealed) VALUES ($1, $2, $3)
ON CONFLICT (account_id, key_digest) DO UPDATE SET answer_sealed = excluded.answer_sealed, created_at = now()

-- name: owners_of_old
-- Accounts with answers that do not count any more. Watching role.
SELECT DISTINCT account_id FROM tidegate.kept_answers WHERE created_at <= now() - interval '24 hours'

-- name: forget_old
-- Answers that do not count any more, so many at a time.
DELETE FROM tidegate.kept_answers
WHERE account_id = $1 AND key_digest IN (
    SELECT key_digest FROM tidegate.kept_answers
    WHERE account_id = $1 AND created_at <= now() - interval '24 hours'
    LIMIT $2)
