-- name: candidates
-- Files of a period, each with the latest run of each of its goals, in the order in which they were run.
SELECT a.arrival_id, a.path, a.settled_path, a.settled_as, a.seen_at, r.goal_id, r.state, r.replay, r.order_at,
    r.order_name, r.finished_at IS NOT NULL AND a.settled_at IS NOT NULL AS has_ended,
    g.is_active AND g.deleted_at IS NULL AND (c.settings -> 'active')::boolean AND c.deleted_at IS NULL AS is_active,
    a.expired_at IS NOT NULL AS is_expired, o.arrival_id IS NOT NULL AS is_one_shot, a.kept_file_id IS NOT NULL AS is_kept,
    CASE WHEN a.kept_file_id IS NOT NULL THEN f.kept_file_id IS NULL
         ELSE a.settled_as IN ('deleted', 'gone') OR (a.settled_path IS NULL AND a.vanished_at IS NOT NULL)
             OR (a.settled_path = a.path AND a.vanished_at IS NOT NULL) END AS is_gone
FROM tidegate.arrivals a
JOIN LATERAL (
    SELECT DISTINCT ON (goal_id) goal_id, state, replay, order_at, order_name, finished_at
    FROM tidegate.runs
    WHERE account_id = a.account_id AND arrival_id = a.arrival_id AND ($3::uuid IS NULL OR goal_id = $3)
    ORDER BY goal_id, replay DESC) r ON true
JOIN tidegate.goals g ON g.account_id = a.account_id AND g.goal_id = r.goal_id
JOIN tidegate.connections c ON c.account_id = a.account_id AND c.connection_id = a.connection_id
LEFT JOIN tidegate.one_shots o ON o.account_id = a.account_id AND o.arrival_id = a.arrival_id
LEFT JOIN tidegate.kept_files f ON f.account_id = a.account_id AND f.kept_file_id = a.kept_file_id
    AND f.expires_at > now()
WHERE a.account_id = $1 AND a.connection_id = $2 AND a.seen_at >= $4 AND a.seen_at < $5
ORDER BY r.order_at, r.order_name COLLATE "C", a.seen_at, r.goal_id
LIMIT $6
