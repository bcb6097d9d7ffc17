-- name: lock_account
-- Properties of one account are defined one at a time.
SELECT account_id FROM tidegate.accounts WHERE account_id = $1 FOR NO KEY UPDATE

-- name: columns_used
-- Columns that count towards the limit: those of properties, and dropped ones, which PostgreSQL never gives back.
SELECT count(*) FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND (attisdropped OR starts_with(attname::text, 'p_'))

-- name: insert
-- A new property; no row when the name is taken.
INSERT INTO tidegate.properties (account_id, record_type, name, type, is_identifier, label, choices, aliases, made_by_run)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (account_id, record_type, name) DO NOTHING
RETURNING property_id

-- name: made_by
-- What a run made, for its receipt.
SELECT name FROM tidegate.properties
WHERE account_id = $1 AND record_type = 'profile' AND made_by_run = $2
ORDER BY name

-- name: list
-- An account's properties of a kind of record, oldest first.
SELECT property_id, name, type, is_identifier, label, choices, aliases, created_at
FROM tidegate.properties
WHERE account_id = $1 AND record_type = $2
ORDER BY created_at, property_id

-- name: page
-- An account's properties of a kind of record, oldest first, after a cursor.
SELECT property_id, name, type, is_identifier, label, choices, aliases, version, created_at
FROM tidegate.properties
WHERE account_id = $1 AND record_type = $2
  AND ($3::text IS NULL OR type = $3)
  AND ($4::boolean IS NULL OR is_identifier = $4)
  AND ($5::timestamptz IS NULL OR (created_at, property_id) > ($5, $6::uuid))
ORDER BY created_at, property_id
LIMIT $7

-- name: get
-- One property.
SELECT property_id, name, type, is_identifier, label, choices, aliases, version, created_at
FROM tidegate.properties
WHERE account_id = $1 AND record_type = $2 AND name = $3

-- name: lock
-- One property, held for a change that depends on what it is.
SELECT property_id, name, type, is_identifier, label, choices, aliases, version, created_at
FROM tidegate.properties
WHERE account_id = $1 AND record_type = $2 AND name = $3
FOR UPDATE

-- name: change
-- Another label, other names in files, other choices: a new version. Name, type and being an identifier stay.
UPDATE tidegate.properties SET label = $3, aliases = $4, choices = $5, version = version + 1
WHERE account_id = $1 AND property_id = $2

-- name: add_choices
-- Words of a file that become choices, behind those there are; what another run added meanwhile is not added again.
UPDATE tidegate.properties p
SET version = version + 1,
    choices = p.choices || ARRAY(SELECT n.choice FROM unnest($3::text[]) WITH ORDINALITY AS n (choice, place)
                                 WHERE n.choice <> ALL (p.choices) ORDER BY n.place)
WHERE p.account_id = $1 AND p.record_type = 'profile' AND p.name = $2 AND NOT $3::text[] <@ p.choices
RETURNING cardinality(p.choices) AS choices

-- name: wait_briefly
-- For what locks out readers.
SET LOCAL lock_timeout = '2s'

-- name: wait_as_usual
-- What the connection was opened with.
RESET lock_timeout

-- name: add_columns
-- The columns of a property; without a default, so that nothing is rewritten.
ALTER TABLE {schema}.{table} {columns}

-- name: add_key_index
-- An identifier names one profile of a domain group.
CREATE UNIQUE INDEX {index} ON {schema}.profiles (domain_group, {key})

-- name: add_group_key_index
-- An identifier names one group of its type in a domain group.
CREATE UNIQUE INDEX {index} ON {schema}.groups (domain_group, group_type, {key})
