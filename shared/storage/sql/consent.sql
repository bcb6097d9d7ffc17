-- name: consents
-- Whether a word is a yes that changes the profile `p`: one that it may not lift is none.
({says} AND ({lifts}) AND (p.opt_in IS NOT TRUE OR p.suppression IS NOT NULL OR {at} > p.consent_at))

-- name: lifts_never
-- A suppressed profile stays so.
p.suppression IS NULL

-- name: lifts_if_newer
-- A consent that says when it was given, and that was after the suppression.
p.suppression IS NULL OR (p.suppression IN ({yielding}) AND {at} > p.suppressed_at)

-- name: lifts_always
-- Any consent, but against what wants a person.
p.suppression IS NULL OR p.suppression IN ({yielding})

-- name: withdraws
-- Whether a word is a no that changes the profile `p`. One that was heard before and is not newer changes nothing.
(NOT {says} AND (p.opt_in IS DISTINCT FROM false OR p.suppression = 'bounced'
    OR (p.suppression = 'unsubscribed' AND {at} > p.suppressed_at)))

-- name: opt_in
-- What the profile says after the word.
CASE WHEN {consents} THEN true WHEN {withdraws} THEN false ELSE p.opt_in END

-- name: consent_at
-- When that was said.
CASE WHEN {consents} OR {withdraws} THEN coalesce({at}, {heard_at}) ELSE p.consent_at END

-- name: consent_source
-- Where that came from.
CASE WHEN {consents} OR {withdraws} THEN {source} ELSE p.consent_source END

-- name: suppression
-- Why the profile is not written to after the word.
CASE WHEN {consents} THEN NULL WHEN {withdraws} AND coalesce(p.suppression, 'bounced') = 'bounced' THEN 'unsubscribed'
    ELSE p.suppression END

-- name: suppressed_at
-- From when on that counts. A withdrawal ends the consent there is, so it counts from after that consent, however old
-- it says it is: or the same consent, told again, would be the newer one.
CASE WHEN {consents} THEN NULL
    WHEN {withdraws} AND coalesce(p.suppression, 'unsubscribed') IN ({yielding})
        THEN greatest(p.suppressed_at, CASE WHEN p.opt_in THEN p.consent_at END, coalesce({at}, {heard_at}))
    ELSE p.suppressed_at END

-- name: unsubscribe
-- Let chosen profiles say no; how many that changed, and how many of these this transaction had not touched before.
WITH changed AS (
    UPDATE {schema}.profiles p
    SET {assigned}, updated_at = now(), updated_by_run = $1, changed_xid = pg_current_xact_id()
    FROM (
        SELECT o.id, o.changed_xid <> pg_current_xact_id() AS is_untouched
        FROM {schema}.profiles o
        WHERE o.id IN (SELECT c.id FROM {chosen} c)
        ORDER BY o.id
    ) c
    WHERE p.id = c.id AND {withdraws}
    RETURNING c.is_untouched
)
SELECT count(*) AS profiles, count(*) FILTER (WHERE is_untouched) AS untouched FROM changed

-- name: new_opt_in
-- What a new profile says.
{says}

-- name: new_consent_at
-- When that was said.
CASE WHEN {says} IS NOT NULL THEN coalesce({at}, {heard_at}) END

-- name: new_consent_source
-- Where that came from.
CASE WHEN {says} IS NOT NULL THEN {source} END

-- name: new_suppression
-- Why a new profile is not written to.
CASE WHEN NOT {says} THEN 'unsubscribed' END

-- name: new_suppressed_at
-- From when on that counts.
CASE WHEN NOT {says} THEN coalesce({at}, {heard_at}) END

-- name: folded_never
-- What the rows `s` of one profile say together: one no is enough.
bool_and({says})

-- name: folded_if_newer
-- What they say together: the latest yes must be later than every no, and so every no must say when it was said.
CASE WHEN bool_or(NOT {says})
    THEN coalesce(bool_and({at} IS NOT NULL) FILTER (WHERE NOT {says})
        AND max({at}) FILTER (WHERE {says}) > max({at}) FILTER (WHERE NOT {says}), false)
    ELSE bool_or({says}) END

-- name: folded_always
-- What they say together: what the last one says.
((max(ARRAY[to_char(s.record_number, 'FM0000000000000000000'), {says}::text]) FILTER (WHERE {says} IS NOT NULL))[2])::boolean

-- name: folded_at
-- When they said so last, as far as that is stated: a no without a time is as late as the file.
CASE WHEN {folded} THEN max({at}) FILTER (WHERE {says})
    WHEN bool_and({at} IS NOT NULL) FILTER (WHERE NOT {says}) THEN max({at}) FILTER (WHERE NOT {says}) END

-- name: folded_at_always
-- When the last one that says anything was said.
((max(ARRAY[to_char(s.record_number, 'FM0000000000000000000'), {at}::text]) FILTER (WHERE {says} IS NOT NULL))[2])::timestamptz

-- name: count_withheld
-- Profiles that the file opts in and that stay suppressed, by what suppresses them.
SELECT p.suppression, count(*) AS profiles
FROM ({rows}) e
JOIN {schema}.profiles p ON {same}
WHERE {says} AND p.suppression IS NOT NULL
GROUP BY p.suppression

-- name: suppressed_xid
-- The transaction that last changed why the profile is not written to, or since when.
CASE WHEN {suppression} IS DISTINCT FROM p.suppression OR {suppressed_at} IS DISTINCT FROM p.suppressed_at
    THEN pg_current_xact_id() ELSE p.suppressed_xid END

-- name: new_suppressed_xid
-- The same of a new profile.
CASE WHEN {suppression} IS NOT NULL THEN pg_current_xact_id() END

-- name: tells_bounced
-- Whether an event says that a mailbox is not to be written to any more: a soft bounce does not, nor one of no kind.
e.event_type = 'bounced' AND e.properties ->> 'kind' = 'hard'

-- name: tells_unsubscribed
-- Whether an event says that a person wants nothing any more.
e.event_type = 'unsubscribed'

-- name: tells_complained
-- Whether an event says that a person has complained.
e.event_type = 'complained'

-- name: told_by_events
-- The profiles of which the events say so that this transaction wrote, and when that was last. None of it was later
-- than now: no consent could be newer than a time to come.
SELECT e.profile_id AS id, least(max(e.occurred_at), now()) AS at
FROM {schema}.events e
WHERE e.changed_xid = pg_current_xact_id() AND {tells}
GROUP BY e.profile_id

-- name: is_overtaken
-- Whether the profile has consented since.
coalesce(p.opt_in AND p.consent_at > c.at, false)

-- name: withdraws_by_event
-- Whether an event is a no that changes the profile `p`.
({withdraws} AND NOT {is_overtaken})

-- name: suppressed
-- What an event writes that suppresses a profile and is no word of a person.
suppression = '{reason}', suppressed_at = greatest(p.suppressed_at, c.at), suppressed_xid = pg_current_xact_id()

-- name: suppresses
-- Whether an event suppresses the profile `p`, or does so later than was known.
((p.suppression IS NULL OR p.suppression IN ({lighter})) AND NOT ({yields} AND {is_overtaken})
    OR p.suppression = '{reason}' AND {yields} AND c.at > p.suppressed_at)

-- name: suppress
-- Suppress profiles because of events; how many that changed.
WITH changed AS (
    UPDATE {schema}.profiles p
    SET {assigned}, updated_at = now(), updated_by_run = $1, changed_xid = pg_current_xact_id()
    FROM (SELECT t.id, t.at FROM ({told}) t ORDER BY t.id) c
    WHERE p.id = c.id AND {changes}
    RETURNING p.id
)
SELECT count(*) AS profiles FROM changed
