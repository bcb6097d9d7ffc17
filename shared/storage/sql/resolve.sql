-- name: snapshot
-- What is seen from here on.
SELECT pg_current_snapshot()::text AS snapshot

-- name: make_each
-- Every row makes a profile of its own.
CREATE UNLOGGED TABLE {resolved} AS
SELECT s.record_number, -s.record_number AS target, NULL::integer AS conflict FROM {staging} s

-- name: find
-- The profile that each identifier of each row finds, or is claimed from, and the identifier for which the first one found
-- already has another value. One join for each identifier, of keys only.
CREATE UNLOGGED TABLE {found} AS
SELECT s.record_number, {keys}, {found_ids}, {held_conflict} AS held_conflict
FROM {staging} s{joins}

-- name: tangle
-- The rows that share an identifier's value or a found profile with another row: only these depend on their order.
-- Equal hashes of different values make a row wait in line without need, which changes nothing.
CREATE UNLOGGED TABLE {tangled} AS
SELECT m.record_number, ARRAY[{m_keys}] AS keys
FROM {found} m
WHERE m.record_number IN ({sharing})

-- name: sharing_key
-- Rows that share the value of one identifier.
SELECT h.record_number
FROM (
    SELECT n.record_number, n.hash, lag(n.hash) OVER line AS previous, lead(n.hash) OVER line AS next
    FROM (SELECT m.record_number, hashtextextended(m.{key}, 0) AS hash FROM {found} m WHERE m.{key} IS NOT NULL) n
    WINDOW line AS (ORDER BY n.hash)
) h
WHERE h.hash = h.previous OR h.hash = h.next

-- name: sharing_nothing
-- No rows share anything: of those that make nobody and claim nothing, none depends on another.
SELECT NULL::bigint WHERE false

-- name: sharing_profile
-- Rows that found the same profile, by whatever identifiers.
SELECT h.record_number
FROM (
    SELECT n.record_number, min(n.record_number) OVER one AS first, max(n.record_number) OVER one AS last
    FROM (SELECT m.record_number, v.id FROM {found} m CROSS JOIN LATERAL (VALUES {m_ids}) v (id)
          WHERE v.id IS NOT NULL) n
    WINDOW one AS (PARTITION BY n.id)
) h
WHERE h.first <> h.last

-- name: resolve_single
-- Rows that stand alone: the first identifier that finds a profile decides, no other may disagree, and what the row claims
-- may be nobody else's.
CREATE UNLOGGED TABLE {resolved} AS
SELECT m.record_number,
    CASE WHEN c.conflict IS NULL THEN coalesce({whose}, -m.record_number) END AS target,
    c.conflict
FROM {found} m
CROSS JOIN LATERAL (
    SELECT coalesce({disagreeing}, m.held_conflict, {taken}) AS conflict
) c
WHERE NOT EXISTS (SELECT FROM {tangled} t WHERE t.record_number = m.record_number)

-- name: own
-- Whose the identifiers of the rows in line are. It only grows: a value that a profile gives up stays its until the
-- commit, so that no other takes it while the index still holds it.
CREATE UNLOGGED TABLE {owned} (identifier integer, key text COLLATE "C", target bigint, PRIMARY KEY (identifier, key))

-- name: own_found
-- What the profiles that were found own already.
INSERT INTO {owned} (identifier, key, target)
SELECT DISTINCT v.identifier, v.key, v.id
FROM {found} m JOIN {tangled} t ON t.record_number = m.record_number
CROSS JOIN LATERAL (VALUES {owning}) v (identifier, key, id)
WHERE v.id IS NOT NULL

-- name: hold
-- The values that profiles have for the identifiers just now.
CREATE UNLOGGED TABLE {held} (target bigint, identifier integer, key text COLLATE "C", PRIMARY KEY (target, identifier))

-- name: hold_found
-- The values that the profiles that were found are stored with.
INSERT INTO {held} (target, identifier, key)
SELECT p.id, v.identifier, v.key
FROM {schema}.profiles p
CROSS JOIN LATERAL (VALUES {holding}) v (identifier, key)
WHERE p.id IN (SELECT o.target FROM {owned} o) AND v.key IS NOT NULL

-- name: resolve_line
-- Rows that depend on each other, one by one in the order of the file.
SET LOCAL enable_seqscan = off;
DO $resolve$
DECLARE
    r record;
    hits bigint[];
    one bigint;
    whose bigint;
    decider integer;
    conflict integer;
BEGIN
    FOR r IN SELECT t.record_number, t.keys FROM {tangled} t ORDER BY t.record_number LOOP
        hits := array_fill(NULL::bigint, ARRAY[{columns}]);
        whose := NULL;
        conflict := NULL;
        FOR i IN 1..{identifiers} LOOP
            CONTINUE WHEN r.keys[i] IS NULL;
            SELECT o.target INTO one FROM {owned} o WHERE o.identifier = i AND o.key = r.keys[i];
            CONTINUE WHEN NOT FOUND;
            hits[i] := one;
            IF whose IS NULL THEN
                whose := one;
                decider := i;
            ELSIF one <> whose AND conflict IS NULL THEN
                conflict := i - 1;
            END IF;
        END LOOP;
        IF whose IS NULL THEN
            whose := -r.record_number;
            decider := 1;
            IF {is_update_only} THEN
                INSERT INTO {resolved} (record_number, target) VALUES (r.record_number, whose);
                CONTINUE;
            END IF;
        END IF;
        FOR i IN 1..decider - 1 LOOP
            EXIT WHEN conflict IS NOT NULL;
            IF r.keys[i] IS NOT NULL AND EXISTS (
                SELECT FROM {held} h WHERE h.target = whose AND h.identifier = i) THEN
                conflict := i - 1;
            END IF;
        END LOOP;
        FOR i IN {identifiers} + 1..{columns} LOOP
            EXIT WHEN conflict IS NOT NULL OR ({is_create_only} AND whose > 0);
            CONTINUE WHEN r.keys[i] IS NULL;
            SELECT o.target INTO one FROM {owned} o WHERE o.identifier = i AND o.key = r.keys[i];
            CONTINUE WHEN NOT FOUND;
            hits[i] := one;
            IF one <> whose THEN
                conflict := i - 1;
            END IF;
        END LOOP;
        IF conflict IS NOT NULL THEN
            INSERT INTO {resolved} (record_number, conflict) VALUES (r.record_number, conflict);
            CONTINUE;
        END IF;
        INSERT INTO {resolved} (record_number, target) VALUES (r.record_number, whose);
        CONTINUE WHEN {is_create_only} AND whose > 0;
        FOR i IN 1..{columns} LOOP
            CONTINUE WHEN r.keys[i] IS NULL;
            IF hits[i] IS NULL THEN
                INSERT INTO {owned} (identifier, key, target) VALUES (i, r.keys[i], whose);
            END IF;
            CONTINUE WHEN i > {identifiers};
            INSERT INTO {held} AS h (target, identifier, key) VALUES (whose, i, r.keys[i])
            ON CONFLICT (target, identifier) DO UPDATE SET key = excluded.key WHERE h.key <> excluded.key;
        END LOOP;
    END LOOP;
END
$resolve$;
SET LOCAL enable_seqscan = on

-- name: analyze
-- Statistics of what was resolved, for the joins that follow.
ANALYZE {resolved}

-- name: reject_conflicts
-- Rows whose identifiers belong to different profiles; they have no target, and so feed none.
WITH gone AS (
    SELECT s.record_number, s.line_number{gone_keys}, r.conflict
    FROM {resolved} r JOIN {staging} s ON s.record_number = r.record_number
    WHERE r.conflict IS NOT NULL
){naming}
INSERT INTO {late} (record_number, line_number, code, field)
SELECT record_number, line_number, $1, ($2::text[])[conflict + 1] FROM gone

-- name: make_none
-- Rows that found nobody make nobody.
UPDATE {resolved} SET target = NULL WHERE target < 0

-- name: reject_unknown
-- Rows that found nobody, and could not make anybody.
WITH gone AS (
    SELECT s.record_number, s.line_number{gone_keys}
    FROM {resolved} r JOIN {staging} s ON s.record_number = r.record_number
    WHERE r.target IS NULL AND r.conflict IS NULL
){naming}
INSERT INTO {late} (record_number, line_number, code, field)
SELECT record_number, line_number, $1, $2::text FROM gone

-- name: overtaken
-- Whether another transaction changed a profile that was found since we began to look. Rows that were brought here from
-- another cluster may name transactions that are yet to come: those changed nothing since.
SELECT count(*)
FROM {schema}.profiles p
WHERE p.changed_xid >= pg_snapshot_xmin($1::text::pg_snapshot)
  AND p.changed_xid < pg_snapshot_xmax(pg_current_snapshot())
  AND NOT pg_visible_in_snapshot(p.changed_xid, $1::text::pg_snapshot)
  AND ({was_found})

-- name: drop
-- What resolving needed for itself.
DROP TABLE IF EXISTS {found}, {tangled}, {resolved}, {owned}, {held}
