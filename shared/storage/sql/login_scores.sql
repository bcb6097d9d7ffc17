-- name: look
-- Whose user name it is, and how the scores stand for it and the network it comes from. Watching role.
WITH found AS (
    SELECT username, network, banned_until > now() AS is_banned, known_at > now() - $4 * interval '1 second' AS is_known,
        known_at > now() - interval '1 hour' AS is_familiar,
        score * power(0.5, extract(epoch FROM now() - scored_at) / $3::float8) AS score
    FROM tidegate.login_scores
    WHERE username IN ('', $1) AND network IN ('', $2)
)
SELECT o.account_id, o.credential_id, i.state IS NOT NULL AS is_resting, s.*
FROM (
    SELECT coalesce(max(score) FILTER (WHERE username = ''), 0) AS address_score,
        coalesce(bool_or(is_banned) FILTER (WHERE username = ''), false) AS address_is_banned,
        coalesce(max(score) FILTER (WHERE network = ''), 0) AS user_score,
        coalesce(bool_or(is_banned) FILTER (WHERE network = ''), false) AS user_is_banned,
        coalesce(max(score) FILTER (WHERE username <> '' AND network <> ''), 0) AS pair_score,
        coalesce(bool_or(is_known) FILTER (WHERE username <> '' AND network <> ''), false) AS is_known,
        coalesce(bool_or(is_familiar) FILTER (WHERE username <> '' AND network <> ''), false) AS is_familiar
    FROM found
) s
LEFT JOIN tidegate.credentials o ON o.username = $1
LEFT JOIN tidegate.integrations i ON i.account_id = o.account_id AND i.kind = 'hosted_folders' AND i.state <> 'active'

-- name: unwelcome
-- Networks that are shut out and from which nobody has ever logged in. Watching role.
SELECT network FROM tidegate.login_scores s
WHERE username = '' AND banned_until > now()
  AND NOT EXISTS (SELECT FROM tidegate.login_scores k
                  WHERE k.network = s.network AND k.known_at > now() - $1 * interval '1 second')
LIMIT $2

-- name: add
-- So many more failures each; what was counted before has decayed. A network or a user name that has reached its limit
-- is shut out for a time; a user name where it is known never is.
INSERT INTO tidegate.login_scores AS s (account_id, username, network, score, banned_at, banned_until)
SELECT $1, u.username, u.network, u.failures,
    CASE WHEN u.failures >= u.at_most THEN now() END,
    CASE WHEN u.failures >= u.at_most THEN now() + $7 * interval '1 second' END
FROM (
    SELECT n.username, n.network, n.failures,
        CASE '' WHEN n.username THEN $5::float8 WHEN n.network THEN $6::float8 ELSE 'Infinity' END AS at_most
    FROM unnest($2::text[], $3::text[], $4::float8[]) AS n (username, network, failures)
) u
ORDER BY u.username, u.network
ON CONFLICT (account_id, username, network) DO UPDATE
SET (score, scored_at, banned_at, banned_until) = (
    SELECT n.score, now(),
        CASE WHEN s.banned_until > now() THEN s.banned_at WHEN n.is_over THEN now() END,
        CASE WHEN s.banned_until > now() THEN s.banned_until WHEN n.is_over THEN now() + $7 * interval '1 second' END
    FROM (
        SELECT m.score,
            m.score >= CASE '' WHEN s.username THEN $5::float8 WHEN s.network THEN $6::float8 ELSE 'Infinity' END
                AS is_over
        FROM (
            SELECT excluded.score
                + s.score * power(0.5, extract(epoch FROM now() - s.scored_at) / $8::float8) AS score
        ) m
    ) n
)

-- name: welcome
-- Good logins: known from there, and what was typed wrong from there before is forgiven.
INSERT INTO tidegate.login_scores AS s (account_id, username, network, known_at)
SELECT $1, n.username, n.network, now()
FROM unnest($2::text[], $3::text[]) AS n (username, network)
ORDER BY n.username, n.network
ON CONFLICT (account_id, username, network) DO UPDATE
SET known_at = now(), score = 0, scored_at = now(), banned_at = NULL, banned_until = NULL

-- name: forget_old
-- What says nothing any more: scores that have decayed, and where nobody has logged in for long.
DELETE FROM tidegate.login_scores
WHERE account_id = $1 AND scored_at < now() - interval '1 day' AND (banned_until IS NULL OR banned_until < now())
  AND (known_at IS NULL OR known_at < now() - $2 * interval '1 second')

-- name: page
-- What is counted against somebody now, by age, after a cursor.
SELECT score_id, username, network, banned_at, created_at, score_now AS score,
    CASE WHEN banned_until > now() THEN banned_until END AS banned_until
FROM (
    SELECT *, score * power(0.5, extract(epoch FROM now() - scored_at) / $7::float8) AS score_now
    FROM tidegate.login_scores
    WHERE account_id = $1
) s
WHERE (score_now >= 0.5 OR banned_until > now())
  AND ($2::boolean IS NULL OR coalesce(banned_until > now(), false) = $2)
  AND ($3::text IS NULL OR username = $3)
  AND ($4::timestamptz IS NULL OR (created_at, score_id) > ($4, $5::uuid))
ORDER BY created_at, score_id
LIMIT $6

-- name: lift
-- Nothing is counted any more; from where somebody is known stays known.
UPDATE tidegate.login_scores SET score = 0, scored_at = now(), banned_at = NULL, banned_until = NULL
WHERE account_id = $1 AND score_id = $2
RETURNING score_id, username, network, score, banned_at, banned_until, created_at
