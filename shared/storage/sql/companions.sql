-- name: add
-- Files beside arrivals that say that these are complete.
INSERT INTO tidegate.companions (account_id, connection_id, arrival_id, path, size_bytes, modified_at, is_manifest, names,
    is_file)
SELECT $1, $2, g.arrival_id, g.path, g.size_bytes, g.modified_at, g.is_manifest, g.names, g.is_file
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[], $7::boolean[], $8::integer[], $9::boolean[])
    AS g (arrival_id, path, size_bytes, modified_at, is_manifest, names, is_file)
ON CONFLICT DO NOTHING

-- name: of_arrival
-- The files beside one arrival; and whether each is another goal's file as well, which is put away by itself, or anything
-- that it stood for, but for this one, is not taken yet (it waits for its goal's time), or is neither put away nor being so.
SELECT c.path, c.size_bytes, c.modified_at, c.is_file OR (
    SELECT count(DISTINCT a.path) < coalesce(c.names, 0)
        OR bool_or(a.path <> me.path AND ((a.settled_at IS NULL AND a.settling_until IS NULL) OR EXISTS (
            SELECT FROM tidegate.runs r
            WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id AND r.state = 'failed')))
    FROM tidegate.companions other
    JOIN tidegate.arrivals a ON a.account_id = other.account_id AND a.arrival_id = other.arrival_id
    WHERE other.account_id = c.account_id AND other.connection_id = c.connection_id AND other.path = c.path
      AND (other.size_bytes, other.modified_at) = (c.size_bytes, c.modified_at)) AS is_needed
FROM tidegate.companions c
JOIN tidegate.arrivals me ON me.account_id = c.account_id AND me.arrival_id = c.arrival_id
WHERE c.account_id = $1 AND c.arrival_id = $2
ORDER BY c.path

-- name: taken
-- Which files were taken because these manifests named them.
SELECT c.path AS manifest, c.size_bytes, c.modified_at, a.path
FROM tidegate.companions c
JOIN tidegate.arrivals a ON a.account_id = c.account_id AND a.arrival_id = c.arrival_id
WHERE c.account_id = $1 AND c.connection_id = $2 AND c.path = ANY ($3::text[]) AND c.is_manifest

-- name: put_away
-- Files that stood under some paths beside others that were put away elsewhere, or are being so.
SELECT c.path, c.size_bytes, c.modified_at, a.path AS came_as, a.settled_path
FROM tidegate.companions c
JOIN tidegate.arrivals a ON a.account_id = c.account_id AND a.arrival_id = c.arrival_id
WHERE c.account_id = $1 AND c.connection_id = $2 AND c.path = ANY ($3::text[])
  AND (a.path <> a.settled_path OR (a.state = 'accepted' AND a.settled_at IS NULL AND a.settling_until IS NOT NULL))

-- name: moved
-- From where to where any version of a connection's goals moves what it has imported, if anything ever stood beside that.
SELECT DISTINCT v.settings #>> '{source,directory}' AS directory,
    v.settings #>> '{source,afterwards,done,move_to}' AS move_to
FROM tidegate.goals g
JOIN tidegate.goal_versions v ON v.account_id = g.account_id AND v.goal_id = g.goal_id
WHERE g.account_id = $1 AND g.connection_id = $2
  AND v.settings #>> '{source,directory}' IS NOT NULL
  AND v.settings #>> '{source,afterwards,done,move_to}' IS NOT NULL
  AND EXISTS (SELECT FROM tidegate.companions c WHERE c.account_id = $1 AND c.connection_id = $2)
