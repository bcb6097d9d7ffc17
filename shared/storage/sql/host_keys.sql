-- name: tell
-- The hosted server says what it proves itself with.
INSERT INTO tidegate.host_keys (fingerprint, algorithm) VALUES ($1, $2)
ON CONFLICT (fingerprint) DO UPDATE SET seen_at = now()

-- name: forget
-- It proves itself with this one no more; told anew it is known again.
UPDATE tidegate.host_keys SET seen_at = '-infinity' WHERE fingerprint = $1

-- name: known
-- What was told within the last day: a key that is no longer used is forgotten by then.
SELECT fingerprint FROM tidegate.host_keys WHERE seen_at > now() - interval '1 day' ORDER BY algorithm, fingerprint
