-- name: counts
-- Rejects of a run by code.
SELECT code, count(*) AS rows FROM {schema}.rejects WHERE run_id = $1 AND token = $2 GROUP BY code ORDER BY code

-- name: page
-- Rejects in the order of the file, after a cursor.
SELECT record_number, line_number, code, field, raw
FROM {schema}.rejects
WHERE run_id = $1 AND token = $2 AND record_number > $3
  AND ($4::text IS NULL OR code = $4)
  AND ($5::text IS NULL OR field = $5)
ORDER BY record_number
LIMIT $6

-- name: all
-- Every reject in the order of the file.
SELECT record_number, line_number, code, field, raw
FROM {schema}.rejects
WHERE run_id = $1 AND token = $2
ORDER BY record_number

-- name: drop_other_tokens
-- Only what was rejected under the token that ended the run counts.
DELETE FROM {schema}.rejects WHERE run_id = $1 AND token <> $2
