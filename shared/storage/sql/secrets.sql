-- name: recorded
-- Keys that something may be sealed with.
SELECT key_id FROM tidegate.secret_keys

-- name: held
-- A key that is recorded stays so until the transaction ends; no row for one that is not, or that is to be retired.
SELECT key_id FROM tidegate.secret_keys WHERE key_id = $1 AND NOT is_retiring FOR SHARE

-- name: record
-- Something is sealed with this key, whatever a rotation meant to do with it.
INSERT INTO tidegate.secret_keys (key_id) VALUES ($1) ON CONFLICT (key_id) DO UPDATE SET is_retiring = false

-- name: retire
-- Mark a key; waits for the transactions that are sealing with it, also for the first that ever does.
INSERT INTO tidegate.secret_keys (key_id, is_retiring) VALUES ($1, true)
ON CONFLICT (key_id) DO UPDATE SET is_retiring = true

-- name: forget
-- Keys that nothing is sealed with any more, but for those that somebody has used since they were marked.
DELETE FROM tidegate.secret_keys WHERE is_retiring AND NOT key_id = ANY ($1::bytea[])

-- name: take_turn
-- Whether no other rotation is under way; held until the connection is given back.
SELECT pg_try_advisory_lock(7436201945)

-- name: connections
-- Connections of which a value is not sealed with this key (bytes 2 to 9 of a sealed value name its key).
SELECT connection_id AS row_id, password_sealed AS password, private_key_sealed AS private_key,
    passphrase_sealed AS passphrase
FROM tidegate.connections
WHERE account_id = $1 AND ($3::uuid IS NULL OR connection_id > $3)
  AND (substring(password_sealed FROM 2 FOR 8) <> $2 OR substring(private_key_sealed FROM 2 FOR 8) <> $2
       OR substring(passphrase_sealed FROM 2 FOR 8) <> $2)
ORDER BY connection_id
LIMIT $4

-- name: reseal_connection
-- The same secrets under another key, if they are still those that were read.
UPDATE tidegate.connections SET password_sealed = $3, private_key_sealed = $4, passphrase_sealed = $5
WHERE account_id = $1 AND connection_id = $2 AND password_sealed IS NOT DISTINCT FROM $6
  AND private_key_sealed IS NOT DISTINCT FROM $7 AND passphrase_sealed IS NOT DISTINCT FROM $8

-- name: kept_answers
-- Kept answers that are not sealed with this key.
SELECT key_digest AS row_id, answer_sealed AS answer
FROM tidegate.kept_answers
WHERE account_id = $1 AND ($3::bytea IS NULL OR key_digest > $3) AND substring(answer_sealed FROM 2 FOR 8) <> $2
ORDER BY key_digest
LIMIT $4

-- name: reseal_answer
-- The same answer under another key, if it is still the one that was read.
UPDATE tidegate.kept_answers SET answer_sealed = $3 WHERE account_id = $1 AND key_digest = $2 AND answer_sealed = $4

-- name: openpgp_keys
-- OpenPGP keys of which a value is not sealed with this key.
SELECT openpgp_key_id AS row_id, private_key_sealed AS private_key, passphrase_sealed AS passphrase,
    password_sealed AS password
FROM tidegate.openpgp_keys
WHERE account_id = $1 AND ($3::uuid IS NULL OR openpgp_key_id > $3)
  AND (substring(private_key_sealed FROM 2 FOR 8) <> $2 OR substring(passphrase_sealed FROM 2 FOR 8) <> $2
       OR substring(password_sealed FROM 2 FOR 8) <> $2)
ORDER BY openpgp_key_id
LIMIT $4

-- name: reseal_openpgp_key
-- The same secrets under another key, if they are still those that were read.
UPDATE tidegate.openpgp_keys SET private_key_sealed = $3, passphrase_sealed = $4, password_sealed = $5
WHERE account_id = $1 AND openpgp_key_id = $2 AND private_key_sealed IS NOT DISTINCT FROM $6
  AND passphrase_sealed IS NOT DISTINCT FROM $7 AND password_sealed IS NOT DISTINCT FROM $8

-- name: one_shots
-- Passwords of one-shot imports that are not sealed with this key.
SELECT arrival_id AS row_id, password_sealed AS password
FROM tidegate.one_shots
WHERE account_id = $1 AND ($3::uuid IS NULL OR arrival_id > $3) AND substring(password_sealed FROM 2 FOR 8) <> $2
ORDER BY arrival_id
LIMIT $4

-- name: reseal_one_shot
-- The same password under another key, if it is still the one that was read.
UPDATE tidegate.one_shots SET password_sealed = $3 WHERE account_id = $1 AND arrival_id = $2 AND password_sealed = $4

-- name: ssh_keys
-- SSH keys that are not sealed with this key.
SELECT ssh_key_id AS row_id, private_key_sealed AS private_key
FROM tidegate.ssh_keys
WHERE account_id = $1 AND ($3::uuid IS NULL OR ssh_key_id > $3) AND substring(private_key_sealed FROM 2 FOR 8) <> $2
ORDER BY ssh_key_id
LIMIT $4

-- name: reseal_ssh_key
-- The same private key under another key, if it is still the one that was read.
UPDATE tidegate.ssh_keys SET private_key_sealed = $3
WHERE account_id = $1 AND ssh_key_id = $2 AND private_key_sealed = $4
