-- name: profiles
-- Profiles of a domain group, in the order they were made: their numbers, then the columns of the file.
SELECT p.id{columns} FROM {schema}.profiles p WHERE p.domain_group = $1{conditions} ORDER BY p.id

-- name: condition
-- One more thing that must hold.
 AND ({condition})

-- name: limited
-- The first rows of a select.
{select} LIMIT ${number}::bigint

-- name: without
-- How many profiles of a domain group lack something.
SELECT count(*) FROM {schema}.profiles p WHERE p.domain_group = $1{conditions} AND {column} IS NULL

-- name: with
-- A profile that has something.
 AND {column} IS NOT NULL

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
