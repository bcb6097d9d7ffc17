-- name: get
-- What is used of a folder; none where it was never measured.
SELECT used_bytes, used_files, measured_at FROM tidegate.drop_folder_usage WHERE account_id = $1 AND drop_folder_id = $2

-- name: begin
-- A new folder is empty.
INSERT INTO tidegate.drop_folder_usage (account_id, drop_folder_id, used_bytes, used_files) VALUES ($1, $2, 0, 0)

-- name: take
-- Set aside as much as is wished for, at least so much, and so many files; no row where the folder has not that much
-- left, or was never measured. The row is held from here to the end of the transaction: be quick.
WITH held AS (
    SELECT u.used_bytes, u.used_files, f.quota_bytes, f.quota_files
    FROM tidegate.drop_folder_usage u
    JOIN tidegate.drop_folders f USING (account_id, drop_folder_id)
    WHERE u.account_id = $1 AND u.drop_folder_id = $2
    FOR NO KEY UPDATE OF u
), granted AS (
    SELECT greatest($3::bigint, least($4::bigint, quota_bytes - used_bytes)) AS bytes
    FROM held
    WHERE used_bytes + $3 <= quota_bytes AND ($5::bigint = 0 OR used_files + $5 <= quota_files)
)
UPDATE tidegate.drop_folder_usage u
SET used_bytes = greatest(u.used_bytes + g.bytes, 0), used_files = u.used_files + $5
FROM granted g
WHERE u.account_id = $1 AND u.drop_folder_id = $2
RETURNING g.bytes

-- name: has_room
-- A folder that has room for one byte more; no row where it has not, or was never measured.
SELECT u.drop_folder_id
FROM tidegate.drop_folder_usage u
JOIN tidegate.drop_folders f USING (account_id, drop_folder_id)
WHERE u.account_id = $1 AND u.drop_folder_id = $2 AND u.used_bytes < f.quota_bytes

-- name: change
-- So many bytes and files more, or fewer.
UPDATE tidegate.drop_folder_usage
SET used_bytes = greatest(used_bytes + $3, 0), used_files = greatest(used_files + $4, 0)
WHERE account_id = $1 AND drop_folder_id = $2

-- name: begin_measuring
-- Whose turn it is to measure, and what was counted then; no row where another measures, or it was measured just now.
INSERT INTO tidegate.drop_folder_usage AS u (account_id, drop_folder_id, used_bytes, used_files, measured_at, measuring_until)
VALUES ($1, $2, 0, 0, '-infinity', now() + interval '10 minutes')
ON CONFLICT (account_id, drop_folder_id) DO UPDATE SET measuring_until = excluded.measuring_until
WHERE u.measured_at < now() - $3 * interval '1 second' AND (u.measuring_until IS NULL OR u.measuring_until < now())
RETURNING used_bytes, used_files

-- name: end_measuring
-- What lies there; what was counted while it was measured is counted on top.
UPDATE tidegate.drop_folder_usage
SET used_bytes = greatest($3 + used_bytes - $5, 0), used_files = greatest($4 + used_files - $6, 0), measured_at = now(),
    measuring_until = NULL
WHERE account_id = $1 AND drop_folder_id = $2

-- name: under_way
-- What is counted for the files of uploads under way; one that has not told of itself for long has died.
SELECT path, max(counted_bytes) AS counted_bytes
FROM tidegate.uploads
WHERE account_id = $1 AND drop_folder_id = $2 AND state = 'open' AND opened_at > now() - interval '1 day'
GROUP BY path

-- name: count_upload
-- What is counted for the file of an upload under way.
UPDATE tidegate.uploads SET counted_bytes = $3 WHERE account_id = $1 AND upload_id = $2 AND state = 'open'

-- name: supersede
-- Another upload of that path begins, or the file is deleted: those under way are broken off, whichever replica has
-- them. Of one that has not told of itself for long nothing is counted any more but what lies there.
UPDATE tidegate.uploads SET state = 'broken'
WHERE account_id = $1 AND drop_folder_id = $2 AND path = $3 AND state = 'open'
RETURNING counted_bytes, opened_at > now() - interval '1 day' AS is_counted

-- name: due
-- Folders that were not measured for long, or never. Watching role.
SELECT f.account_id, f.drop_folder_id
FROM tidegate.drop_folders f
LEFT JOIN tidegate.drop_folder_usage u USING (account_id, drop_folder_id)
WHERE f.deleted_at IS NULL AND (u.measured_at IS NULL OR u.measured_at < now() - $1 * interval '1 second')
ORDER BY u.measured_at NULLS FIRST
LIMIT $2
