-- name: hold
-- Who begins a file under one path of a folder, gives it to one, deletes or marks one does so one at a time, at whichever
-- replica. Until the end of the transaction, or of the connection. Several in the order of their paths, before any row.
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text || ' upload ' || $2, 0))

-- name: hold_of_arrival
-- The same for the path of an arrival.
SELECT pg_advisory_xact_lock(hashtextextended(c.drop_folder_id::text || ' upload ' || a.path, 0))
FROM tidegate.arrivals a
JOIN tidegate.connections c USING (account_id, connection_id)
WHERE a.account_id = $1 AND a.arrival_id = $2 AND c.drop_folder_id IS NOT NULL

-- name: open
-- A client opened a file for writing.
INSERT INTO tidegate.uploads (account_id, drop_folder_id, path, state, opened_at)
VALUES ($1, $2, $3, 'open', clock_timestamp()) RETURNING upload_id

-- name: under_way
-- Which of these uploads are under way. Watching role.
SELECT upload_id FROM tidegate.uploads WHERE upload_id = ANY ($1::uuid[]) AND state = 'open'

-- name: close
-- A client closed what it had opened: the upload is complete.
UPDATE tidegate.uploads
SET state = 'closed', size_bytes = $3, modified_at = $4, closed_at = clock_timestamp()
WHERE account_id = $1 AND upload_id = $2 AND state = 'open'
RETURNING upload_id

-- name: break
-- The session ended without a CLOSE: the upload never becomes an arrival.
UPDATE tidegate.uploads SET state = 'broken' WHERE account_id = $1 AND upload_id = $2 AND state = 'open'

-- name: is_open
-- Whether this upload is under way, and is so until this transaction is over.
SELECT upload_id FROM tidegate.uploads WHERE account_id = $1 AND upload_id = $2 AND state = 'open' FOR NO KEY UPDATE

-- name: lock_latest
-- The latest upload of a path, which nobody ends before this transaction is over.
SELECT upload_id FROM tidegate.uploads
WHERE account_id = $1 AND drop_folder_id = $2 AND path = $3 AND state <> 'moved'
ORDER BY opened_at DESC, upload_id
LIMIT 1
FOR UPDATE

-- name: leave
-- What lay under this path was renamed, or deleted.
UPDATE tidegate.uploads SET state = 'moved'
WHERE account_id = $1 AND drop_folder_id = $2 AND path = $3 AND state <> 'moved'

-- name: arrive
-- A rename to a name is an upload of that name, complete at once.
INSERT INTO tidegate.uploads (account_id, drop_folder_id, path, state, size_bytes, modified_at, opened_at, closed_at)
VALUES ($1, $2, $3, 'closed', $4, $5, clock_timestamp(), clock_timestamp()) RETURNING upload_id

-- name: retime
-- A client set the time of what it had uploaded.
UPDATE tidegate.uploads SET modified_at = $3
WHERE account_id = $1 AND upload_id = $2 AND state = 'closed'
RETURNING upload_id

-- name: get
-- One upload, with the connection that watches its folder.
SELECT u.upload_id, u.path, u.state, u.size_bytes, u.modified_at, u.closed_at, c.connection_id
FROM tidegate.uploads u
LEFT JOIN tidegate.connections c USING (account_id, drop_folder_id)
WHERE u.account_id = $1 AND u.upload_id = $2

-- name: latest
-- The latest upload of each of these paths of a folder, unless its file has left: what lies there now came another way.
-- One under way has not: its file was only not seen.
SELECT u.upload_id, u.path, u.state, u.size_bytes, u.modified_at, u.closed_at
FROM (
    SELECT DISTINCT ON (path) account_id, upload_id, path, state, size_bytes, modified_at, closed_at
    FROM tidegate.uploads
    WHERE account_id = $1 AND drop_folder_id = $2 AND state <> 'moved' AND path = ANY ($3::text[])
    ORDER BY path, opened_at DESC, upload_id
) u
WHERE u.state = 'open'
   OR NOT EXISTS (SELECT FROM tidegate.arrivals a
                  WHERE a.account_id = u.account_id AND a.upload_id = u.upload_id AND a.vanished_at IS NOT NULL)

-- name: latest_of_connection
-- The latest upload of one path of the folder that a connection watches.
SELECT u.upload_id, u.path, u.state, u.size_bytes, u.modified_at, u.closed_at
FROM tidegate.uploads u
JOIN tidegate.connections c USING (account_id, drop_folder_id)
WHERE c.account_id = $1 AND c.connection_id = $2 AND u.path = $3 AND u.state <> 'moved'
ORDER BY u.opened_at DESC, u.upload_id
LIMIT 1
