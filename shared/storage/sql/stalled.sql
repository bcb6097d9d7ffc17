-- name: end
-- End this role's short transactions that froze within a statement: the server waits for the rest of it, and neither of
-- its own limits counts that time. How many there were.
SELECT count(pg_terminate_backend(pid)) AS ended
FROM pg_stat_activity
WHERE usename = session_user AND datname = current_database() AND application_name = $2
  AND state = 'active' AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => $1)
