-- name: counts
-- Rejects of a run by code.
SELECT code, count(*) AS rows FROM {schema}.rejects WHERE run_id = $1 AND token = $2 GROUP BY code ORDER BY code

-- name: page
-- Rejects in the order of the file, after a cursor.
SELECT record_number, line_number, code, field, raw, byte_offset
FROM {schema}.rejects
WHERE run_id = $1 AND token = $2 AND record_number > $3
  AND ($4::text IS NULL OR code = $4)
  AND ($5::text IS NULL OR field = $5)
ORDER BY record_number
LIMIT $6

-- name: all
-- Every reject in the order of the file.
SELECT record_number, line_number, code, field, raw, byte_offset
FROM {schema}.rejects
WHERE run_id = $1 AND token = $2
ORDER BY record_number

-- name: drop_other_tokens
-- Only what was rejected under the token that ended the run counts.
DELETE FROM {schema}.rejects WHERE run_id = $1 AND token <> $2

-- name: drop_values_of_other_tokens
-- The same of values.
DELETE FROM {schema}.value_rejects WHERE run_id = $1 AND token <> $2

-- name: value_counts
-- Rejected values of a run by code.
SELECT code, count(*) AS values FROM {schema}.value_rejects WHERE run_id = $1 AND token = $2 GROUP BY code ORDER BY code

-- name: drop_values_of_rows
-- A row that was rejected whole has no rejected values.
DELETE FROM {schema}.value_rejects v
WHERE v.run_id = $1 AND v.token = $2
  AND EXISTS (SELECT FROM {schema}.rejects r
              WHERE r.run_id = v.run_id AND r.token = v.token AND r.record_number = v.record_number)

-- name: value_page
-- Rejected values in the order of the file, after a cursor.
SELECT record_number, line_number, position, code, field, raw, identifiers
FROM {schema}.value_rejects
WHERE run_id = $1 AND token = $2 AND (record_number, position) > ($3, $4::integer)
  AND ($5::text IS NULL OR code = $5)
  AND ($6::text IS NULL OR field = $6)
ORDER BY record_number, position
LIMIT $7

-- name: value_columns
-- The columns of which values were rejected, in the order of the file, as the goal calls them.
SELECT position, min(field) AS field FROM {schema}.value_rejects
WHERE run_id = $1 AND token = $2 GROUP BY position ORDER BY position
