-- name: begin
-- A file that is about to come. It ends soon unless it is completed.
INSERT INTO tidegate.kept_files (account_id, kind, name, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
RETURNING kept_file_id

-- name: total
-- How many bytes the account keeps.
SELECT coalesce(sum(size_bytes), 0) FROM tidegate.kept_files WHERE account_id = $1

-- name: grow
-- One more chunk is counted, and the file is still coming; no row where it was given up meanwhile.
UPDATE tidegate.kept_files SET size_bytes = size_bytes + $3, expires_at = now() + make_interval(secs => $4)
WHERE account_id = $1 AND kept_file_id = $2 AND sha256 IS NULL AND expires_at > now()
RETURNING kept_file_id

-- name: add_chunk
-- A part of the content.
INSERT INTO tidegate.kept_chunks (account_id, kept_file_id, number, content) VALUES ($1, $2, $3, $4)

-- name: complete
-- All of it is there: from now on it is kept for so long.
UPDATE tidegate.kept_files SET sha256 = $3, expires_at = now() + make_interval(secs => $4)
WHERE account_id = $1 AND kept_file_id = $2 AND sha256 IS NULL AND expires_at > now()
RETURNING kept_file_id, kind, name, size_bytes, sha256, created_at, expires_at

-- name: get
-- One complete file that has not ended.
SELECT kept_file_id, kind, name, size_bytes, sha256, created_at, expires_at
FROM tidegate.kept_files
WHERE account_id = $1 AND kept_file_id = $2 AND sha256 IS NOT NULL AND expires_at > now()

-- name: chunk
-- One part of the content.
SELECT content FROM tidegate.kept_chunks WHERE account_id = $1 AND kept_file_id = $2 AND number = $3

-- name: keep_until
-- A complete file is wanted for so much longer than now; never shorter than it was.
UPDATE tidegate.kept_files SET expires_at = greatest(expires_at, now() + make_interval(secs => $3))
WHERE account_id = $1 AND kept_file_id = $2 AND sha256 IS NOT NULL AND expires_at > now()
RETURNING kept_file_id

-- name: hold
-- One file, held.
SELECT name FROM tidegate.kept_files WHERE account_id = $1 AND kept_file_id = $2 FOR UPDATE

-- name: end
-- Nobody wants it any more; the sweeper takes its content away.
UPDATE tidegate.kept_files SET expires_at = now() WHERE account_id = $1 AND kept_file_id = $2

-- name: ended
-- Files that are kept no longer. Watching role.
SELECT account_id, kept_file_id FROM tidegate.kept_files WHERE expires_at <= now() ORDER BY expires_at LIMIT $1

-- name: drop_chunks
-- Some of the content of a file that has ended, for short transactions.
DELETE FROM tidegate.kept_chunks
WHERE account_id = $1 AND kept_file_id = $2 AND number IN (
    SELECT number FROM tidegate.kept_chunks WHERE account_id = $1 AND kept_file_id = $2 ORDER BY number LIMIT $3)

-- name: drop
-- A file that has ended and has no content any more.
DELETE FROM tidegate.kept_files WHERE account_id = $1 AND kept_file_id = $2 AND expires_at <= now()
