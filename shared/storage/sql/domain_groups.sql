-- name: insert
-- A new domain group, numbered after the others.
INSERT INTO tidegate.domain_groups (account_id, number, name)
SELECT $1, coalesce(max(number), 0) + 1, $2 FROM tidegate.domain_groups WHERE account_id = $1
RETURNING number

-- name: number_of
-- The number that a group's profiles carry.
SELECT number FROM tidegate.domain_groups WHERE account_id = $1 AND name = $2

-- name: list
-- All domain groups of the account.
SELECT number, name FROM tidegate.domain_groups WHERE account_id = $1 ORDER BY number
