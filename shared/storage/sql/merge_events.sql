-- name: reject_unknown
-- Rows that found nobody; an event makes no profile.
WITH gone AS (
    SELECT s.record_number, s.line_number{gone_keys}
    FROM {resolved} r JOIN {staging} s ON s.record_number = r.record_number
    WHERE coalesce(r.target, -1) < 0 AND r.conflict IS NULL
){naming}
INSERT INTO {late} (record_number, line_number, code, field)
SELECT record_number, line_number, $1, $2::text FROM gone

-- name: tell
-- The rows of known profiles with what they tell, and the first row of their event.
CREATE UNLOGGED TABLE {told} AS
SELECT s.record_number, s.line_number, {s_kept}, r.target AS profile_id, s.occurred_at, {event} AS event,
    {properties} AS properties{items}
FROM {staging} s JOIN {resolved} r ON r.record_number = s.record_number
WHERE r.target > 0

-- name: first_row
-- The first row of the event that a row tells of.
first_value(s.record_number) OVER (PARTITION BY s.k_event_type, s.k_event_id ORDER BY s.record_number)

-- name: index
-- Rows are looked for by their event.
CREATE INDEX ON {told} (event);
ANALYZE {told}

-- name: reject_incomplete
-- The rows of events of which another row was rejected, whenever that was.
WITH gone AS (
    DELETE FROM {told} s
    WHERE EXISTS (SELECT FROM {named} n WHERE n.k_event_id = s.k_event_id
                  AND (n.k_event_type IS NULL OR n.k_event_type = s.k_event_type))
    RETURNING s.record_number, s.line_number
)
INSERT INTO {late} (record_number, line_number, code) SELECT record_number, line_number, $1 FROM gone

-- name: reject_contradicted
-- All rows of events of which rows say different things.
WITH unfit AS (
    SELECT DISTINCT d.event
    FROM (SELECT s.event
          FROM {told} s JOIN {told} f ON f.event = s.event AND f.record_number = f.event
          WHERE s.record_number <> s.event
            AND (s.profile_id, s.occurred_at, {message}, s.properties)
                IS DISTINCT FROM (f.profile_id, f.occurred_at, {first_message}, f.properties)) d
), gone AS (
    DELETE FROM {told} s USING unfit u WHERE s.event = u.event RETURNING s.record_number, s.line_number
)
INSERT INTO {late} (record_number, line_number, code) SELECT record_number, line_number, $1 FROM gone

-- name: reject_too_large
-- All rows of events that say more than an event can.
WITH unfit AS (
    SELECT s.event FROM {told} s
    GROUP BY s.event
    HAVING max(octet_length(s.properties::text)) + {bytes} > $2::bigint OR {too_many}
), gone AS (
    DELETE FROM {told} s USING unfit u WHERE s.event = u.event RETURNING s.record_number, s.line_number
)
INSERT INTO {late} (record_number, line_number, code) SELECT record_number, line_number, $1 FROM gone

-- name: has_told
-- Rejected rows that say which event they tell of.
SELECT count(*) AS rows FROM {named} n WHERE n.k_event_id IS NOT NULL

-- name: messages
-- The messages that the rows name, by the kind that their events refer to.
(SELECT s.kind, s.reference FROM (SELECT {kind} AS kind, s.k_message AS reference FROM {told} s) s
 WHERE s.kind IS NOT NULL AND s.reference IS NOT NULL)

-- name: arrive
-- The events that the rows tell of: what the first row says, with the items of all. The planner is told how many.
CREATE UNLOGGED TABLE {arrived} AS
SELECT s.event AS place, s.k_event_type AS event_type, {event_id} AS event_id, s.profile_id, s.occurred_at,
    {message_number} AS message_number, s.properties, {all_items} AS items
FROM {told} s{with_items}{with_message}
WHERE s.record_number = s.event;
ANALYZE {arrived} (place, event_type, event_id)

-- name: with_items
-- The items of each event, in the order of the file.
 LEFT JOIN (SELECT t.event, {collected} FROM {told} t GROUP BY t.event) i ON i.event = s.event

-- name: with_message
-- The message of each event.
 LEFT JOIN {schema}.messages m ON m.kind = {kind} AND m.reference = s.k_message

-- name: note_outcome
-- Where what became of the events goes.
CREATE UNLOGGED TABLE {outcome} (place bigint PRIMARY KEY, became text NOT NULL)

-- name: into_outcome
-- Put it there.
INSERT INTO {outcome} (place, became)

-- name: analyze_outcome
-- For the counts that follow.
ANALYZE {outcome}

-- name: totals
-- What became of rows, by the files of an archive: each as its event.
SELECT width_bucket(s.record_number, $1::bigint[]) AS member, coalesce(o.became, 'unchanged') AS became, count(*) AS rows,
    count(*) FILTER (WHERE s.record_number = s.event) AS events, {items_told} AS items
FROM {told} s LEFT JOIN {outcome} o ON o.place = s.event
GROUP BY 1, 2

-- name: profiles
-- Whom the rows that were taken tell of.
SELECT s.profile_id AS id, true AS is_imported FROM {told} s

-- name: drop
-- What the merge needed for itself.
DROP TABLE IF EXISTS {told}, {arrived}, {outcome}
