-- name: page
-- Manual imports, newest first, after a cursor; the name is that of their version of the goal.
SELECT r.run_id, v.settings ->> 'name' AS name, r.goal_id, r.goal_version, r.arrival_id, r.state, r.waits_for,
    r.reason_code, r.reason_detail, r.what_to_do, r.queued_at, r.finished_at, a.path, a.size_bytes, a.sha256,
    f.expires_at AS kept_until
FROM tidegate.runs r
JOIN tidegate.goal_versions v ON v.account_id = r.account_id AND v.goal_id = r.goal_id AND v.version = r.goal_version
JOIN tidegate.arrivals a ON a.account_id = r.account_id AND a.arrival_id = r.arrival_id
LEFT JOIN tidegate.kept_files f ON f.account_id = a.account_id AND f.kept_file_id = a.kept_file_id
    AND f.expires_at > now()
WHERE r.account_id = $1 AND r.connection_id = $2
  AND ($3::text IS NULL OR v.settings ->> 'name' = $3)
  AND ($4::text IS NULL OR r.state = $4)
  AND ($5::timestamptz IS NULL OR r.queued_at >= $5)
  AND ($6::timestamptz IS NULL OR r.queued_at < $6)
  AND ($7::timestamptz IS NULL OR (r.queued_at, r.run_id) < ($7, $8::uuid))
ORDER BY r.queued_at DESC, r.run_id DESC
LIMIT $9

-- name: get
-- One manual import.
SELECT r.run_id, v.settings ->> 'name' AS name, r.goal_id, r.goal_version, r.arrival_id, r.state, r.waits_for,
    r.reason_code, r.reason_detail, r.what_to_do, r.queued_at, r.finished_at, a.path, a.size_bytes, a.sha256,
    f.expires_at AS kept_until
FROM tidegate.runs r
JOIN tidegate.goal_versions v ON v.account_id = r.account_id AND v.goal_id = r.goal_id AND v.version = r.goal_version
JOIN tidegate.arrivals a ON a.account_id = r.account_id AND a.arrival_id = r.arrival_id
LEFT JOIN tidegate.kept_files f ON f.account_id = a.account_id AND f.kept_file_id = a.kept_file_id
    AND f.expires_at > now()
WHERE r.account_id = $1 AND r.connection_id = $2 AND r.run_id = $3

-- name: of_file
-- An arrival of a kept file, found by the name that it has from the file.
SELECT arrival_id FROM tidegate.arrivals
WHERE account_id = $1 AND connection_id = $2 AND path = $3 AND kept_file_id = $4
LIMIT 1
