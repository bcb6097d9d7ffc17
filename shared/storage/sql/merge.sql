-- name: prepare
-- Compiling costs more than it saves; joins of whole files want room; other merges may hold a row for minutes.
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';
SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL lock_timeout = '600s'

-- name: keep_late
-- Where rows go of which only the merge can tell that they are unfit: there may be millions of them.
CREATE UNLOGGED TABLE IF NOT EXISTS {late} (
    record_number bigint PRIMARY KEY,
    line_number bigint NOT NULL,
    code text NOT NULL,
    field text
)

-- name: has_late
-- Whether there is any such row.
SELECT to_regclass($1) IS NOT NULL AS has_late

-- name: opted_out_by_rejects
-- The profiles that rejected rows name and opt out.
(SELECT n.id FROM ({whom}) n WHERE n.opt_out)

-- name: late_counts
-- How many of these rows there are, by code.
SELECT code, count(*) AS rows FROM {late} GROUP BY code ORDER BY code

-- name: late_page
-- Some of these rows, in the order of the file.
SELECT record_number, line_number, code, field FROM {late}
WHERE record_number > $1 ORDER BY record_number LIMIT $2

-- name: count
-- How many rows are staged.
SELECT count(*) FROM {staging}

-- name: resolved_rows
-- The staged rows with the profile that several identifiers found for each.
SELECT r.target, s.record_number, {s_columns} FROM {staging} s JOIN {resolved} r ON r.record_number = s.record_number
WHERE r.target IS NOT NULL

-- name: rows
-- One row for each profile of a file that names none twice.
SELECT {own_s}1::bigint AS rows, {s_columns} FROM {source} s

-- name: rows_and_folded
-- One row for each profile of a file that names some more than once.
SELECT {own_s}1::bigint AS rows, {s_columns} FROM {source} s
WHERE NOT EXISTS (SELECT FROM {folded} f WHERE f.{anchor} = s.{anchor})
UNION ALL
SELECT {own_f}f.rows, {f_columns} FROM {folded} f

-- name: names_any_twice
-- Whether the file may name a profile more than once. Sorting 64-bit hashes costs half of grouping the keys, and most
-- files are done with it.
SELECT count(*) > count(DISTINCT {hash_s}) AS names_any_twice FROM {source} s

-- name: separate_doubled
-- The rows of profiles that the file names more than once; what only shares a hash is told apart at the end.
CREATE UNLOGGED TABLE {doubled} AS
WITH suspects AS (
    SELECT {own_s}s.record_number, {s_columns} FROM {source} s WHERE {hash_s} IN (
        SELECT {hash_s} FROM {source} s GROUP BY {hash_s} HAVING count(*) > 1)
)
SELECT {own_s}s.record_number, {s_columns}
FROM suspects s
WHERE s.{anchor} IN (SELECT s.{anchor} FROM suspects s GROUP BY s.{anchor} HAVING count(*) > 1)

-- name: fold
-- The rows of doubled profiles, folded, to be read again.
CREATE UNLOGGED TABLE {folded} AS
{fold}

-- name: folding
-- One row for each doubled profile, which does to it what all its rows do in file order.
SELECT {own_g}g.rows, {chosen}
FROM (SELECT s.{anchor}, count(*) AS rows{folds} FROM {doubled} s GROUP BY s.{anchor}) g{lists}

-- name: plan
-- What will be written: every new profile and every changed one with its values, joined in one look. The version
-- that was seen (at, seen_xid) is noted, so that a profile which another transaction changes meanwhile is missed.
-- Of those that stay as they are (differs is null) the number alone: a join of their own costs three times as much.
-- OFFSET 0 keeps values from being worked out that are not kept.
CREATE UNLOGGED TABLE {plan} AS
SELECT {own_e}e.rows, p.id, w.*
FROM ({rows}) e
LEFT JOIN {schema}.profiles p ON {same}
LEFT JOIN LATERAL (
    SELECT true AS differs, p.ctid AS at, p.changed_xid AS seen_xid, {merged}
    WHERE p.id IS NULL OR {changed}
    OFFSET 0
) w ON true

-- name: totals
-- Rows and profiles of the plan, and how many of them hold a sum that cannot be stored.
SELECT count(*) FILTER (WHERE x.id IS NULL) AS new_profiles,
    coalesce(sum(x.rows) FILTER (WHERE x.id IS NULL), 0)::bigint AS new_rows,
    count(*) FILTER (WHERE x.id IS NOT NULL AND x.differs) AS changed_profiles,
    coalesce(sum(x.rows) FILTER (WHERE x.id IS NOT NULL AND x.differs), 0)::bigint AS changed_rows,
    count(*) FILTER (WHERE {is_written} AND {any_unfit}) AS unfit_profiles
FROM {plan} x

-- name: reject_out_of_range
-- Take every row that feeds a sum which cannot be stored out of staging, with the number of the sum.
WITH u AS (
    SELECT x.{anchor}, {unfit} FROM {judged} x WHERE {is_written} AND {any_unfit}
), gone AS (
    DELETE FROM {staging} s
    USING u{also}
    WHERE {of_profile} AND {feeds}
    RETURNING s.record_number, s.line_number{gone_keys}, CASE {which} END AS field
){naming}
INSERT INTO {late} (record_number, line_number, code, field)
SELECT record_number, line_number, $1, ($2::text[])[field + 1] FROM gone

-- name: put_aside
-- Rows that were too wide to be staged at all.
WITH gone AS (SELECT s.record_number, s.line_number{gone_keys} FROM {aside} s){naming}
INSERT INTO {late} (record_number, line_number, code)
SELECT record_number, line_number, $1 FROM gone

-- name: folded_too_wide
-- Doubled profiles of which the file says more than fits a page.
SELECT f.{anchor} FROM ({fold}) f WHERE {width} > {limit}

-- name: merged_too_wide
-- Profiles that would not fit a page after the merge.
SELECT e.{anchor}
FROM ({rows}) e
LEFT JOIN {schema}.profiles p ON {same}
WHERE {is_written} AND (p.id IS NULL OR {changed}) AND {width} > {limit}

-- name: reject_too_wide
-- Take every row of these profiles out of staging.
WITH u AS ({too_wide}), gone AS (
    DELETE FROM {staging} s
    USING u{also}
    WHERE {of_profile}
    RETURNING s.record_number, s.line_number{gone_keys}
){naming}
INSERT INTO {late} (record_number, line_number, code)
SELECT record_number, line_number, $1 FROM gone

-- name: update
-- The changed profiles, in the order in which they lie on disk. A version that is no longer there is not found.
UPDATE {schema}.profiles p
SET {assigned}, updated_at = now(), updated_by_run = $1, changed_xid = pg_current_xact_id()
FROM (SELECT x.id, x.at, x.seen_xid, {x_columns} FROM {plan} x WHERE x.id IS NOT NULL AND x.differs ORDER BY x.at) x
WHERE p.ctid = x.at AND p.id = x.id AND p.changed_xid = x.seen_xid

-- name: insert
-- The new profiles, in key order, which keeps the indexes compact and two merges from locking each other out.
INSERT INTO {schema}.profiles (domain_group, created_by_run, updated_by_run, {names})
SELECT {domain_group}, $1, $1, {written}
FROM {plan} x
WHERE x.id IS NULL
ORDER BY {x_keys}

-- name: is_empty
-- Whether there is no profile at all.
SELECT NOT EXISTS (SELECT FROM {schema}.profiles) AS is_empty

-- name: lock_out
-- Have the profiles alone, at once or not at all.
LOCK TABLE {schema}.profiles IN ACCESS EXCLUSIVE MODE NOWAIT

-- name: indexes
-- The indexes that can be built after the rows are in, and the primary key while nothing refers to it.
SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS dropping, pg_get_indexdef(i.indexrelid) AS making
FROM pg_index i
WHERE i.indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
UNION ALL
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
FROM pg_constraint c
WHERE c.conrelid = $1::text::regclass AND c.contype = 'p'
  AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.conrelid)
ORDER BY making

-- name: insert_first
-- All rows of the file into an empty table, in the order of the file: their keys are built afterwards.
INSERT INTO {schema}.profiles (domain_group, created_by_run, updated_by_run, {names})
SELECT {domain_group}, $1, $1, {initial}
FROM ({rows}) e

-- name: drop
-- What the merge needed for itself.
DROP TABLE IF EXISTS {doubled}, {folded}, {plan}
