-- name: lock
-- One at a time decides who has a host's sessions. Watching role.
SELECT pg_advisory_xact_lock($1)

-- name: take
-- Take a session of a host, or stand in line for one: whoever asked earlier and could have it comes first. A login that
-- is not known to be good is tried by one at a time, and one that was refused by nobody but who insists, once a minute.
-- In the transaction that holds the lock. Watching role.
WITH gone AS (
    DELETE FROM tidegate.host_sessions WHERE host_key = $2 AND ticket <> $1 AND expires_at < clock_timestamp()
), others AS (
    SELECT asked, is_held, most, login_key FROM tidegate.host_sessions
    WHERE host_key = $2 AND ticket <> $1 AND expires_at >= clock_timestamp()
), held AS (
    SELECT count(*) AS sessions, count(*) FILTER (WHERE login_key = $4) > 0 AS same_login FROM others WHERE is_held
), earlier AS (
    SELECT count(*) AS waiting FROM others, held
    WHERE NOT is_held AND most > sessions
      AND (NOT EXISTS (SELECT FROM others AS same WHERE same.is_held AND same.login_key = others.login_key)
           OR EXISTS (SELECT FROM tidegate.partner_logins AS good WHERE good.login_key = others.login_key
                      AND good.refused_at IS NULL AND good.succeeded_at > now() - interval '7 days'))
      AND asked < coalesce((SELECT asked FROM tidegate.host_sessions WHERE ticket = $1), 9223372036854775807)
), login AS (
    SELECT succeeded_at, refused_at,
        coalesce(refused_at > now() - CASE WHEN $7::boolean THEN interval '1 minute' ELSE interval '30 days' END, false) AS is_barred
    FROM tidegate.partner_logins WHERE login_key = $4
), standing AS (
    SELECT coalesce((SELECT is_barred FROM login), false) AS is_barred,
        coalesce((SELECT refused_at IS NULL AND succeeded_at > now() - interval '7 days' FROM login), false) AS is_good
)
INSERT INTO tidegate.host_sessions (ticket, host_key, most, login_key, is_held, expires_at)
SELECT $1, $2, $3, $4, mine.is_held,
    clock_timestamp() + make_interval(secs => CASE WHEN mine.is_held THEN $5::float8 ELSE $6::float8 END)
FROM held, earlier, standing,
    LATERAL (SELECT NOT is_barred AND (is_good OR NOT same_login) AND sessions + waiting < $3 AS is_held) AS mine
ON CONFLICT (ticket) DO UPDATE SET is_held = excluded.is_held, expires_at = excluded.expires_at
RETURNING is_held, (SELECT is_barred FROM standing) AS is_barred, (SELECT refused_at FROM login) AS refused_at,
    (SELECT succeeded_at FROM login) AS succeeded_at

-- name: keep
-- The session goes on. One that had run out is taken back, over the budget: it is there. Watching role.
INSERT INTO tidegate.host_sessions (ticket, host_key, login_key, most, is_held, expires_at)
VALUES ($1, $2, $3, $4, true, now() + make_interval(secs => $5))
ON CONFLICT (ticket) DO UPDATE SET expires_at = excluded.expires_at

-- name: let_in
-- The server asked for no login: none is being tried in this session. Watching role.
UPDATE tidegate.host_sessions SET login_key = sha256(uuid_send(ticket)) WHERE ticket = $1

-- name: give_back
-- The session has ended, or nobody waits for it any longer. Watching role.
DELETE FROM tidegate.host_sessions WHERE ticket = $1

-- name: forget
-- Nobody has any: for the all in one, whose earlier process is known to be dead. Watching role.
DELETE FROM tidegate.host_sessions

-- name: succeeded
-- The server accepted the login. Watching role.
INSERT INTO tidegate.partner_logins (login_key, succeeded_at, told_at) VALUES ($1, now(), now())
ON CONFLICT (login_key) DO UPDATE SET succeeded_at = now(), refused_at = NULL, cut_off_at = NULL, told_at = now()

-- name: refused
-- The server refused the login. Watching role.
INSERT INTO tidegate.partner_logins (login_key, refused_at, told_at) VALUES ($1, now(), now())
ON CONFLICT (login_key) DO UPDATE SET refused_at = now(), succeeded_at = NULL, told_at = now()

-- name: unasked
-- The server let us in without asking for the login, which is as if nobody had tried it yet. Watching role.
UPDATE tidegate.partner_logins SET refused_at = NULL, told_at = now() WHERE login_key = $1 AND refused_at IS NOT NULL

-- name: cut_off
-- The server hung up when it had seen the password: again within a day is a refusal. What is cut off within the same
-- minute may be one event that ended several sessions, and counts once; and it lifts no refusal, nor is it one because
-- there was one before. Watching role.
INSERT INTO tidegate.partner_logins (login_key, cut_off_at, told_at) VALUES ($1, now(), now())
ON CONFLICT (login_key) DO UPDATE SET
    cut_off_at = CASE WHEN partner_logins.cut_off_at > now() - interval '1 minute'
        THEN partner_logins.cut_off_at ELSE now() END,
    refused_at = CASE WHEN partner_logins.cut_off_at > now() - interval '1 day'
        AND partner_logins.cut_off_at <= now() - interval '1 minute' THEN now() ELSE partner_logins.refused_at END,
    succeeded_at = NULL, told_at = now()
RETURNING coalesce(refused_at = now(), false) AS is_refused

-- name: forget_logins
-- What was last told of a login long ago. Watching role.
DELETE FROM tidegate.partner_logins WHERE told_at < now() - interval '30 days'
