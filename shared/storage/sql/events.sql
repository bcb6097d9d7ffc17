-- name: given
-- Events that a caller gives as JSON, as a table.
(SELECT g.place, g.event_type, g.event_id, g.profile_id, g.occurred_at, g.message_number, g.properties, g.items
 FROM jsonb_to_recordset({events}::jsonb) AS g (place bigint, event_type text, event_id text, profile_id bigint,
    occurred_at timestamptz, message_number integer, properties jsonb, items jsonb))

-- name: record
-- Make events, or have known ones say what is said now; what that came to by place. One that says what is stored
-- is not touched. Each event comes once; they are written in one order, so that two transactions do not wait for each
-- other.
WITH said AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('{schema}.events', 'event_number')) AS event_number, n.place, n.event_type,
        n.event_id COLLATE "C" AS event_id, n.profile_id, n.occurred_at, n.message_number, n.properties, n.items
    FROM {arrived} n
    WHERE NOT EXISTS (
        SELECT FROM {schema}.events o
        WHERE o.domain_group = $1 AND o.event_type = n.event_type AND o.event_id = n.event_id
          AND (o.profile_id, o.occurred_at, o.message_number, o.properties, o.items)
              IS NOT DISTINCT FROM (n.profile_id, n.occurred_at, n.message_number, n.properties, n.items))
    ORDER BY n.place
), stored AS (
    INSERT INTO {schema}.events AS e (event_number, domain_group, event_type, event_id, profile_id, occurred_at,
        message_number, properties, items, created_by_run)
    OVERRIDING SYSTEM VALUE
    SELECT s.event_number, $1, s.event_type, s.event_id, s.profile_id, s.occurred_at, s.message_number, s.properties,
        s.items, $2::uuid
    FROM said s
    ORDER BY s.event_type, s.event_id, s.place
    ON CONFLICT (domain_group, event_type, event_id) WHERE event_id IS NOT NULL DO UPDATE
    SET profile_id = excluded.profile_id, occurred_at = excluded.occurred_at,
        message_number = excluded.message_number, properties = excluded.properties, items = excluded.items,
        updated_by_run = excluded.created_by_run, changed_xid = pg_current_xact_id()
    WHERE (e.profile_id, e.occurred_at, e.message_number, e.properties, e.items)
        IS DISTINCT FROM (excluded.profile_id, excluded.occurred_at, excluded.message_number, excluded.properties,
            excluded.items)
    RETURNING e.event_number, e.event_type, e.event_id
)
{into} SELECT s.place, CASE WHEN new.event_number IS NOT NULL THEN 'created' ELSE 'updated' END AS became
FROM said s
LEFT JOIN stored new ON new.event_number = s.event_number
LEFT JOIN stored known ON known.event_type = s.event_type AND known.event_id = s.event_id
WHERE new.event_number IS NOT NULL OR known.event_number IS NOT NULL

-- name: responded
-- The messages of events that this transaction wrote; that a message was sent is no response to it.
SELECT DISTINCT e.message_number FROM {schema}.events e
WHERE e.changed_xid = pg_current_xact_id() AND e.message_number IS NOT NULL AND e.event_type NOT IN ('sent', 'sms_sent')

-- name: page
-- Events in the order in which they came, after a cursor.
SELECT e.event_number, e.domain_group, e.event_type, e.event_id, e.profile_id, e.occurred_at, e.message_number,
    e.properties, e.items, e.received_at, e.created_by_run, e.updated_by_run
FROM {schema}.events e
WHERE e.event_number > $1 AND ($2::text IS NULL OR e.event_type = $2) AND ($3::text IS NULL OR e.event_id = $3)
  AND ($4::bigint IS NULL OR e.profile_id = $4) AND ($5::integer IS NULL OR e.message_number = $5)
  AND ($6::integer IS NULL OR e.domain_group = $6)
  AND ($7::timestamptz IS NULL OR e.occurred_at >= $7) AND ($8::timestamptz IS NULL OR e.occurred_at < $8)
ORDER BY e.event_number
LIMIT $9

-- name: of_profile
-- One profile's events, newest first, after a cursor.
SELECT e.event_number, e.domain_group, e.event_type, e.event_id, e.profile_id, e.occurred_at, e.message_number,
    e.properties, e.items, e.received_at, e.created_by_run, e.updated_by_run
FROM {schema}.events e
WHERE e.profile_id = $1 AND ($2::text IS NULL OR e.event_type = $2)
  AND ($3::timestamptz IS NULL OR e.occurred_at >= $3) AND ($4::timestamptz IS NULL OR e.occurred_at < $4)
  AND ($5::timestamptz IS NULL OR (e.occurred_at, e.event_number) < ($5, $6::bigint))
ORDER BY e.occurred_at DESC, e.event_number DESC
LIMIT $7
