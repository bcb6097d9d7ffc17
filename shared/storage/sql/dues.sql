-- name: forget_times
-- The times of a goal that was saved, deleted or switched off; what messages wait for goes with its setting.
DELETE FROM tidegate.dues
WHERE account_id = $1 AND goal_id = $2 AND (NOT $3::boolean OR cause LIKE 'times:%')
RETURNING cause, due_at

-- name: set
-- When a goal is due for a cause; what was said before is no longer so.
INSERT INTO tidegate.dues (account_id, goal_id, cause, due_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, goal_id, cause) DO UPDATE SET due_at = EXCLUDED.due_at

-- name: responded
-- Messages had responses: the goals that wait for the end of them wait from now on, those that are about messages for
-- their own alone.
INSERT INTO tidegate.dues (account_id, goal_id, cause, due_at)
SELECT g.account_id, g.goal_id, 'message:' || m.number,
    $3::timestamptz + make_interval(mins => (w.entry -> 'after_responses' ->> 'minutes')::integer)
FROM tidegate.goals g
CROSS JOIN LATERAL jsonb_array_elements(g.settings -> 'when') AS w (entry)
CROSS JOIN unnest($2::integer[]) AS m (number)
LEFT JOIN {schema}.messages x ON x.number = m.number
WHERE g.account_id = $1 AND g.is_active AND g.deleted_at IS NULL
  AND g.settings -> 'when' @> '[{"after_responses": {}}]' AND w.entry ? 'after_responses'
  AND CASE g.kind WHEN 'export_responses' THEN x.kind = 'mailing' WHEN 'export_sms' THEN x.kind = 'sms' ELSE true END
  AND (NOT g.settings ? 'messages' OR g.settings -> 'messages' = '"all"'
    OR g.settings -> 'messages' @> to_jsonb(x.number) OR g.settings -> 'messages' @> to_jsonb(x.message_id))
ORDER BY g.goal_id, m.number
ON CONFLICT (account_id, goal_id, cause) DO UPDATE SET due_at = EXCLUDED.due_at

-- name: due
-- Goals that are due at a time, those first that were due first. Watching role.
SELECT d.account_id, d.goal_id FROM tidegate.dues d
JOIN tidegate.goals g USING (account_id, goal_id)
WHERE d.due_at <= $1
  AND NOT EXISTS (SELECT FROM tidegate.resting_connections n
                  WHERE n.account_id = g.account_id AND n.connection_id = g.connection_id)
GROUP BY d.account_id, d.goal_id ORDER BY min(d.due_at) LIMIT $2

-- name: next_of
-- When each of some goals is due next, by itself or with its connection. Where either is switched off, times pass.
SELECT g.goal_id, least(min(d.due_at), c.round_due_at) AS due_at
FROM tidegate.goals g
JOIN tidegate.connections c ON c.account_id = g.account_id AND c.connection_id = g.connection_id
LEFT JOIN tidegate.dues d ON d.account_id = g.account_id AND d.goal_id = g.goal_id
WHERE g.account_id = $1 AND g.goal_id = ANY ($2::uuid[]) AND g.is_active AND c.is_active
GROUP BY g.goal_id, c.round_due_at
HAVING least(min(d.due_at), c.round_due_at) IS NOT NULL

-- name: take
-- What a goal is due for, taken out; what another poller has in hand is left to it.
DELETE FROM tidegate.dues d
USING (
    SELECT account_id, goal_id, cause FROM tidegate.dues
    WHERE account_id = $1 AND goal_id = $2 AND due_at <= $3 ORDER BY cause FOR UPDATE SKIP LOCKED
) taken
WHERE d.account_id = taken.account_id AND d.goal_id = taken.goal_id AND d.cause = taken.cause
RETURNING d.cause, d.due_at

-- name: followers
-- Active goals of active connections that are carried out after a goal.
SELECT g.goal_id, g.name
FROM tidegate.goals g
JOIN tidegate.connections c ON c.account_id = g.account_id AND c.connection_id = g.connection_id
WHERE g.account_id = $1 AND g.is_active AND g.deleted_at IS NULL AND c.is_active
  AND g.settings -> 'when' @> jsonb_build_array(jsonb_build_object('after_goal', $2::text))
ORDER BY g.goal_id
