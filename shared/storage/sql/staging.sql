-- name: create
-- The rows of a file, typed. Unlogged: after a crash the run is repeated anyway.
CREATE UNLOGGED TABLE {table} (
    record_number bigint NOT NULL,
    line_number bigint NOT NULL,
    {columns}
) WITH (autovacuum_enabled = false)

-- name: name_rejects
-- Whom rejected rows name: a row each, of those that have an identifier that can be read.
CREATE UNLOGGED TABLE {named} (record_number bigint NOT NULL, {keys}, opt_out boolean)

-- name: guard
-- Rows that no page can hold go beside the table, by number, and by whom they name where that is asked.
CREATE UNLOGGED TABLE {aside} (record_number bigint NOT NULL, line_number bigint NOT NULL{and_keys});
CREATE TRIGGER put_wide_aside BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {schema}.put_wide_aside()

-- name: count_guarded
-- Rows in the table and beside it: COPY does not count what its trigger wrote.
SELECT (SELECT count(*) FROM {table}) + (SELECT count(*) FROM {aside})

-- name: analyze
-- Statistics of what was loaded, of the columns that it is joined by: the others cost more than twice as much again.
ANALYZE {table} ({joined})

-- name: has_profiles
-- Whether there is any profile.
SELECT EXISTS (SELECT FROM {schema}.profiles)

-- name: is_unknown
-- Whether the planner knows nothing of a table: a first file leaves the number of its rows, but no statistics.
SELECT NOT EXISTS (SELECT FROM pg_stats WHERE schemaname = $1 AND tablename = $2)

-- name: analyze_profiles
-- Statistics of the profiles, unless somebody is at it.
ANALYZE (SKIP_LOCKED) {schema}.profiles

-- name: analyze_events
-- Statistics of the events, unless somebody is at it.
ANALYZE (SKIP_LOCKED) {schema}.events

-- name: drop
-- The rows are merged, or will be staged again.
DROP TABLE IF EXISTS {table}, {aside}, {named}

-- name: tables
-- What a run has staged, under any token.
SELECT c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' AND starts_with(c.relname::text, $2)
ORDER BY c.relname
