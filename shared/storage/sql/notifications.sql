-- name: insert
-- Something that a person should know or do.
INSERT INTO tidegate.notifications (account_id, code, title, detail, what_to_do, connection_id, goal_id, run_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING notification_id

-- name: get
-- One notification.
SELECT notification_id, code, title, detail, what_to_do, connection_id, goal_id, run_id, created_at, read_at
FROM tidegate.notifications
WHERE account_id = $1 AND notification_id = $2

-- name: page
-- The account's notifications, newest first, after a cursor.
SELECT notification_id, code, title, detail, what_to_do, connection_id, goal_id, run_id, created_at, read_at
FROM tidegate.notifications
WHERE account_id = $1 AND (NOT $2 OR read_at IS NULL)
  AND ($3::text IS NULL OR code = $3)
  AND ($4::uuid IS NULL OR connection_id = $4)
  AND ($5::uuid IS NULL OR goal_id = $5)
  AND ($6::uuid IS NULL OR run_id = $6)
  AND ($7::timestamptz IS NULL OR created_at >= $7)
  AND ($8::timestamptz IS NULL OR created_at < $8)
  AND ($9::timestamptz IS NULL OR (created_at, notification_id) < ($9, $10::uuid))
ORDER BY created_at DESC, notification_id DESC
LIMIT $11

-- name: mark_read
-- A person has seen it.
UPDATE tidegate.notifications SET read_at = coalesce(read_at, now())
WHERE account_id = $1 AND notification_id = $2
RETURNING notification_id
