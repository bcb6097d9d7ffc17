-- name: insert
-- A new login; of a password only the hash is kept.
INSERT INTO tidegate.credentials (account_id, drop_folder_id, username, directory, password_sha256, public_key,
    name, rights, expires_at, source_networks)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
RETURNING credential_id

-- name: get
-- One login, with the quota of its folder. A former secret is none once its time has passed.
SELECT c.credential_id, c.drop_folder_id, c.username, c.directory, c.name, c.rights, c.expires_at, c.source_networks,
    c.password_sha256, c.public_key, c.created_at, c.last_used_at, c.revoked_at, c.version, f.quota_bytes,
    c.expires_at IS NOT NULL AND c.expires_at <= now() AS is_expired,
    CASE WHEN c.former_until > now() THEN c.former_until END AS former_until,
    CASE WHEN c.former_until > now() THEN c.former_password_sha256 END AS former_password_sha256,
    CASE WHEN c.former_until > now() THEN c.former_public_key END AS former_public_key
FROM tidegate.credentials c
JOIN tidegate.drop_folders f USING (account_id, drop_folder_id)
WHERE c.account_id = $1 AND c.credential_id = $2

-- name: lock
-- One login, held for a change that depends on what it is.
SELECT credential_id FROM tidegate.credentials WHERE account_id = $1 AND credential_id = $2 FOR UPDATE

-- name: page
-- The logins of a folder by age, after a cursor; revoked ones too.
SELECT c.credential_id, c.drop_folder_id, c.username, c.directory, c.name, c.rights, c.expires_at, c.source_networks,
    c.password_sha256, c.public_key, c.created_at, c.last_used_at, c.revoked_at, c.version, f.quota_bytes,
    c.expires_at IS NOT NULL AND c.expires_at <= now() AS is_expired,
    CASE WHEN c.former_until > now() THEN c.former_until END AS former_until,
    CASE WHEN c.former_until > now() THEN c.former_password_sha256 END AS former_password_sha256,
    CASE WHEN c.former_until > now() THEN c.former_public_key END AS former_public_key
FROM tidegate.credentials c
JOIN tidegate.drop_folders f USING (account_id, drop_folder_id)
WHERE c.account_id = $1 AND c.drop_folder_id = $2
  AND ($3::text IS NULL OR $3 = CASE WHEN c.revoked_at IS NOT NULL THEN 'revoked'
                                     WHEN c.expires_at <= now() THEN 'expired' ELSE 'active' END)
  AND ($4::text IS NULL OR c.username = $4)
  AND ($5::timestamptz IS NULL OR (c.created_at, c.credential_id) > ($5, $6::uuid))
ORDER BY c.created_at, c.credential_id
LIMIT $7

-- name: in_use
-- How these logins stand, which somebody is in with; not those that were revoked. Watching role.
SELECT c.credential_id, c.version, i.state IS NOT NULL AS is_resting FROM tidegate.credentials c
LEFT JOIN tidegate.integrations i ON i.account_id = c.account_id AND i.kind = 'hosted_folders' AND i.state <> 'active'
WHERE c.credential_id = ANY ($1::uuid[]) AND c.revoked_at IS NULL

-- name: mark_used
-- Somebody logged in with them; to the minute, so that who logs in all the time does not write all the time.
UPDATE tidegate.credentials SET last_used_at = now()
WHERE account_id = $1 AND credential_id = ANY ($2::uuid[])
  AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')

-- name: change
-- What the login may do, until when and from where.
UPDATE tidegate.credentials SET name = $3, rights = $4, expires_at = $5, source_networks = $6, version = version + 1
WHERE account_id = $1 AND credential_id = $2

-- name: rotate
-- Another secret; the one that it had goes on opening until then.
UPDATE tidegate.credentials
SET password_sha256 = $3, public_key = $4, former_until = $5,
    former_password_sha256 = CASE WHEN $5::timestamptz IS NOT NULL THEN password_sha256 END,
    former_public_key = CASE WHEN $5::timestamptz IS NOT NULL THEN public_key END,
    version = version + 1
WHERE account_id = $1 AND credential_id = $2

-- name: revoke
-- Opens nothing from now on.
UPDATE tidegate.credentials SET revoked_at = coalesce(revoked_at, now()), version = version + 1
WHERE account_id = $1 AND credential_id = $2

-- name: revoke_all
-- No login of the folder opens anything from now on.
UPDATE tidegate.credentials SET revoked_at = coalesce(revoked_at, now()), version = version + 1
WHERE account_id = $1 AND drop_folder_id = $2
