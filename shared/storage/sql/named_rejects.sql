-- name: keep
-- Whom the rows name that the merge rejects, beside those that were rejected before.
told AS (INSERT INTO {named} (record_number, {keys}, opt_out) SELECT record_number, {keys}, {opt_out} FROM gone)

-- name: found
-- The profiles of one identifier of rejected rows.
SELECT n.record_number, p.id, n.opt_out
FROM {named} n JOIN {schema}.profiles p ON {same}
