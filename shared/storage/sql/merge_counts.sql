-- name: rows
-- The rows of each file that the merge took, all of them new, by the first records of the files.
SELECT width_bucket(s.record_number, $1::bigint[]) AS member, count(*) AS rows, count(*) AS new_rows, 0 AS changed_rows
FROM {source} s GROUP BY member

-- name: planned_rows
-- The same where some are not new: each row as the profile that it is about.
SELECT width_bucket(s.record_number, $1::bigint[]) AS member, count(*) AS rows,
    count(*) FILTER (WHERE x.{anchor} IS NOT NULL AND x.id IS NULL) AS new_rows,
    count(*) FILTER (WHERE x.id IS NOT NULL AND x.differs) AS changed_rows
FROM {source} s LEFT JOIN {plan} x ON x.{anchor} = s.{anchor}
GROUP BY member

-- name: late_rows
-- The rows of each file that the merge rejected.
SELECT width_bucket(record_number, $1::bigint[]) AS member, code, count(*) AS rows
FROM {late} GROUP BY member, code ORDER BY member, code
