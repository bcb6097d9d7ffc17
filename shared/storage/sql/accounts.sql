-- name: insert
-- A new tenant.
INSERT INTO tidegate.accounts (account_id, name) VALUES ($1, $2)

-- name: get
-- The tenant that the transaction speaks for.
SELECT account_id, name, is_operator, created_at FROM tidegate.accounts WHERE account_id = $1

-- name: page
-- Tenants by age, after a cursor. Watching role.
SELECT account_id, created_at
FROM tidegate.accounts
WHERE NOT is_operator AND ($1::timestamptz IS NULL OR (created_at, account_id) > ($1, $2::uuid))
ORDER BY created_at, account_id
LIMIT $3
