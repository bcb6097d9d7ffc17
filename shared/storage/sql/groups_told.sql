-- name: groups
-- Groups of a type in a domain group, in the order they were made: nobody's number, then the columns of the file.
SELECT NULL::bigint{columns} FROM {schema}.groups g WHERE g.domain_group = $1 AND g.group_type = $2{conditions} ORDER BY g.id

-- name: members
-- How many profiles belong to a group.
(SELECT count(*) FROM {schema}.group_members m WHERE m.group_id = g.id AND m.removed_at IS NULL)

-- name: newer_members
-- Somebody came into a group or left it.
 OR g.id IN (SELECT m.group_id FROM {schema}.group_members m WHERE {newer})

-- name: of_profile
-- What a property says of the groups of a type that a profile belongs to: each value once, in the order of the groups.
(SELECT array_agg(one.value ORDER BY one.place) FROM (SELECT {value} AS value, min(g.id) AS place FROM {schema}.group_members m JOIN {schema}.groups g ON g.id = m.group_id WHERE m.profile_id = p.id AND m.removed_at IS NULL AND g.group_type = {type} AND {value} IS NOT NULL GROUP BY 1) one)

-- name: lists_of_profile
-- The same of a property that is a list itself.
(SELECT array_agg(one.value ORDER BY one.place) FROM (SELECT u.value, min(ARRAY[g.id, u.number]) AS place FROM {schema}.group_members m JOIN {schema}.groups g ON g.id = m.group_id CROSS JOIN LATERAL unnest({value}) WITH ORDINALITY u (value, number) WHERE m.profile_id = p.id AND m.removed_at IS NULL AND g.group_type = {type} GROUP BY 1) one)

-- name: newer_of_profile
-- A profile came into a group of a type or left it, or one that it belongs to is another. Of a group that was deleted the
-- type is not known any more: who belonged to it is told once more.
(p.id IN (SELECT m.profile_id FROM {schema}.group_members m LEFT JOIN {schema}.groups g ON g.id = m.group_id WHERE {newer_member} AND coalesce(g.group_type, {type}) = {type}) OR p.id IN (SELECT m.profile_id FROM {schema}.groups g JOIN {schema}.group_members m ON m.group_id = g.id WHERE {newer_group} AND g.group_type = {type} AND m.removed_at IS NULL))
