-- name: profiles
-- Profiles of a domain group, in the order they were made: their numbers, then the columns of the file.
SELECT p.id{columns} FROM {schema}.profiles p{joins} WHERE p.domain_group = $1{conditions} ORDER BY p.id

-- name: told_of
-- Whom the file is about, as bits: the profile block * 64 + n has bit n.
SELECT $2::uuid, {part}, p.id >> 6, bit_or(1::bigint << (p.id & 63)::integer)
FROM {schema}.profiles p WHERE p.domain_group = $1{conditions} GROUP BY 3

-- name: told
-- Beside a profile, whom of its block the goal's last delivered export told of.
LEFT JOIN {schema}.export_sets {told} ON {told}.goal_id = {goal} AND {told}.part = {part} AND {told}.block = p.id >> 6

-- name: news
-- Changed since, or not told of before.
{newer} OR told0.block IS NULL OR (told0.bits >> (p.id & 63)::integer) & 1 = 0

-- name: changed
-- The transaction that last changed anything of a profile.
p.changed_xid

-- name: suppressed
-- The transaction that last changed what suppresses a profile. From before that was noted, and so from before any mark,
-- there is none, which is no news.
p.suppressed_xid

-- name: suppressed_within
-- Suppressed in a period, whose end is not in it.
p.suppressed_at >= {since} AND p.suppressed_at < {until}

-- name: newer
-- A row that the snapshot did not see as it is. The first two parts are for indexes. A row that we see and that says that
-- it was changed by a transaction yet to come was brought here from another cluster, and is no news.
({xid} >= pg_snapshot_xmin({snapshot}) AND {xid} < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT pg_visible_in_snapshot({xid}, {snapshot}))

-- name: newer_lists
-- Put on lists or taken off since.
p.id IN (SELECT m.profile_id FROM {schema}.list_members m WHERE {newer}{chosen})

-- name: renamed_lists
-- On a list that was given another name since.
 OR p.id IN (SELECT m.profile_id FROM {schema}.list_members m JOIN {schema}.lists l ON l.number = m.list_number WHERE {newer} AND m.removed_at IS NULL{chosen})

-- name: renamed_segment
-- In a segment that was given another name since.
((SELECT {newer} FROM tidegate.segments s WHERE s.account_id = {account} AND s.segment_id = {segment}) AND ({condition}))

-- name: segment_name
-- What a segment is called at the moment of the select.
(SELECT s.name FROM tidegate.segments s WHERE s.account_id = {account} AND s.segment_id = {segment})

-- name: was_told
-- Told of before; null where nobody of the block was.
(({told}.bits >> (p.id & 63)::integer) & 1 = 1)

-- name: not_all
-- Something does not hold, or lacks a value.
(true{conditions}) IS NOT TRUE

-- name: condition
-- One more thing that must hold.
 AND ({condition})

-- name: limited
-- The first rows of a select.
{select} LIMIT ${number}::bigint

-- name: without
-- How many profiles of a domain group lack something.
SELECT count(*) FROM {schema}.profiles p WHERE p.domain_group = $1{conditions} AND {column} IS NULL

-- name: has
-- A profile that has something.
{column} IS NOT NULL

-- name: list_numbers
-- The numbers of the lists that a profile is on.
(SELECT array_agg(m.list_number ORDER BY m.list_number) FROM {schema}.list_members m WHERE m.profile_id = p.id AND m.removed_at IS NULL{chosen})

-- name: list_names
-- The names of the lists that a profile is on, in the order of their numbers.
(SELECT array_agg(l.name ORDER BY l.number) FROM {schema}.list_members m JOIN {schema}.lists l ON l.number = m.list_number WHERE m.profile_id = p.id AND m.removed_at IS NULL{chosen})

-- name: chosen_lists
-- Only these lists.
 AND m.list_number = ANY ({numbers})

-- name: interactions
-- The names of the interactions that a profile has seen, each once.
(SELECT array_agg(DISTINCT (e.properties ->> 'name') COLLATE "C" ORDER BY (e.properties ->> 'name') COLLATE "C") FROM {schema}.events e WHERE e.profile_id = p.id AND e.event_type = 'interaction_seen' AND e.properties ? 'name')

-- name: segments
-- The segments that a profile is in, of these.
array_remove(ARRAY[{segments}]::text[], NULL)

-- name: segment
-- What a segment is called, where a profile is in it.
CASE WHEN {condition} THEN {called} END

-- name: is_in
-- Whether a profile fulfils a condition, never null.
({condition} IS TRUE)

-- name: came_or_left
-- Into or out of a segment that the file shows.
(({condition}) IS TRUE) <> coalesce(({told}.bits >> (p.id & 63)::integer) & 1 = 1, false)

-- name: newer_interactions
-- Saw something since, or what was seen is told otherwise.
p.id IN (SELECT e.profile_id FROM {schema}.events e WHERE e.event_type = 'interaction_seen' AND {newer})

-- name: literals
-- Parameters as literals.
SELECT {literals}

-- name: literal
-- One of them.
quote_nullable(${number}::{type}::text)
