-- name: insert
-- A new tenant.
INSERT INTO tidegate.accounts (account_id, name, local_directories) VALUES ($1, $2, $3)

-- name: get
-- The tenant that the transaction speaks for.
SELECT account_id, name, is_operator, local_directories, version, created_at
FROM tidegate.accounts WHERE account_id = $1

-- name: lock
-- The same, held for a change that depends on what it is.
SELECT account_id, name, is_operator, local_directories, version, created_at
FROM tidegate.accounts WHERE account_id = $1
FOR NO KEY UPDATE

-- name: change
-- Other settings: a new version.
UPDATE tidegate.accounts SET name = $2, local_directories = $3, version = version + 1 WHERE account_id = $1

-- name: page
-- Tenants by age, after a cursor. Watching role.
SELECT account_id, created_at
FROM tidegate.accounts
WHERE NOT is_operator AND ($1::timestamptz IS NULL OR (created_at, account_id) > ($1, $2::uuid))
  AND ($4::timestamptz IS NULL OR created_at >= $4)
  AND ($5::timestamptz IS NULL OR created_at < $5)
ORDER BY created_at, account_id
LIMIT $3
