-- name: get
-- One profile.
SELECT p.id, p.domain_group, p.created_at, p.updated_at, p.created_by_run, p.updated_by_run, p.opt_in, p.consent_at, p.consent_source,
    p.suppression, p.suppressed_at, p.language, p.permission_level{columns}
FROM {schema}.profiles p
WHERE p.id = $1

-- name: find
-- The profiles of a domain group that own all the given keys: one, or none.
SELECT p.id, p.domain_group, p.created_at, p.updated_at, p.created_by_run, p.updated_by_run, p.opt_in, p.consent_at, p.consent_source,
    p.suppression, p.suppressed_at, p.language, p.permission_level{columns}
FROM {schema}.profiles p
WHERE p.domain_group = $1 AND {conditions}

-- name: page
-- Profiles in the order of their ids, after a cursor.
SELECT p.id, p.domain_group, p.created_at, p.updated_at, p.created_by_run, p.updated_by_run, p.opt_in, p.consent_at, p.consent_source,
    p.suppression, p.suppressed_at, p.language, p.permission_level{columns}
FROM {schema}.profiles p
WHERE p.id > $1 AND ($2::integer IS NULL OR p.domain_group = $2)
ORDER BY p.id
LIMIT $3

-- name: count
-- How many profiles a domain group has.
SELECT count(*) FROM {schema}.profiles p WHERE $1::integer IS NULL OR p.domain_group = $1

-- name: named
-- The profiles of a domain group that own some of the given keys, by key.
SELECT p.{key} AS key, p.id FROM {schema}.profiles p WHERE p.domain_group = $1 AND p.{key} = ANY ($2::text[])

-- name: numbered
-- Those of these profiles that there are in a domain group.
SELECT p.id FROM {schema}.profiles p WHERE p.domain_group = $1 AND p.id = ANY ($2::bigint[])
