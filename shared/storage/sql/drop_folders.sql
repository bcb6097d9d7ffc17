-- name: insert
-- A new hosted folder.
INSERT INTO tidegate.drop_folders (account_id, name, quota_bytes, quota_files, retention_days)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, name) DO NOTHING
RETURNING drop_folder_id, name, quota_bytes, quota_files, retention_days, version, created_at

-- name: get
-- One hosted folder.
SELECT drop_folder_id, name, quota_bytes, quota_files, retention_days, version, created_at
FROM tidegate.drop_folders
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL

-- name: lock
-- One hosted folder, held for a change that depends on what it is.
SELECT drop_folder_id, name, quota_bytes, quota_files, retention_days, version, created_at
FROM tidegate.drop_folders
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL
FOR UPDATE

-- name: update
-- Another name, quota or retention; fails on the unique name where another folder has it.
UPDATE tidegate.drop_folders
SET name = $3, quota_bytes = $4, quota_files = $5, retention_days = $6, version = version + 1
WHERE account_id = $1 AND drop_folder_id = $2

-- name: delete
-- Gone for people, and its name is free again; kept for the uploads that refer to it.
UPDATE tidegate.drop_folders
SET deleted_at = now(), name = left(name, 150) || ' ' || drop_folder_id, version = version + 1
WHERE account_id = $1 AND drop_folder_id = $2

-- name: page
-- The account's hosted folders by age, after a cursor.
SELECT drop_folder_id, name, quota_bytes, quota_files, retention_days, version, created_at
FROM tidegate.drop_folders
WHERE account_id = $1 AND deleted_at IS NULL
  AND ($2::text IS NULL OR name = $2)
  AND ($3::timestamptz IS NULL OR (created_at, drop_folder_id) > ($3, $4::uuid))
ORDER BY created_at, drop_folder_id
LIMIT $5
