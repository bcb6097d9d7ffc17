-- name: insert
-- A new key pair; no row where the account has one of that name or fingerprint.
INSERT INTO tidegate.ssh_keys (account_id, ssh_key_id, name, description, algorithm, bits, fingerprint, public_key,
    private_key_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
RETURNING ssh_key_id

-- name: count
-- How many the account has.
SELECT count(*) FROM tidegate.ssh_keys WHERE account_id = $1

-- name: get
-- One key pair, but for its private half.
SELECT ssh_key_id, name, description, algorithm, bits, fingerprint, public_key, last_used_at, version, created_at
FROM tidegate.ssh_keys
WHERE account_id = $1 AND ssh_key_id = $2

-- name: lock
-- A key pair, held for a change that depends on what it is.
SELECT ssh_key_id, name, description, algorithm, bits, fingerprint, public_key, last_used_at, version, created_at
FROM tidegate.ssh_keys
WHERE account_id = $1 AND ssh_key_id = $2
FOR UPDATE

-- name: page
-- The account's key pairs by age, after a cursor.
SELECT ssh_key_id, name, description, algorithm, bits, fingerprint, public_key, last_used_at, version, created_at
FROM tidegate.ssh_keys
WHERE account_id = $1 AND ($2::text IS NULL OR name = $2) AND ($3::text IS NULL OR fingerprint = $3)
  AND ($4::timestamptz IS NULL OR (created_at, ssh_key_id) > ($4, $5::uuid))
ORDER BY created_at, ssh_key_id
LIMIT $6

-- name: describe
-- Another name and description: a new version.
UPDATE tidegate.ssh_keys SET name = $3, description = $4, version = version + 1
WHERE account_id = $1 AND ssh_key_id = $2

-- name: delete
-- Gone for good, with its private half.
DELETE FROM tidegate.ssh_keys WHERE account_id = $1 AND ssh_key_id = $2

-- name: users
-- Connections that are not deleted and use one of these key pairs, with the pair.
SELECT (settings -> 'place' ->> 'ssh_key_id')::uuid AS ssh_key_id, connection_id
FROM tidegate.connections
WHERE account_id = $1 AND deleted_at IS NULL AND settings -> 'place' ->> 'ssh_key_id' = ANY ($2::text[])
ORDER BY created_at, connection_id

-- name: hold
-- A key pair that a connection is just given, held: it must not be taken away at this moment.
SELECT ssh_key_id FROM tidegate.ssh_keys WHERE account_id = $1 AND ssh_key_id = $2 FOR KEY SHARE

-- name: sealed
-- A private half, sealed.
SELECT private_key_sealed FROM tidegate.ssh_keys WHERE account_id = $1 AND ssh_key_id = $2

-- name: used
-- A login takes the key pair; noted once an hour.
UPDATE tidegate.ssh_keys SET last_used_at = now()
WHERE account_id = $1 AND ssh_key_id = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 hour')
