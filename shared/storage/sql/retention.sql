-- name: due
-- Folders that keep files for a time and were not looked through for an hour. Watching role.
SELECT f.account_id, f.drop_folder_id
FROM tidegate.drop_folders f
JOIN tidegate.drop_folder_usage u USING (account_id, drop_folder_id)
WHERE f.deleted_at IS NULL AND f.retention_days IS NOT NULL
  AND (u.cleaned_at IS NULL OR u.cleaned_at < now() - $1 * interval '1 second')
ORDER BY u.cleaned_at NULLS FIRST
LIMIT $2

-- name: begin
-- Whose turn it is to look through a folder; no row where another just did, or files are kept for ever.
UPDATE tidegate.drop_folder_usage u SET cleaned_at = now()
FROM tidegate.drop_folders f
WHERE u.account_id = $1 AND u.drop_folder_id = $2 AND f.account_id = u.account_id
  AND f.drop_folder_id = u.drop_folder_id AND f.deleted_at IS NULL AND f.retention_days IS NOT NULL
  AND (u.cleaned_at IS NULL OR u.cleaned_at < now() - $3 * interval '1 second')
RETURNING f.retention_days

-- name: again
-- There is more to remove than one round does.
UPDATE tidegate.drop_folder_usage SET cleaned_at = '-infinity' WHERE account_id = $1 AND drop_folder_id = $2

-- name: watching
-- The connection that watches a folder, held so that no look and no replay is written down meanwhile; and when all that
-- it watches was last looked at in full.
SELECT connection_id, CASE WHEN failures_in_a_row = 0 THEN looked_at END AS looked_at
FROM tidegate.connections
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL
FOR NO KEY UPDATE

-- name: known
-- What is known of the files of a connection that lie under these paths, held: a retry of a run waits meanwhile.
SELECT a.arrival_id, a.path, a.settled_path, a.state, a.size_bytes, a.modified_at, a.seen_at, a.upload_id, a.expired_at,
    u.closed_at, u.modified_at AS uploaded_modified_at,
    EXISTS (SELECT FROM tidegate.runs r WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id
            AND r.finished_at IS NULL) AS has_open_runs, a.vanished_at IS NULL AS is_present
FROM tidegate.arrivals a
LEFT JOIN tidegate.uploads u ON u.account_id = a.account_id AND u.upload_id = a.upload_id
WHERE a.account_id = $1 AND a.arrival_id IN (
    SELECT arrival_id FROM tidegate.arrivals
    WHERE account_id = $1 AND connection_id = $2 AND vanished_at IS NULL AND path = ANY ($3::text[])
    UNION ALL
    SELECT arrival_id FROM tidegate.arrivals
    WHERE account_id = $1 AND connection_id = $2 AND settled_path = ANY ($3::text[]))
ORDER BY a.arrival_id
FOR UPDATE OF a
