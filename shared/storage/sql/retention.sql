-- name: due
-- Folders that keep files for a time and were not looked through for an hour, of each account one first. Not where
-- clients cannot come to them, or could not until a day ago. Watching role.
SELECT d.account_id, d.drop_folder_id
FROM (
    SELECT f.account_id, f.drop_folder_id, u.cleaned_at,
        row_number() OVER (PARTITION BY f.account_id ORDER BY u.cleaned_at NULLS FIRST) AS place
    FROM tidegate.drop_folders f
    JOIN tidegate.drop_folder_usage u USING (account_id, drop_folder_id)
    WHERE f.deleted_at IS NULL AND f.retention_days IS NOT NULL
      AND (u.cleaned_at IS NULL OR u.cleaned_at < now() - $1 * interval '1 second')
      AND NOT EXISTS (SELECT FROM tidegate.integrations i
                      WHERE i.account_id = f.account_id AND i.kind = 'hosted_folders'
                        AND (i.state <> 'active' OR i.changed_at > now() - interval '1 day'))
) d
ORDER BY d.place, d.cleaned_at NULLS FIRST
LIMIT $2

-- name: begin
-- Whose turn it is to look through a folder; no row where another just did, files are kept for ever, or clients cannot
-- come to it. What is older than `before` is not kept: on the ledger's clock, which all times that are compared are of.
UPDATE tidegate.drop_folder_usage u SET cleaned_at = now()
FROM tidegate.drop_folders f
WHERE u.account_id = $1 AND u.drop_folder_id = $2 AND f.account_id = u.account_id
  AND f.drop_folder_id = u.drop_folder_id AND f.deleted_at IS NULL AND f.retention_days IS NOT NULL
  AND (u.cleaned_at IS NULL OR u.cleaned_at < now() - $3 * interval '1 second')
  AND NOT EXISTS (SELECT FROM tidegate.integrations i
                  WHERE i.account_id = u.account_id AND i.kind = 'hosted_folders'
                    AND (i.state <> 'active' OR i.changed_at > now() - interval '1 day'))
RETURNING f.retention_days AS days, now() - make_interval(days => f.retention_days) AS before

-- name: again
-- There is more to remove than one round does: the next goes on, behind folders that were waiting.
UPDATE tidegate.drop_folder_usage SET cleaned_at = now() - ($3 + 1) * interval '1 second'
WHERE account_id = $1 AND drop_folder_id = $2

-- name: hold
-- The connection that watches a folder, held so that no look and no replay is written down meanwhile.
SELECT connection_id FROM tidegate.connections
WHERE account_id = $1 AND drop_folder_id = $2 AND deleted_at IS NULL
FOR NO KEY UPDATE

-- name: watching
-- When all that a connection watches was last looked at in full; when its imports last changed, and whether one rests.
SELECT c.connection_id, CASE WHEN c.failures_in_a_row = 0 THEN c.looked_at END AS looked_at,
    EXISTS (SELECT FROM tidegate.goals g
            WHERE g.account_id = c.account_id AND g.connection_id = c.connection_id AND g.kind LIKE 'import%'
              AND g.deleted_at IS NULL AND NOT g.is_active) AS has_paused_goals,
    (SELECT max(greatest(v.saved_at, g.deleted_at))
     FROM tidegate.goals g JOIN tidegate.goal_versions v USING (account_id, goal_id)
     WHERE g.account_id = c.account_id AND g.connection_id = c.connection_id
       AND g.kind LIKE 'import%') AS goals_changed_at
FROM tidegate.connections c
WHERE c.account_id = $1 AND c.connection_id = $2

-- name: known
-- What is known of the files of a connection that lie under these paths, held: a retry of a run waits meanwhile.
SELECT a.arrival_id, a.path, a.settled_path, a.state, a.size_bytes, a.modified_at, a.upload_id, a.expired_at,
    u.modified_at AS uploaded_modified_at,
    greatest(u.closed_at, a.seen_at, a.stamped_at, a.settled_at,
        (SELECT max(r.finished_at) FROM tidegate.runs r
         WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id)) AS last_at,
    EXISTS (SELECT FROM tidegate.runs r WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id
            AND r.finished_at IS NULL) AS has_open_runs, a.vanished_at IS NULL AS is_present
FROM tidegate.arrivals a
LEFT JOIN tidegate.uploads u ON u.account_id = a.account_id AND u.upload_id = a.upload_id
WHERE a.account_id = $1 AND a.arrival_id IN (
    SELECT arrival_id FROM tidegate.arrivals
    WHERE account_id = $1 AND connection_id = $2 AND vanished_at IS NULL AND path = ANY ($3::text[])
    UNION ALL
    SELECT arrival_id FROM tidegate.arrivals
    WHERE account_id = $1 AND connection_id = $2 AND settled_path = ANY ($3::text[]))
ORDER BY a.arrival_id
FOR UPDATE OF a

-- name: told_of
-- Of which of these paths anybody ever told: an upload that was not renamed away, or an arrival, there still or not.
SELECT path FROM tidegate.uploads
WHERE account_id = $1 AND drop_folder_id = $3 AND state <> 'moved' AND path = ANY ($4::text[])
UNION
SELECT path FROM tidegate.arrivals
WHERE account_id = $1 AND connection_id = $2 AND path = ANY ($4::text[])
UNION
SELECT settled_path FROM tidegate.arrivals
WHERE account_id = $1 AND connection_id = $2 AND settled_path = ANY ($4::text[])

-- name: delivered
-- Which of these paths runs of a connection that ended before some time say to have delivered: exports by their
-- receipts, with the size, and what stands beside these files and speaks of them; what was given back of imports.
SELECT d.path, d.size_bytes, r.started_at AS began_at, r.finished_at AS ended_at
FROM tidegate.goals g
JOIN tidegate.runs r ON r.account_id = g.account_id AND r.goal_id = g.goal_id
    AND r.state IN ('completed', 'completed_with_rejects') AND r.finished_at < $3
JOIN tidegate.goal_versions v ON v.account_id = r.account_id AND v.goal_id = r.goal_id AND v.version = r.goal_version
CROSS JOIN LATERAL jsonb_to_recordset(r.receipt -> 'files') AS f (name text, size_bytes bigint)
CROSS JOIN LATERAL (VALUES
    (f.name, f.size_bytes),
    -- A SHA-256, two spaces, the name, and the end of the line.
    (f.name || '.sha256', 67 + octet_length(regexp_replace(f.name, '^.*/', ''))::bigint),
    (f.name || '.manifest.json', NULL),
    (f.name || (v.settings -> 'done_file' ->> 'suffix'), 0)) AS d (path, size_bytes)
WHERE g.account_id = $1 AND g.connection_id = $2 AND g.kind LIKE 'export%' AND r.connection_id = $2
  AND r.started_at IS NOT NULL AND d.path = ANY ($4::text[])
UNION ALL
SELECT f.path, NULL, t.asked_at, t.ended_at
FROM tidegate.run_returns t
CROSS JOIN LATERAL unnest(t.files) AS f (path)
WHERE t.account_id = $1 AND t.connection_id = $2 AND t.ended_at < $3 AND f.path = ANY ($4::text[])
