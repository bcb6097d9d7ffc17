-- name: insert
-- A new key; only the hash of its secret is kept.
INSERT INTO tidegate.api_keys (account_id, prefix, secret_sha256, name, email, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING key_id, prefix, name, email, scopes, created_at, expires_at, last_used_at, revoked_at, version

-- name: account_of_prefix
-- Whose key it is. Watching role, which cannot read the hash.
SELECT account_id, key_id FROM tidegate.api_keys WHERE prefix = $1

-- name: for_login
-- A key that is valid just now, with its hash.
SELECT secret_sha256, name, email, scopes
FROM tidegate.api_keys
WHERE account_id = $1 AND key_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())

-- name: mark_used
-- Used just now; at most once a minute, whoever else says so. A row that is being changed is left: it is in use.
UPDATE tidegate.api_keys SET last_used_at = now()
WHERE account_id = $1 AND key_id = (
    SELECT key_id FROM tidegate.api_keys
    WHERE account_id = $1 AND key_id = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    FOR NO KEY UPDATE SKIP LOCKED
)

-- name: get
-- One key, without its hash.
SELECT key_id, prefix, name, email, scopes, created_at, expires_at, last_used_at, revoked_at, version
FROM tidegate.api_keys
WHERE account_id = $1 AND key_id = $2

-- name: page
-- The account's keys by age, after a cursor.
SELECT key_id, prefix, name, email, scopes, created_at, expires_at, last_used_at, revoked_at, version
FROM tidegate.api_keys
WHERE account_id = $1 AND ($2::timestamptz IS NULL OR (created_at, key_id) > ($2, $3::uuid))
  AND ($4::text IS NULL OR name = $4)
  AND ($5::text IS NULL OR prefix = $5)
  AND ($6::text IS NULL OR $6 = CASE
      WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= now() THEN 'expired' ELSE 'active' END)
ORDER BY created_at, key_id
LIMIT $7

-- name: hold_account
-- Held, so that of two keys that end each other one sees the other's end.
SELECT account_id FROM tidegate.accounts WHERE account_id = $1 FOR NO KEY UPDATE

-- name: is_other_keeper
-- Whether another key than this can make keys until that time; for ever where it is null.
SELECT EXISTS (
    SELECT FROM tidegate.api_keys
    WHERE account_id = $1 AND key_id <> $2 AND 'keys:write' = ANY (scopes) AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > now())
        AND (expires_at IS NULL OR $3::timestamptz IS NOT NULL AND expires_at > $3)
)

-- name: update
-- A key's new settings, which are its next version.
UPDATE tidegate.api_keys SET name = $3, scopes = $4, email = $5, expires_at = $6, version = version + 1
WHERE account_id = $1 AND key_id = $2
RETURNING key_id, prefix, name, email, scopes, created_at, expires_at, last_used_at, revoked_at, version

-- name: revoke
-- Valid no longer, from the next request on; once revoked it stays as it is.
UPDATE tidegate.api_keys SET revoked_at = now(), version = version + 1
WHERE account_id = $1 AND key_id = $2 AND revoked_at IS NULL
