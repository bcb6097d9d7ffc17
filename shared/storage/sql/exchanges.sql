-- name: add_profiles
-- Count profiles of a connection that have not been counted before. Blocks that hold all of theirs are passed over and not
-- locked: as a rule those are nearly all. In one order, so that two runs of a connection cannot lock each other out.
INSERT INTO {schema}.exchange_sets AS s (connection_id, kind, block, bits)
SELECT $1, $2, b.block, b.bits
FROM {blocks}
WHERE NOT EXISTS (
    SELECT FROM {schema}.exchange_sets o
    WHERE o.connection_id = $1 AND o.kind = $2 AND o.block = b.block AND o.bits & b.bits = b.bits)
ORDER BY b.block
ON CONFLICT (connection_id, kind, block) DO UPDATE SET bits = s.bits | excluded.bits

-- name: given
-- Blocks of profiles that the caller gives.
unnest($3::bigint[], $4::bigint[]) AS b (block, bits)

-- name: add_run
-- One more run of a connection has completed.
INSERT INTO {schema}.exchange_totals AS t (connection_id, kind, runs, files, rows, bytes, first_at, last_at)
VALUES ($1, $2, 1, $3, $4, $5, now(), now())
ON CONFLICT (connection_id, kind) DO UPDATE SET runs = t.runs + 1, files = t.files + excluded.files,
    rows = t.rows + excluded.rows, bytes = t.bytes + excluded.bytes, last_at = greatest(t.last_at, excluded.last_at)

-- name: totals
-- What a connection has exchanged, and how many profiles that were.
SELECT t.kind, t.runs, t.files, t.rows, t.bytes AS size_bytes, t.first_at, t.last_at, (
    SELECT coalesce(sum(bit_count(s.bits::bit(64))), 0)::bigint FROM {schema}.exchange_sets s
    WHERE s.connection_id = t.connection_id AND s.kind = t.kind) AS profiles
FROM {schema}.exchange_totals t
WHERE t.connection_id = $1

-- name: forget_totals
-- What a connection has exchanged that is taken away.
DELETE FROM {schema}.exchange_totals WHERE connection_id = $1

-- name: forget_profiles
-- Whose data it was.
DELETE FROM {schema}.exchange_sets WHERE connection_id = $1
