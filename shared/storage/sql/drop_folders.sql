-- name: insert
-- A new hosted folder.
INSERT INTO tidegate.drop_folders (account_id, name, quota_bytes) VALUES ($1, $2, $3)
ON CONFLICT (account_id, name) DO NOTHING
RETURNING drop_folder_id, name, quota_bytes, version, created_at

-- name: get
-- One hosted folder.
SELECT drop_folder_id, name, quota_bytes, version, created_at
FROM tidegate.drop_folders
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL

-- name: lock
-- One hosted folder, held for a change that depends on what it is.
SELECT drop_folder_id, name, quota_bytes, version, created_at
FROM tidegate.drop_folders
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL
FOR UPDATE

-- name: update
-- Another name or quota; fails on the unique name where another folder has it.
UPDATE tidegate.drop_folders SET name = $3, quota_bytes = $4, version = version + 1
WHERE account_id = $1 AND drop_folder_id = $2

-- name: delete
-- Gone for people, and its name is free again; kept for the uploads that refer to it.
UPDATE tidegate.drop_folders
SET deleted_at = now(), name = left(name, 150) || ' ' || drop_folder_id, version = version + 1
WHERE account_id = $1 AND drop_folder_id = $2

-- name: revoke_all
-- No login of the folder opens anything from now on.
UPDATE tidegate.credentials SET revoked_at = coalesce(revoked_at, now())
WHERE account_id = $1 AND drop_folder_id = $2

-- name: page
-- The account's hosted folders by age, after a cursor.
SELECT drop_folder_id, name, quota_bytes, version, created_at
FROM tidegate.drop_folders
WHERE account_id = $1 AND deleted_at IS NULL
  AND ($2::text IS NULL OR name = $2)
  AND ($3::timestamptz IS NULL OR (created_at, drop_folder_id) > ($3, $4::uuid))
ORDER BY created_at, drop_folder_id
LIMIT $5

-- name: insert_credential
-- A new login; of a password only the hash is kept.
INSERT INTO tidegate.credentials (account_id, drop_folder_id, username, directory, password_sha256, public_key)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING credential_id

-- name: credential
-- One login, with the quota of its folder.
SELECT c.credential_id, c.drop_folder_id, c.username, c.directory, c.password_sha256, c.public_key, c.created_at,
    c.last_used_at, c.revoked_at, f.quota_bytes
FROM tidegate.credentials c
JOIN tidegate.drop_folders f USING (account_id, drop_folder_id)
WHERE c.account_id = $1 AND c.credential_id = $2

-- name: credentials
-- The logins of a folder by age, after a cursor; revoked ones too.
SELECT c.credential_id, c.drop_folder_id, c.username, c.directory, c.password_sha256, c.public_key, c.created_at,
    c.last_used_at, c.revoked_at, f.quota_bytes
FROM tidegate.credentials c
JOIN tidegate.drop_folders f USING (account_id, drop_folder_id)
WHERE c.account_id = $1 AND c.drop_folder_id = $2
  AND ($3::boolean IS NULL OR (c.revoked_at IS NOT NULL) = $3)
  AND ($4::text IS NULL OR c.username = $4)
  AND ($5::timestamptz IS NULL OR (c.created_at, c.credential_id) > ($5, $6::uuid))
ORDER BY c.created_at, c.credential_id
LIMIT $7

-- name: owner_of_username
-- Whose login it is. Watching role, which cannot read hashes and keys.
SELECT account_id, credential_id FROM tidegate.credentials WHERE username = $1

-- name: mark_used
-- Somebody logged in with it.
UPDATE tidegate.credentials SET last_used_at = now() WHERE account_id = $1 AND credential_id = $2

-- name: revoke
-- Opens nothing from now on.
UPDATE tidegate.credentials SET revoked_at = coalesce(revoked_at, now())
WHERE account_id = $1 AND drop_folder_id = $2 AND credential_id = $3
RETURNING credential_id
