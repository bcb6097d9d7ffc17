-- name: insert
-- A new message; no row when the reference is taken.
INSERT INTO {schema}.messages (kind, reference, name, sent_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, reference) DO NOTHING
RETURNING message_id, number, kind, reference, name, sent_at, version, created_at, created_by_run

-- name: get
-- One message.
SELECT message_id, number, kind, reference, name, sent_at, version, created_at, created_by_run
FROM {schema}.messages WHERE message_id = $1

-- name: lock
-- One message, held for a change.
SELECT message_id, number, kind, reference, name, sent_at, version, created_at, created_by_run
FROM {schema}.messages WHERE message_id = $1
FOR UPDATE

-- name: page
-- Messages in the order of their numbers, after a cursor.
SELECT message_id, number, kind, reference, name, sent_at, version, created_at, created_by_run
FROM {schema}.messages
WHERE number > $4 AND ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR reference = $2)
  AND ($3::integer IS NULL OR number = $3)
ORDER BY number
LIMIT $5

-- name: change
-- Another name or time: a new version.
UPDATE {schema}.messages SET name = $2, sent_at = $3, version = version + 1, changed_xid = pg_current_xact_id()
WHERE message_id = $1
RETURNING message_id, number, kind, reference, name, sent_at, version, created_at, created_by_run

-- name: numbered
-- Those of some messages that there are, by kind and number.
SELECT m.kind, m.number FROM {schema}.messages m
JOIN unnest($1::text[], $2::integer[]) AS n (kind, number) ON n.kind = m.kind AND n.number = m.number

-- name: named
-- Those of a kind that there are, of some messages by id and number.
SELECT message_id, number FROM {schema}.messages
WHERE kind = $1 AND (message_id = ANY ($2::uuid[]) OR number = ANY ($3::integer[]))

-- name: ensure
-- Make a message of each reference that is new; in one order, so that two transactions do not wait for each other.
INSERT INTO {schema}.messages (kind, reference, created_by_run)
SELECT DISTINCT n.kind, n.reference, $1::uuid
FROM {named} n
WHERE NOT EXISTS (SELECT FROM {schema}.messages m WHERE m.kind = n.kind AND m.reference = n.reference)
ORDER BY n.kind, n.reference
ON CONFLICT (kind, reference) DO NOTHING

-- name: referred
-- Messages by kind and reference.
SELECT m.kind, m.reference, m.number FROM {schema}.messages m
JOIN unnest($1::text[], $2::text[]) AS n (kind, reference) ON n.kind = m.kind AND n.reference = m.reference

-- name: given
-- Messages that a caller names, as a table of kind and reference.
(SELECT g.kind, g.reference FROM unnest({kinds}::text[], {references}::text[]) AS g (kind, reference))
