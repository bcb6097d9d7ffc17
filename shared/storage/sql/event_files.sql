-- name: events
-- A file of events: those of one type, of the chosen profiles, a person's together and in the order they occurred.
SELECT e.profile_id{columns} FROM {schema}.events e JOIN {schema}.profiles p ON p.id = e.profile_id
LEFT JOIN {schema}.messages msg ON msg.number = e.message_number{joins}
WHERE p.domain_group = $1 AND e.event_type = {type}{conditions}
ORDER BY e.profile_id, e.occurred_at, e.event_number

-- name: items
-- A file of events' items of one kind, in the same order and in that of each event.
SELECT e.profile_id{columns} FROM {schema}.events e JOIN {schema}.profiles p ON p.id = e.profile_id
CROSS JOIN LATERAL jsonb_array_elements(e.items -> {kind}) WITH ORDINALITY AS i (item, number){joins}
WHERE p.domain_group = $1 AND e.event_type = {type}{conditions}
ORDER BY e.profile_id, e.occurred_at, e.event_number, i.number

-- name: text
-- What an event, or an item, says of a property: exactly as it is stored.
({holder} ->> {name})

-- name: typed
-- The same as PostgreSQL writes values of a type.
({holder} ->> {name})::{cast}

-- name: many
-- The same of several values; none are nothing.
nullif(ARRAY(SELECT jsonb_array_elements_text({holder} -> {name})), '{}')

-- name: from
-- Not before a moment.
e.occurred_at >= {at}

-- name: until
-- Before a moment.
e.occurred_at < {at}

-- name: types_seen
-- The types of which the account has any event, each found by the one before it in the index.
WITH RECURSIVE found (event_type) AS (
    SELECT min(e.event_type) FROM {schema}.events e
    UNION ALL
    SELECT (SELECT min(e.event_type) FROM {schema}.events e WHERE e.event_type > f.event_type) FROM found f
    WHERE f.event_type IS NOT NULL
)
SELECT event_type FROM found WHERE event_type IS NOT NULL
