-- name: tell
-- The hosted server says what it proves itself with.
INSERT INTO tidegate.host_keys (fingerprint, algorithm) VALUES ($1, $2)
ON CONFLICT (fingerprint) DO UPDATE SET seen_at = now()

-- name: known
-- What was told within the last day: a key that is no longer used is forgotten by then.
SELECT fingerprint FROM tidegate.host_keys WHERE seen_at > now() - interval '1 day' ORDER BY algorithm, fingerprint
