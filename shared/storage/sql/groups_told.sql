-- name: groups
-- Groups of a type in a domain group, in the order they were made: nobody's number, then the columns of the file.
SELECT NULL::bigint{columns} FROM {schema}.groups g WHERE g.domain_group = $1 AND g.group_type = $2{conditions} ORDER BY g.id

-- name: members
-- How many profiles belong to a group.
(SELECT count(*) FROM {schema}.group_members m WHERE m.group_id = g.id AND m.removed_at IS NULL)

-- name: newer_members
-- Somebody came into a group or left it.
 OR g.id IN (SELECT m.group_id FROM {schema}.group_members m WHERE {newer})
