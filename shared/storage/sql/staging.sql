-- name: create
-- The rows of a file, typed. Unlogged: after a crash the run is repeated anyway.
CREATE UNLOGGED TABLE {table} (
    record_number bigint NOT NULL,
    line_number bigint NOT NULL,
    {columns}
) WITH (autovacuum_enabled = false)

-- name: analyze
-- Statistics of what was loaded.
ANALYZE {table}

-- name: is_unknown
-- Whether the planner knows nothing of the profiles, or they have grown far beyond what it knows.
SELECT c.reltuples < 0 OR pg_relation_size(c.oid) / current_setting('block_size')::bigint > 2 * c.relpages
FROM pg_class c
WHERE c.oid = $1::text::regclass

-- name: analyze_profiles
-- Statistics of the profiles, unless somebody is at it.
ANALYZE (SKIP_LOCKED) {schema}.profiles

-- name: drop
-- The rows are merged, or will be staged again.
DROP TABLE IF EXISTS {table}

-- name: tables
-- What a run has staged, under any token.
SELECT c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' AND starts_with(c.relname::text, $2)
ORDER BY c.relname
