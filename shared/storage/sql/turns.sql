-- name: open
-- An import goal is due: the first look that begins from now on takes its files.
INSERT INTO tidegate.turns (account_id, connection_id, goal_id, in_round, begun_at)
SELECT g.account_id, g.connection_id, g.goal_id, false, clock_timestamp()
FROM tidegate.goals g WHERE g.account_id = $1 AND g.goal_id = $2
ON CONFLICT (account_id, goal_id) WHERE NOT in_round DO UPDATE SET begun_at = EXCLUDED.begun_at

-- name: close
-- A goal is switched off or gone: it is due no longer.
DELETE FROM tidegate.turns WHERE account_id = $1 AND goal_id = $2 AND NOT in_round

-- name: of_connection
-- The turns of a connection in their order.
SELECT number, goal_id, in_round, asked_at, begun_at, looked_at, run_id
FROM tidegate.turns WHERE account_id = $1 AND connection_id = $2 ORDER BY number

-- name: taken
-- A look that began at a time was written down: the turns of these goals that had begun by then have had it.
DELETE FROM tidegate.turns
WHERE account_id = $1 AND goal_id = ANY ($2::uuid[]) AND NOT in_round AND begun_at <= $3

-- name: looked
-- The same of those in a round, which are over when the runs have ended that it made.
UPDATE tidegate.turns SET looked_at = clock_timestamp()
WHERE account_id = $1 AND goal_id = ANY ($2::uuid[]) AND in_round AND begun_at <= $3 AND looked_at IS NULL

-- name: add
-- A turn for each goal, in this order, behind those that there are; one that is still to come is enough.
INSERT INTO tidegate.turns (account_id, connection_id, goal_id, in_round)
SELECT $1, $2, g.goal_id, true FROM unnest($3::uuid[]) WITH ORDINALITY AS g (goal_id, place) ORDER BY g.place
ON CONFLICT (account_id, goal_id) WHERE in_round AND begun_at IS NULL DO NOTHING

-- name: movable
-- Connections whose first turn has not begun, is over, or will never be, because its goal was switched off; one of each
-- account before the second of any. What was put off is left out until then. Watching role.
SELECT h.account_id, h.connection_id
FROM (SELECT DISTINCT ON (account_id, connection_id) account_id, connection_id, goal_id, number, begun_at, looked_at, run_id,
          not_before
      FROM tidegate.turns WHERE in_round ORDER BY account_id, connection_id, number) h
JOIN tidegate.connections c ON c.account_id = h.account_id AND c.connection_id = h.connection_id
JOIN tidegate.goals g ON g.account_id = h.account_id AND g.goal_id = h.goal_id
WHERE c.is_active AND (h.not_before IS NULL OR h.not_before <= $2)
  AND NOT EXISTS (SELECT FROM tidegate.resting_connections n
                  WHERE n.account_id = c.account_id AND n.connection_id = c.connection_id)
  AND (h.begun_at IS NULL OR NOT g.is_active
    OR ((h.run_id IS NOT NULL OR h.looked_at IS NOT NULL) AND NOT EXISTS (
        SELECT FROM tidegate.runs r
        WHERE r.account_id = h.account_id AND r.goal_id = h.goal_id AND r.queued_at <= coalesce(h.looked_at, 'infinity')
          AND (h.run_id IS NULL OR r.run_id = h.run_id)
          AND (r.state IN ('queued', 'running') OR (r.state = 'waiting' AND r.waits_for = 'retry')))))
ORDER BY row_number() OVER (PARTITION BY h.account_id ORDER BY h.number), h.number
LIMIT $1

-- name: head
-- The first turn of a connection's round, held, with its goal and whether it is over; what another moves is left to it.
SELECT t.number, t.goal_id, t.begun_at, g.settings, g.is_active,
    (t.run_id IS NOT NULL OR t.looked_at IS NOT NULL) AND NOT EXISTS (
        SELECT FROM tidegate.runs r
        WHERE r.account_id = t.account_id AND r.goal_id = t.goal_id AND r.queued_at <= coalesce(t.looked_at, 'infinity')
          AND (t.run_id IS NULL OR r.run_id = t.run_id)
          AND (r.state IN ('queued', 'running') OR (r.state = 'waiting' AND r.waits_for = 'retry'))) AS is_over
FROM tidegate.turns t
JOIN tidegate.goals g ON g.account_id = t.account_id AND g.goal_id = t.goal_id
WHERE t.account_id = $1 AND t.connection_id = $2 AND t.in_round
ORDER BY t.number
LIMIT 1
FOR UPDATE OF t SKIP LOCKED

-- name: put_off
-- A turn cannot begin before a time.
UPDATE tidegate.turns SET not_before = $3 WHERE account_id = $1 AND number = $2

-- name: begin
-- A turn begins: an import's with the next look, an export's with its run.
UPDATE tidegate.turns SET begun_at = clock_timestamp(), run_id = $3 WHERE account_id = $1 AND number = $2

-- name: end
-- A turn is over.
DELETE FROM tidegate.turns WHERE account_id = $1 AND number = $2

-- name: drop_round
-- What a person calls off: turns that have not begun.
DELETE FROM tidegate.turns WHERE account_id = $1 AND connection_id = $2 AND in_round AND begun_at IS NULL

-- name: forget
-- The connection is taken away.
DELETE FROM tidegate.turns WHERE account_id = $1 AND connection_id = $2
