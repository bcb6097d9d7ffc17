-- name: clock
-- The database's time: looks and ledger are compared on one clock.
SELECT clock_timestamp()

-- name: lock_connection
-- Looks and doorbells of one connection are written one at a time.
SELECT connection_id FROM tidegate.connections WHERE account_id = $1 AND connection_id = $2 FOR NO KEY UPDATE

-- name: present
-- What is known to lie under some paths, and what has gone since a look began.
-- Looked up path by path, in the order of the index by path: a plan that is made while there are few arrivals would go
-- through all of them for each path, and would be kept when there are many.
SELECT a.*
FROM (SELECT DISTINCT path FROM unnest($4::text[]) AS given (path)) p
CROSS JOIN LATERAL (
    SELECT arrival_id, path, size_bytes, modified_at, state, upload_id, seen_at, stamped_at, vanished_at, reason_code,
        reason_detail, overdue_at
    FROM tidegate.arrivals
    WHERE account_id = $1 AND connection_id = $2 AND path = p.path AND (vanished_at IS NULL OR vanished_at >= $3)
    ORDER BY path, sighting) a

-- name: plan_anew
-- A plan from when there were few arrivals compares each of them with each path or run that is asked for, and is kept
-- until they are counted anew.
SET LOCAL plan_cache_mode = 'force_custom_plan'

-- name: put_away
-- What arrivals were, whose files were put away under some paths; also with the time that a client has set since.
SELECT a.settled_path, a.size_bytes, a.modified_at, u.modified_at AS uploaded_modified_at
FROM tidegate.arrivals a
LEFT JOIN tidegate.uploads u ON u.account_id = a.account_id AND u.upload_id = a.upload_id
WHERE a.account_id = $1 AND a.connection_id = $2 AND a.settled_path = ANY ($3::text[]) AND a.path <> a.settled_path

-- name: being_marked
-- What arrivals are that came under some paths, and whose file is being put away: nobody has written down yet where.
SELECT a.path, a.size_bytes, a.modified_at, u.modified_at AS uploaded_modified_at
FROM tidegate.arrivals a
LEFT JOIN tidegate.uploads u ON u.account_id = a.account_id AND u.upload_id = a.upload_id
WHERE a.account_id = $1 AND a.connection_id = $2 AND a.path = ANY ($3::text[]) AND a.state = 'accepted'
  AND a.settled_at IS NULL AND a.settling_until IS NOT NULL

-- name: has_left
-- Whether the file of an upload was an arrival and lies there no longer.
SELECT EXISTS (SELECT FROM tidegate.arrivals WHERE account_id = $1 AND upload_id = $2 AND vanished_at IS NOT NULL)

-- name: lies_anything
-- Whether anything is known to lie in a hosted folder: counted there (also what was exported to it, and directories),
-- seen and not missed since, or uploaded and not seen yet.
SELECT EXISTS (
        SELECT FROM tidegate.drop_folder_usage WHERE account_id = $1 AND drop_folder_id = $2 AND used_files > 0)
    OR EXISTS (
        SELECT FROM tidegate.connections c
        JOIN tidegate.arrivals a USING (account_id, connection_id)
        WHERE c.account_id = $1 AND c.drop_folder_id = $2 AND a.vanished_at IS NULL)
    OR EXISTS (
        SELECT FROM (
            SELECT DISTINCT ON (path) account_id, upload_id FROM tidegate.uploads
            WHERE account_id = $1 AND drop_folder_id = $2 AND state <> 'moved'
            ORDER BY path, opened_at DESC, upload_id
        ) u
        WHERE NOT EXISTS (
            SELECT FROM tidegate.arrivals a WHERE a.account_id = u.account_id AND a.upload_id = u.upload_id))

-- name: lying
-- All that is known to lie there and was seen before a look began; not what an upload has put there since.
SELECT arrival_id, path FROM tidegate.arrivals
WHERE account_id = $1 AND connection_id = $2 AND vanished_at IS NULL AND greatest(seen_at, stamped_at) < $3

-- name: insert
-- New sightings; the number of each counts how often its path was seen to come. No row for an upload that has one.
INSERT INTO tidegate.arrivals (account_id, connection_id, arrival_id, path, size_bytes, modified_at, upload_id, state,
    reason_code, reason_detail, accepted_at, sighting)
SELECT $1, $2, g.arrival_id, g.path, g.size_bytes, g.modified_at, g.upload_id, g.state, g.reason_code, g.reason_detail,
    CASE WHEN g.state = 'accepted' THEN now() END,
    row_number() OVER (PARTITION BY g.path ORDER BY g.place)
        + coalesce((SELECT max(a.sighting) FROM tidegate.arrivals a
                    WHERE a.account_id = $1 AND a.connection_id = $2 AND a.path = g.path), 0)
FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[], $7::uuid[], $8::text[], $9::text[], $10::text[])
    WITH ORDINALITY AS g (arrival_id, path, size_bytes, modified_at, upload_id, state, reason_code, reason_detail, place)
ORDER BY g.place
ON CONFLICT (account_id, upload_id) DO NOTHING
RETURNING arrival_id

-- name: insert_kept
-- A file that a client sent to us: complete, and in no folder.
INSERT INTO tidegate.arrivals (account_id, connection_id, path, size_bytes, modified_at, kept_file_id, sha256, state,
    accepted_at, sighting)
SELECT $1, $2, $3, $4, $5, $6, $7, 'accepted', now(),
    1 + coalesce((SELECT max(a.sighting) FROM tidegate.arrivals a
                  WHERE a.account_id = $1 AND a.connection_id = $2 AND a.path = $3), 0)
RETURNING arrival_id

-- name: insert_named
-- A file that a request names and that nobody has looked at: accepted as it will be found.
INSERT INTO tidegate.arrivals (account_id, connection_id, path, size_bytes, modified_at, is_stamped, state, accepted_at,
    sighting)
SELECT $1, $2, $3, 0, clock_timestamp(), false, 'accepted', now(),
    1 + coalesce((SELECT max(a.sighting) FROM tidegate.arrivals a
                  WHERE a.account_id = $1 AND a.connection_id = $2 AND a.path = $3), 0)
RETURNING arrival_id, modified_at

-- name: stamp
-- What the file is that a request named, as it was found.
UPDATE tidegate.arrivals SET size_bytes = $3, modified_at = $4, stamped_at = now(), is_stamped = true
WHERE account_id = $1 AND arrival_id = $2

-- name: restamp
-- Files that have not been accepted yet changed their size or time.
UPDATE tidegate.arrivals a
SET size_bytes = g.size_bytes, modified_at = g.modified_at, upload_id = g.upload_id, stamped_at = now(), state = g.state,
    reason_code = g.reason_code, reason_detail = g.reason_detail, expired_at = NULL
FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[])
    AS g (arrival_id, size_bytes, modified_at, upload_id, state, reason_code, reason_detail)
WHERE a.account_id = $1 AND a.arrival_id = g.arrival_id AND a.state IN ('waiting', 'unmatched')

-- name: tell_uploads
-- Files that were accepted before their uploads were told.
UPDATE tidegate.arrivals a SET upload_id = g.upload_id
FROM unnest($2::uuid[], $3::uuid[]) AS g (arrival_id, upload_id)
WHERE a.account_id = $1 AND a.arrival_id = g.arrival_id AND a.upload_id IS NULL

-- name: explain
-- Why files still wait, or that no goal takes them. They are there, unless the listing is older than their removal, of
-- which is told until it is known to be that.
UPDATE tidegate.arrivals a
SET state = g.state,
    reason_code = CASE WHEN expired_at > now() - interval '1 hour' THEN a.reason_code ELSE g.reason_code END,
    reason_detail = CASE WHEN expired_at > now() - interval '1 hour' THEN a.reason_detail ELSE g.reason_detail END,
    expired_at = CASE WHEN expired_at > now() - interval '1 hour' THEN expired_at END
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS g (arrival_id, state, reason_code, reason_detail)
WHERE a.account_id = $1 AND a.arrival_id = g.arrival_id AND a.state IN ('waiting', 'unmatched')

-- name: wait_all
-- All complete files of a connection that wait do so for one reason now; the others go on waiting to be complete.
UPDATE tidegate.arrivals SET reason_code = $3::text, reason_detail = $4::text
WHERE account_id = $1 AND connection_id = $2 AND state = 'waiting' AND vanished_at IS NULL
  AND reason_code IN ('scheduled', 'turn', 'blackout')
  AND (reason_code, reason_detail) IS DISTINCT FROM ($3::text, $4::text)

-- name: accept
-- The files are complete and have their runs. They are there, unless the listing is older than their removal.
UPDATE tidegate.arrivals
SET state = 'accepted', accepted_at = now(), reason_code = NULL, reason_detail = NULL,
    expired_at = CASE WHEN expired_at > now() - interval '1 hour' THEN expired_at END
WHERE account_id = $1 AND arrival_id = ANY ($2::uuid[]) AND state IN ('waiting', 'unmatched')

-- name: vanish
-- The files lie there no longer.
UPDATE tidegate.arrivals
SET vanished_at = clock_timestamp(), state = CASE WHEN state IN ('waiting', 'unmatched') THEN 'vanished' ELSE state END
WHERE account_id = $1 AND arrival_id = ANY ($2::uuid[]) AND vanished_at IS NULL

-- name: expire
-- The files are removed, because their folder has kept them for long enough.
UPDATE tidegate.arrivals SET expired_at = clock_timestamp(), reason_code = 'expired', reason_detail = $3
WHERE account_id = $1 AND arrival_id = ANY ($2::uuid[]) AND expired_at IS NULL
RETURNING arrival_id

-- name: keep
-- They are not, because somebody needs them again, or they could not be.
UPDATE tidegate.arrivals
SET expired_at = NULL, reason_code = CASE WHEN reason_code <> 'expired' THEN reason_code END,
    reason_detail = CASE WHEN reason_code <> 'expired' THEN reason_detail END
WHERE account_id = $1 AND arrival_id = ANY ($2::uuid[]) AND expired_at IS NOT NULL

-- name: get
-- One arrival, and whether its upload is the latest of the path where its file lies, if it was uploaded to us.
SELECT a.arrival_id, a.connection_id, a.path, a.size_bytes, a.modified_at, a.sighting, a.state, a.upload_id, a.reason_code,
    a.reason_detail, a.sha256, a.expected_sha256, a.overdue_at, a.seen_at, a.accepted_at, a.settled_at, a.settled_as,
    a.settled_path, a.vanished_at, a.expired_at, a.kept_file_id, a.is_stamped,
    a.upload_id IS NULL OR a.settled_path <> a.path OR a.upload_id = (
        SELECT u.upload_id FROM tidegate.uploads u JOIN tidegate.connections c USING (account_id, drop_folder_id)
        WHERE c.account_id = a.account_id AND c.connection_id = a.connection_id AND u.path = a.path
        ORDER BY u.opened_at DESC, u.upload_id LIMIT 1) AS is_latest_upload
FROM tidegate.arrivals a
WHERE a.account_id = $1 AND a.arrival_id = $2

-- name: expect
-- What the bytes of files must be, that are taken now.
UPDATE tidegate.arrivals a SET expected_sha256 = g.sha256
FROM unnest($2::uuid[], $3::text[]) AS g (arrival_id, sha256)
WHERE a.account_id = $1 AND a.arrival_id = g.arrival_id

-- name: set_overdue
-- Files that are not complete in time; told once.
UPDATE tidegate.arrivals SET overdue_at = now()
WHERE account_id = $1 AND arrival_id = ANY ($2::uuid[]) AND overdue_at IS NULL

-- name: set_sha256
-- What the file's bytes were.
UPDATE tidegate.arrivals SET sha256 = $3 WHERE account_id = $1 AND arrival_id = $2

-- name: runs_of
-- How the runs of an arrival stand.
SELECT run_id, goal_id, goal_version, state FROM tidegate.runs WHERE account_id = $1 AND arrival_id = $2 ORDER BY run_id

-- name: lock
-- An arrival, held: a retry of its run and the marking of its file must not cross.
SELECT arrival_id FROM tidegate.arrivals WHERE account_id = $1 AND arrival_id = $2 FOR UPDATE

-- name: begin_settling
-- Who marks the file, once every run has ended; one at a time, again after a crash.
UPDATE tidegate.arrivals a
SET settling_until = now() + make_interval(secs => $3)
WHERE a.account_id = $1 AND a.arrival_id = $2 AND a.state = 'accepted' AND a.settled_at IS NULL
  AND (a.settling_until IS NULL OR a.settling_until < now())
  AND NOT EXISTS (SELECT FROM tidegate.runs r WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id
                  AND r.finished_at IS NULL)
RETURNING a.arrival_id

-- name: keep_settling
-- It is still being marked. Not where a run of it was retried meanwhile: then nobody marks it for now.
UPDATE tidegate.arrivals SET settling_until = now() + make_interval(secs => $3)
WHERE account_id = $1 AND arrival_id = $2 AND settled_at IS NULL AND settling_until IS NOT NULL
RETURNING arrival_id

-- name: settle
-- The file was marked, or left; it does not lie under its path any more where it was moved away. Where a run of it was
-- retried meanwhile it is not settled, and the run finds the file where it was moved to.
UPDATE tidegate.arrivals
SET state = CASE WHEN settling_until IS NULL THEN state ELSE 'settled' END,
    settled_at = CASE WHEN settling_until IS NOT NULL THEN clock_timestamp() END,
    settled_as = $3, settled_path = $4, settling_until = NULL,
    vanished_at = CASE WHEN $5 THEN coalesce(vanished_at, clock_timestamp()) ELSE vanished_at END
WHERE account_id = $1 AND arrival_id = $2 AND settled_at IS NULL

-- name: reopen
-- A run of it is retried; the settled path still says where the file lies.
UPDATE tidegate.arrivals SET state = 'accepted', settled_at = NULL, settled_as = NULL, settling_until = NULL
WHERE account_id = $1 AND arrival_id = $2 AND state IN ('accepted', 'settled')

-- name: stop_settling
-- It did not work this time; the sweeper rings again, less often the longer its runs have ended: a quarter of that.
UPDATE tidegate.arrivals a
SET settling_until = now() + greatest(make_interval(secs => $3), least(
    (SELECT now() - max(r.finished_at) FROM tidegate.runs r WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id)
        / 4, make_interval(secs => $4)))
WHERE account_id = $1 AND arrival_id = $2 AND settled_at IS NULL

-- name: unsettled
-- Arrivals whose runs have all ended and whose file is not marked: who waits longest first, and so many of an account,
-- so that one with many keeps no other's from being heard. Watching role.
SELECT account_id, arrival_id
FROM (
    SELECT a.account_id, a.arrival_id, a.settling_until,
        row_number() OVER (PARTITION BY a.account_id ORDER BY a.settling_until NULLS FIRST, a.arrival_id) AS in_turn
    FROM tidegate.arrivals a
    WHERE a.state = 'accepted' AND a.settled_at IS NULL AND (a.settling_until IS NULL OR a.settling_until < now())
      AND NOT EXISTS (SELECT FROM tidegate.runs r WHERE r.account_id = a.account_id AND r.arrival_id = a.arrival_id
                      AND (r.finished_at IS NULL OR r.finished_at > now() - make_interval(secs => $1)))
) AS unsettled
WHERE in_turn <= $3
ORDER BY in_turn, settling_until NULLS FIRST, arrival_id
LIMIT $2

-- name: leave_unmarked
-- Nobody marks files of a connection that is taken away; those whose runs have ended are left where they are.
UPDATE tidegate.arrivals
SET state = 'settled', settled_at = clock_timestamp(), settled_as = 'left', settling_until = NULL
WHERE account_id = $1 AND connection_id = $2 AND state = 'accepted' AND settled_at IS NULL

-- name: leave_unread
-- Nor does anybody wait for those that were not complete, or that no goal took.
UPDATE tidegate.arrivals
SET state = 'unmatched', reason_code = 'connection_deleted', reason_detail = 'Its connection was deleted.'
WHERE account_id = $1 AND connection_id = $2 AND state IN ('waiting', 'unmatched') AND vanished_at IS NULL

-- name: page
-- Arrivals, newest first, after a cursor.
SELECT arrival_id, connection_id, path, size_bytes, modified_at, sighting, state, upload_id, reason_code, reason_detail,
    sha256, expected_sha256, overdue_at, seen_at, accepted_at, settled_at, settled_as, settled_path, vanished_at,
    expired_at, is_stamped
FROM tidegate.arrivals a
WHERE account_id = $1
  AND ($2::uuid IS NULL OR connection_id = $2)
  AND ($3::text IS NULL OR state = $3)
  AND ($4::text[] IS NULL OR EXISTS (SELECT FROM unnest($4) AS begun (path) WHERE starts_with(a.path, begun.path)))
  AND ($5::text[] IS NULL OR path = ANY ($5))
  AND ($6::timestamptz IS NULL OR seen_at >= $6)
  AND ($7::timestamptz IS NULL OR seen_at < $7)
  AND ($8::timestamptz IS NULL OR (seen_at, arrival_id) < ($8, $9::uuid))
ORDER BY seen_at DESC, arrival_id DESC
LIMIT $10
