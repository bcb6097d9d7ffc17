-- name: hold_duty
-- Take a duty that is free or ran out, or keep one's own.
INSERT INTO tidegate.duties (duty, holder, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (duty) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE duties.holder = excluded.holder OR duties.expires_at < now()
RETURNING duty

-- name: lay_down_duty
-- Give a duty up.
DELETE FROM tidegate.duties WHERE duty = $1 AND holder = $2

-- name: forget_duties
-- Nobody has any: for the all in one, whose earlier process is known to be dead.
DELETE FROM tidegate.duties

-- name: forget_watches
-- Nobody looks at anything of the account: for the same.
DELETE FROM tidegate.watches WHERE account_id = $1

-- name: take_watch
-- Take the look at a connection that is free or ran out.
INSERT INTO tidegate.watches (account_id, connection_id, holder, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
ON CONFLICT (account_id, connection_id) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE watches.expires_at < now()
RETURNING connection_id

-- name: keep_watch
-- The look goes on, unless it ran out already: then it is over, whether or not another has begun.
UPDATE tidegate.watches SET expires_at = now() + make_interval(secs => $4)
WHERE account_id = $1 AND connection_id = $2 AND holder = $3 AND expires_at >= now()

-- name: leave_watch
-- The look is over.
DELETE FROM tidegate.watches WHERE account_id = $1 AND connection_id = $2 AND holder = $3
