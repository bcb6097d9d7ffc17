-- name: insert
-- A question to a partner's server.
INSERT INTO tidegate.inquiries (account_id, connection_id, kind, sample_id) VALUES ($1, $2, $3, $4)
RETURNING inquiry_id

-- name: take
-- Take a question that nobody answers just now; no row where somebody does or did.
UPDATE tidegate.inquiries SET state = 'taken', taken_until = now() + make_interval(secs => $3)
WHERE account_id = $1 AND inquiry_id = $2 AND (state = 'asked' OR (state = 'taken' AND taken_until < now()))
RETURNING connection_id, kind, sample_id

-- name: keep
-- It is still being answered; no row where it ran out.
UPDATE tidegate.inquiries SET taken_until = now() + make_interval(secs => $3)
WHERE account_id = $1 AND inquiry_id = $2 AND state = 'taken' AND taken_until >= now()

-- name: answer
-- What came out; the first answer stays.
UPDATE tidegate.inquiries SET state = 'answered', answered_at = now(), taken_until = NULL, answer = $3
WHERE account_id = $1 AND inquiry_id = $2 AND state <> 'answered'
RETURNING inquiry_id

-- name: drop
-- The connection is taken away: nobody asks its server any more.
UPDATE tidegate.inquiries
SET state = 'answered', answered_at = now(), taken_until = NULL, answer = $3
WHERE account_id = $1 AND connection_id = $2 AND state <> 'answered'

-- name: call_off
-- Trials of a connection that nobody has begun: it is switched off, and they are not wanted any more.
UPDATE tidegate.inquiries
SET state = 'answered', answered_at = now(), taken_until = NULL, answer = $3
WHERE account_id = $1 AND connection_id = $2 AND kind = 'verify'
  AND (state = 'asked' OR (state = 'taken' AND taken_until < now()))

-- name: give_up
-- A question that is in nobody's hands; the first answer stays.
UPDATE tidegate.inquiries
SET state = 'answered', answered_at = now(), taken_until = NULL, answer = $3
WHERE account_id = $1 AND inquiry_id = $2 AND (state = 'asked' OR (state = 'taken' AND taken_until < now()))
RETURNING inquiry_id

-- name: get
-- One question with its answer.
SELECT inquiry_id, connection_id, kind, state, asked_at, answered_at, answer
FROM tidegate.inquiries
WHERE account_id = $1 AND inquiry_id = $2

-- name: verifications
-- The latest trial of each of these connections.
SELECT i.inquiry_id, i.connection_id, i.kind, i.state, i.asked_at, i.answered_at, i.answer
FROM unnest($2::uuid[]) AS wanted (connection_id)
CROSS JOIN LATERAL (
    SELECT inquiry_id, connection_id, kind, state, asked_at, answered_at, answer FROM tidegate.inquiries
    WHERE account_id = $1 AND connection_id = wanted.connection_id AND kind = 'verify'
    ORDER BY asked_at DESC, inquiry_id LIMIT 1
) i

-- name: forget
-- Trials of a connection that nobody reads any more; each save asks for one, and a month of them is enough.
DELETE FROM tidegate.inquiries
WHERE account_id = $1 AND connection_id = $2 AND kind = 'verify' AND state = 'answered'
  AND asked_at < now() - interval '30 days'

-- name: unheard
-- Questions whose message or poller was lost, not older than anybody waits for: so many of an account, so that one with
-- many keeps no other's from being heard. Watching role.
SELECT account_id, inquiry_id
FROM (
    SELECT account_id, inquiry_id, asked_at,
        row_number() OVER (PARTITION BY account_id ORDER BY asked_at, inquiry_id) AS in_turn
    FROM tidegate.inquiries
    WHERE asked_at BETWEEN now() - interval '10 minutes' AND now() - make_interval(secs => $1)
      AND (state = 'asked' OR (state = 'taken' AND taken_until < now()))
) AS unheard
WHERE in_turn <= $3
ORDER BY in_turn, asked_at
LIMIT $2

-- name: unanswered
-- Questions that are not rung again, and that nobody is at. Watching role.
SELECT account_id, inquiry_id
FROM tidegate.inquiries
WHERE state <> 'answered' AND asked_at < now() - make_interval(secs => $1)
  AND (state = 'asked' OR taken_until < now())
ORDER BY asked_at
LIMIT $2
