-- name: all
-- What the account has said of its integrations.
SELECT kind, state, version FROM tidegate.integrations WHERE account_id = $1

-- name: hold
-- One of them, held for a change; made where nothing was said.
INSERT INTO tidegate.integrations AS i (account_id, kind, state) VALUES ($1, $2, 'active')
ON CONFLICT (account_id, kind) DO UPDATE SET state = i.state
RETURNING kind, state, version

-- name: set
-- Another state: a new version.
UPDATE tidegate.integrations SET state = $3, version = version + 1, changed_at = now()
WHERE account_id = $1 AND kind = $2
RETURNING kind, state, version

-- name: begin
-- What a new account begins with.
INSERT INTO tidegate.integrations (account_id, kind, state) VALUES ($1, $2, $3)
