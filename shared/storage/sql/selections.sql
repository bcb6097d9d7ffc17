-- name: profiles
-- Profiles of a domain group, in the order they were made: their numbers, then the columns of the file.
SELECT p.id{columns} FROM {schema}.profiles p WHERE p.domain_group = $1{conditions} ORDER BY p.id

-- name: condition
-- One more thing that must hold.
 AND ({condition})

-- name: limited
-- The first rows of a select.
{select} LIMIT ${number}::bigint
