-- name: insert
-- A new key or password; no row where the account has one of that name or fingerprint.
INSERT INTO tidegate.openpgp_keys (account_id, openpgp_key_id, kind, name, fingerprint, facts, public_part,
    private_key_sealed, passphrase_sealed, password_sealed, is_revoked, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING
RETURNING openpgp_key_id

-- name: count
-- How many the account has, with the account held: two at once do not both fit in where one does.
SELECT (SELECT count(*) FROM tidegate.openpgp_keys WHERE account_id = $1)
FROM tidegate.accounts WHERE account_id = $1 FOR UPDATE

-- name: get
-- One key, but for what is sealed.
SELECT openpgp_key_id, kind, name, facts, public_part, passphrase_sealed IS NOT NULL AS has_passphrase, version,
    created_at
FROM tidegate.openpgp_keys
WHERE account_id = $1 AND openpgp_key_id = $2

-- name: lock
-- A key, held for a change that depends on what it is.
SELECT openpgp_key_id, kind, name, facts, public_part, passphrase_sealed IS NOT NULL AS has_passphrase, version,
    created_at
FROM tidegate.openpgp_keys
WHERE account_id = $1 AND openpgp_key_id = $2
FOR UPDATE

-- name: page
-- The account's keys by age, after a cursor.
SELECT openpgp_key_id, kind, name, facts, public_part, passphrase_sealed IS NOT NULL AS has_passphrase, version,
    created_at
FROM tidegate.openpgp_keys
WHERE account_id = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR fingerprint = $3)
  AND ($4::text IS NULL OR name = $4)
  AND ($5::timestamptz IS NULL OR (created_at, openpgp_key_id) > ($5, $6::uuid))
ORDER BY created_at, openpgp_key_id
LIMIT $7

-- name: rename
-- Another name: a new version.
UPDATE tidegate.openpgp_keys SET name = $3, version = version + 1 WHERE account_id = $1 AND openpgp_key_id = $2

-- name: renew
-- The same key as it is now: prolonged, revoked, with other user ids or another passphrase. Notices begin anew.
UPDATE tidegate.openpgp_keys
SET facts = $3, public_part = $4, private_key_sealed = $5, passphrase_sealed = $6, is_revoked = $7, expires_at = $8,
    warned_days = NULL, version = version + 1
WHERE account_id = $1 AND openpgp_key_id = $2

-- name: delete
-- Gone for good, with what is sealed.
DELETE FROM tidegate.openpgp_keys WHERE account_id = $1 AND openpgp_key_id = $2

-- name: users
-- Connections and goals that are not deleted and name a key, by its identity or fingerprint, wherever in their settings.
SELECT 'connection' AS kind, connection_id AS id FROM tidegate.connections
WHERE account_id = $1 AND deleted_at IS NULL
  AND jsonb_path_exists(settings, '$.** ? (@ == $id || @ == $fingerprint)', $2)
UNION ALL
SELECT 'goal', goal_id FROM tidegate.goals
WHERE account_id = $1 AND deleted_at IS NULL
  AND jsonb_path_exists(settings, '$.** ? (@ == $id || @ == $fingerprint)', $2)
LIMIT 10

-- name: hold
-- Keys that a goal or connection is just given, held: they must not be taken away at this moment.
SELECT openpgp_key_id, kind, name, facts, public_part, passphrase_sealed IS NOT NULL AS has_passphrase, version,
    created_at
FROM tidegate.openpgp_keys
WHERE account_id = $1 AND (openpgp_key_id::text = ANY ($2::text[]) OR fingerprint = ANY ($2::text[]))
FOR KEY SHARE

-- name: materials
-- Keys and passwords with what is sealed of them, all or those of some identities or fingerprints.
SELECT openpgp_key_id, kind, facts, public_part, private_key_sealed AS private_key, passphrase_sealed AS passphrase,
    password_sealed AS password
FROM tidegate.openpgp_keys
WHERE account_id = $1
  AND ($2::text[] IS NULL OR openpgp_key_id::text = ANY ($2::text[]) OR fingerprint = ANY ($2::text[]))
ORDER BY created_at, openpgp_key_id

-- name: expiring
-- Keys of which a notice is due: 30, 7 and 1 days before they expire. Watching role.
SELECT account_id, openpgp_key_id
FROM tidegate.openpgp_keys
WHERE NOT is_revoked AND expires_at > now() AND expires_at <= now() + interval '30 days'
  AND (warned_days IS NULL OR warned_days > CASE WHEN expires_at <= now() + interval '1 day' THEN 1
                                                 WHEN expires_at <= now() + interval '7 days' THEN 7 ELSE 30 END)
ORDER BY expires_at
LIMIT 100

-- name: warn
-- A notice is given now; no row where it was given meanwhile, or the key was prolonged.
UPDATE tidegate.openpgp_keys k
SET warned_days = due.days
FROM (SELECT CASE WHEN expires_at <= now() + interval '1 day' THEN 1
                  WHEN expires_at <= now() + interval '7 days' THEN 7 ELSE 30 END AS days
      FROM tidegate.openpgp_keys WHERE account_id = $1 AND openpgp_key_id = $2 FOR UPDATE) due
WHERE k.account_id = $1 AND k.openpgp_key_id = $2 AND NOT k.is_revoked
  AND k.expires_at > now() AND k.expires_at <= now() + interval '30 days'
  AND (k.warned_days IS NULL OR k.warned_days > due.days)
RETURNING k.kind, k.fingerprint, k.expires_at, due.days

-- name: states
-- How many keys there are, by kind and state. Watching role.
SELECT kind, CASE WHEN is_revoked THEN 'revoked' WHEN expires_at <= now() THEN 'expired'
                  WHEN expires_at <= now() + interval '30 days' THEN 'expiring' ELSE 'valid' END AS state,
    count(*) AS keys
FROM tidegate.openpgp_keys
WHERE kind <> 'password'
GROUP BY 1, 2
