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
-- Let chosen profiles say no.
UPDATE {schema}.profiles p
SET {assigned}, updated_at = now(), updated_by_run = $1, changed_xid = pg_current_xact_id()
FROM (SELECT c.id FROM {chosen} c ORDER BY c.id) c
WHERE p.id = c.id AND {withdraws}
