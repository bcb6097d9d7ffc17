-- name: select_profiles
-- All profiles of a domain group, in the order they were made, as one moment has them.
SELECT {columns} FROM {schema}.profiles p WHERE p.domain_group = $1 ORDER BY p.id
