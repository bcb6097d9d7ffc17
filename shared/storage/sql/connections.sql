-- name: insert
-- A new connection, to be looked at soon.
INSERT INTO tidegate.connections (account_id, connection_id, settings, drop_folder_id, is_active, created_by_email,
    password_sealed, private_key_sealed, passphrase_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: make_manual
-- The built-in connection of manual imports, one an account. `is_active` says who is looked at: it never is.
INSERT INTO tidegate.connections (account_id, connection_id, settings, is_active)
VALUES ($1, $2, $3, false)
ON CONFLICT (account_id) WHERE settings -> 'place' ->> 'transport' = 'manual' DO NOTHING

-- name: manual
-- The built-in connection of manual imports.
SELECT connection_id FROM tidegate.connections
WHERE account_id = $1 AND settings -> 'place' ->> 'transport' = 'manual'

-- name: make_one_shot
-- The built-in connection of one-shot imports from one server. It is never looked at either.
INSERT INTO tidegate.connections (account_id, connection_id, settings, is_active)
VALUES ($1, $2, $3, false)
ON CONFLICT (account_id, lower(settings -> 'place' ->> 'host'), (settings -> 'place' ->> 'port'))
    WHERE settings -> 'place' ->> 'transport' = 'one_shot' AND deleted_at IS NULL DO NOTHING

-- name: one_shot
-- The built-in connection of one-shot imports from a server.
SELECT connection_id FROM tidegate.connections
WHERE account_id = $1 AND lower(settings -> 'place' ->> 'host') = lower($2) AND settings -> 'place' ->> 'port' = $3
  AND settings -> 'place' ->> 'transport' = 'one_shot' AND deleted_at IS NULL

-- name: get
-- One connection, but for its secrets.
SELECT connection_id, settings, version, stopped_code, stopped_detail, offered_host_key, failures_in_a_row, looked_at,
    next_look_at, round_due_at, legacy_algorithms, created_at, created_by_email, deleted_at,
    password_sealed IS NOT NULL AS has_password, private_key_sealed IS NOT NULL AS has_private_key,
    passphrase_sealed IS NOT NULL AS has_passphrase
FROM tidegate.connections
WHERE account_id = $1 AND connection_id = $2

-- name: lock
-- A connection, held for a change that depends on what it is.
SELECT connection_id, settings, version, stopped_code, stopped_detail, offered_host_key, failures_in_a_row, looked_at,
    next_look_at, round_due_at, legacy_algorithms, created_at, created_by_email, deleted_at,
    password_sealed IS NOT NULL AS has_password, private_key_sealed IS NOT NULL AS has_private_key,
    passphrase_sealed IS NOT NULL AS has_passphrase
FROM tidegate.connections
WHERE account_id = $1 AND connection_id = $2
FOR UPDATE

-- name: page
-- The account's connections by age, after a cursor.
SELECT connection_id, settings, version, stopped_code, stopped_detail, offered_host_key, failures_in_a_row, looked_at,
    next_look_at, round_due_at, legacy_algorithms, created_at, created_by_email, deleted_at,
    password_sealed IS NOT NULL AS has_password, private_key_sealed IS NOT NULL AS has_private_key,
    passphrase_sealed IS NOT NULL AS has_passphrase
FROM tidegate.connections
WHERE account_id = $1 AND deleted_at IS NULL
  AND ($2::text IS NULL OR settings ->> 'name' = $2)
  AND ($3::boolean IS NULL OR (settings -> 'active')::boolean = $3)
  AND ($4::boolean IS NULL OR (stopped_code IS NOT NULL) = $4)
  AND ($5::text IS NULL OR settings -> 'place' ->> 'transport' = $5)
  AND ($6::uuid IS NULL OR drop_folder_id = $6)
  AND ($7::timestamptz IS NULL OR (created_at, connection_id) > ($7, $8::uuid))
ORDER BY created_at, connection_id
LIMIT $9

-- name: update
-- Other settings: a new version; a person has acted, so looking goes on.
UPDATE tidegate.connections
SET settings = $3, drop_folder_id = $4, is_active = $5, version = version + 1, stopped_code = NULL,
    stopped_detail = NULL, offered_host_key = NULL, failures_in_a_row = 0, next_look_at = now()
WHERE account_id = $1 AND connection_id = $2

-- name: delete
-- Gone for people: looked at no longer, its secrets and its hold on a drop folder with it. Its row stays for its runs.
UPDATE tidegate.connections
SET deleted_at = now(), is_active = false, round_due_at = NULL, drop_folder_id = NULL, password_sealed = NULL, private_key_sealed = NULL,
    passphrase_sealed = NULL, offered_host_key = NULL, version = version + 1
WHERE account_id = $1 AND connection_id = $2

-- name: hold_due
-- A connection whose goals are due, held; what another poller has in hand is left to it.
SELECT connection_id FROM tidegate.connections
WHERE account_id = $1 AND connection_id = $2 AND round_due_at <= $3
FOR NO KEY UPDATE SKIP LOCKED

-- name: rounds_due
-- Connections whose goals are due, those first that were due first. Watching role.
SELECT c.account_id, c.connection_id FROM tidegate.connections c
WHERE c.round_due_at <= $1
  AND NOT EXISTS (SELECT FROM tidegate.resting_connections n
                  WHERE n.account_id = c.account_id AND n.connection_id = c.connection_id)
ORDER BY c.round_due_at LIMIT $2

-- name: set_round
-- When its goals are next carried out in order.
UPDATE tidegate.connections SET round_due_at = $3 WHERE account_id = $1 AND connection_id = $2

-- name: open_runs
-- Runs of a connection that have not ended.
SELECT count(*) FROM tidegate.runs
WHERE account_id = $1 AND connection_id = $2 AND state IN ('queued', 'running', 'waiting')

-- name: set_password
-- Another sealed password, or none.
UPDATE tidegate.connections SET password_sealed = $3 WHERE account_id = $1 AND connection_id = $2

-- name: set_private_key
-- Another sealed private key, or none.
UPDATE tidegate.connections SET private_key_sealed = $3 WHERE account_id = $1 AND connection_id = $2

-- name: set_passphrase
-- Another sealed passphrase, or none.
UPDATE tidegate.connections SET passphrase_sealed = $3 WHERE account_id = $1 AND connection_id = $2

-- name: sealed
-- What proves who we are, sealed, and which local directories the account may use.
SELECT c.password_sealed AS password, c.private_key_sealed AS private_key, c.passphrase_sealed AS passphrase,
    (c.settings -> 'place' ->> 'ssh_key_id')::uuid AS ssh_key_id, a.local_directories
FROM tidegate.connections c JOIN tidegate.accounts a USING (account_id)
WHERE c.account_id = $1 AND c.connection_id = $2

-- name: local_directories
-- Which local directories the account may use, held while a connection is given one.
SELECT local_directories FROM tidegate.accounts WHERE account_id = $1 FOR KEY SHARE

-- name: hold_folder
-- A hosted folder, held while a connection is given it: it must not be taken away at this moment.
SELECT drop_folder_id FROM tidegate.drop_folders
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL
FOR KEY SHARE

-- name: of_drop_folder
-- The connection through which a hosted folder is watched.
SELECT connection_id FROM tidegate.connections WHERE account_id = $1 AND drop_folder_id = $2

-- name: offer_host_key
-- What a server showed that was not accepted yet, for a person to compare.
UPDATE tidegate.connections SET offered_host_key = $3 WHERE account_id = $1 AND connection_id = $2

-- name: stop
-- Look no more until a person acts; no row when it was stopped for that already, or a person acted during the look.
UPDATE tidegate.connections SET stopped_code = $3, stopped_detail = $4
WHERE account_id = $1 AND connection_id = $2 AND version = $5 AND stopped_code IS DISTINCT FROM $3
RETURNING connection_id

-- name: resume
-- Look again, at once, unless a person has changed it since it was tried.
UPDATE tidegate.connections
SET stopped_code = NULL, stopped_detail = NULL, failures_in_a_row = 0, next_look_at = now()
WHERE account_id = $1 AND connection_id = $2 AND version = $3

-- name: refused
-- Other connections that wait for a person because of this, in the order in which all who change several take them.
SELECT connection_id FROM tidegate.connections
WHERE account_id = $1 AND connection_id <> $2 AND stopped_code = $3 AND deleted_at IS NULL
ORDER BY connection_id
LIMIT 100

-- name: due
-- Connections whose turn it is and that nobody looks at, the longest waiting first. Watching role.
SELECT c.account_id, c.connection_id
FROM tidegate.connections c
WHERE c.is_active AND c.stopped_code IS NULL AND c.next_look_at <= now()
  AND NOT EXISTS (SELECT FROM tidegate.resting_connections n
                  WHERE n.account_id = c.account_id AND n.connection_id = c.connection_id)
  AND NOT EXISTS (SELECT FROM tidegate.watches w
                  WHERE w.account_id = c.account_id AND w.connection_id = c.connection_id AND w.expires_at >= now())
ORDER BY c.next_look_at
LIMIT $1

-- name: looked
-- A look is over; when the next one is due, sooner where somebody asked during this one, and how many failed in a row.
UPDATE tidegate.connections
SET looked_at = now(),
    next_look_at = CASE WHEN next_look_at > $5 THEN next_look_at ELSE now() + make_interval(secs => $3) END,
    failures_in_a_row = CASE WHEN $4 THEN failures_in_a_row + 1 ELSE 0 END
WHERE account_id = $1 AND connection_id = $2
RETURNING failures_in_a_row

-- name: put_off
-- A look could not be begun: the next one is due after so long, sooner where somebody asked meanwhile. No failure.
UPDATE tidegate.connections
SET next_look_at = CASE WHEN next_look_at > $4 THEN next_look_at ELSE now() + make_interval(secs => $3) END
WHERE account_id = $1 AND connection_id = $2

-- name: look_after
-- Make it nobody's turn for so long: it is tried first.
UPDATE tidegate.connections SET next_look_at = now() + make_interval(secs => $3)
WHERE account_id = $1 AND connection_id = $2

-- name: wait
-- Its turn does not come before a time, unless somebody saves it meanwhile.
UPDATE tidegate.connections SET next_look_at = $3 WHERE account_id = $1 AND connection_id = $2

-- name: note_legacy
-- Which legacy algorithms the last login took.
UPDATE tidegate.connections SET legacy_algorithms = $3
WHERE account_id = $1 AND connection_id = $2 AND legacy_algorithms <> $3

-- name: look_now
-- Its turn is now.
UPDATE tidegate.connections SET next_look_at = clock_timestamp() WHERE account_id = $1 AND connection_id = $2

-- name: stopped
-- How many connections wait for a person, by code. Watching role.
SELECT stopped_code, count(*) AS connections
FROM tidegate.connections
WHERE is_active AND stopped_code IS NOT NULL
GROUP BY stopped_code
