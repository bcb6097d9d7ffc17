-- name: note
-- The profiles that the rows of the file name.
CREATE UNLOGGED TABLE {of_file} AS
{found}

-- name: known
-- Those that were there before.
SELECT x.id, {is_imported} AS is_imported FROM {plan} x WHERE x.id IS NOT NULL

-- name: made
-- Those that the run has made just now.
SELECT p.id, true AS is_imported
FROM {schema}.profiles p
WHERE p.changed_xid = pg_current_xact_id() AND p.created_by_run = '{run}'

-- name: imported
-- Those whose rows took effect.
SELECT i.id FROM {of_file} i WHERE i.is_imported

-- name: count_imported
-- How many these are.
SELECT count(*) FROM {of_file} i WHERE i.is_imported

-- name: rejected
-- Those that rejected rows name.
SELECT r.id, false AS is_imported FROM ({named}) r

-- name: each_once
-- Each of them once: rows of one profile may have been rejected beside others that were not.
SELECT f.id, bool_or(f.is_imported) AS is_imported FROM ({found}) f GROUP BY f.id

-- name: has_any
-- Whether there is any.
SELECT EXISTS (SELECT FROM {of_file})

-- name: blocks
-- Profiles as a set, a bit for each.
CREATE UNLOGGED TABLE {blocks} AS
SELECT i.id >> 6 AS block, bit_or(1::bigint << (i.id & 63)::integer) AS bits FROM ({found}) i WHERE i.is_imported GROUP BY 1
