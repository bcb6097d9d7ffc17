-- name: lock_account
-- Groups of one account are made one at a time.
SELECT account_id FROM tidegate.accounts WHERE account_id = $1 FOR NO KEY UPDATE

-- name: insert
-- A new domain group, numbered after the others; no row when the name is taken.
INSERT INTO tidegate.domain_groups (account_id, number, name)
SELECT $1, coalesce(max(number), 0) + 1, $2 FROM tidegate.domain_groups WHERE account_id = $1
ON CONFLICT (account_id, name) DO NOTHING
RETURNING number, name, created_at

-- name: get
-- One domain group.
SELECT number, name, created_at FROM tidegate.domain_groups WHERE account_id = $1 AND name = $2

-- name: page
-- Some of the account's domain groups.
SELECT number, name, created_at FROM tidegate.domain_groups
WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3

-- name: number_of
-- The number that a group's profiles carry.
SELECT number FROM tidegate.domain_groups WHERE account_id = $1 AND name = $2

-- name: list
-- All domain groups of the account.
SELECT number, name FROM tidegate.domain_groups WHERE account_id = $1 ORDER BY number
