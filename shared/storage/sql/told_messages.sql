-- name: people
-- Rows that are each about a person and something told of them, in the order of messages, those about none behind.
SELECT p.id{columns} FROM ({told}) told JOIN {schema}.profiles p ON p.id = told.profile_id{only}
ORDER BY told.message_number NULLS LAST, p.id

-- name: totals
-- Rows that are each about a message and all people together.
SELECT NULL::bigint{columns} FROM ({told}) told ORDER BY told.message_number

-- name: without
-- How many of the rows are about people who lack something.
SELECT count(*) FROM ({told}) told JOIN {schema}.profiles p ON p.id = told.profile_id AND {column} IS NULL

-- name: has
-- Only of people who have something.
 AND {column} IS NOT NULL

-- name: responses
-- What people did with mailings: of each person and message of which any event tells.
SELECT r.profile_id, 'response'::text AS record, message.number AS message_number, message.reference AS message_reference,
    nullif(message.name, '') AS message_name, coalesce(r.sent_at, message.sent_at) AS sent_at, r.opens, r.first_opened_at,
    r.last_opened_at, r.clicks, r.first_clicked_at, r.last_clicked_at, r.bounced_at, r.bounce_kind, r.complained_at,
    r.unsubscribed_at
FROM ({pairs}) r JOIN {schema}.messages message ON message.number = r.message_number

-- name: responses_by_message
-- The same of all people together: how often, and how many people.
SELECT 'response'::text AS record, message.number AS message_number, message.reference AS message_reference,
    nullif(message.name, '') AS message_name, coalesce(t.sent_at, message.sent_at) AS sent_at, t.sent, t.opens,
    t.unique_opens, t.clicks, t.unique_clicks, t.bounces, t.hard_bounces, t.complaints, t.unsubscribes
FROM (
    SELECT r.message_number, min(r.sent_at) AS sent_at, count(r.sent_at) AS sent, sum(r.opens)::bigint AS opens,
        count(*) FILTER (WHERE r.opens > 0) AS unique_opens, sum(r.clicks)::bigint AS clicks,
        count(*) FILTER (WHERE r.clicks > 0) AS unique_clicks, count(r.bounced_at) AS bounces,
        count(*) FILTER (WHERE r.bounce_kind = 'hard') AS hard_bounces, count(r.complained_at) AS complaints,
        count(r.unsubscribed_at) AS unsubscribes
    FROM ({pairs}) r GROUP BY r.message_number
) t JOIN {schema}.messages message ON message.number = t.message_number

-- name: response_pairs
-- What people did with mailings, by their numbers. Of a bounce counts whether it ever was a hard one.
SELECT e.message_number, e.profile_id,
    min(e.occurred_at) FILTER (WHERE e.event_type = 'sent') AS sent_at,
    count(*) FILTER (WHERE e.event_type = 'opened') AS opens,
    min(e.occurred_at) FILTER (WHERE e.event_type = 'opened') AS first_opened_at,
    max(e.occurred_at) FILTER (WHERE e.event_type = 'opened') AS last_opened_at,
    count(*) FILTER (WHERE e.event_type = 'clicked') AS clicks,
    min(e.occurred_at) FILTER (WHERE e.event_type = 'clicked') AS first_clicked_at,
    max(e.occurred_at) FILTER (WHERE e.event_type = 'clicked') AS last_clicked_at,
    max(e.occurred_at) FILTER (WHERE e.event_type = 'bounced') AS bounced_at,
    min(e.properties ->> 'kind') FILTER (WHERE e.event_type = 'bounced') AS bounce_kind,
    min(e.occurred_at) FILTER (WHERE e.event_type = 'complained') AS complained_at,
    min(e.occurred_at) FILTER (WHERE e.event_type = 'unsubscribed') AS unsubscribed_at
FROM {schema}.events e
WHERE e.domain_group = $1 AND {about}{which}
GROUP BY e.message_number, e.profile_id

-- name: sms
-- What became of SMS: of each person and message of which any event tells.
SELECT r.profile_id, message.number AS message_number, message.reference AS message_reference,
    nullif(message.name, '') AS message_name, coalesce(r.sent_at, message.sent_at) AS sent_at, r.delivered_at, r.failed_at,
    coalesce(r.failure ->> 'reason', r.failure ->> 'code') AS failure, r.failure ->> 'code' AS failure_code
FROM ({pairs}) r JOIN {schema}.messages message ON message.number = r.message_number

-- name: sms_pairs
-- What became of SMS, by the numbers of people and messages.
SELECT e.message_number, e.profile_id,
    min(e.occurred_at) FILTER (WHERE e.event_type = 'sms_sent') AS sent_at,
    max(e.occurred_at) FILTER (WHERE e.event_type = 'sms_delivered') AS delivered_at,
    max(e.occurred_at) FILTER (WHERE e.event_type = 'sms_failed') AS failed_at,
    (array_agg(e.properties ORDER BY e.occurred_at DESC, e.event_number DESC)
        FILTER (WHERE e.event_type = 'sms_failed'))[1] AS failure
FROM {schema}.events e
WHERE e.domain_group = $1 AND {about}{which}
GROUP BY e.message_number, e.profile_id

-- name: about
-- Events of some types that refer to messages.
{event}.event_type = ANY ({types}) AND {event}.message_number IS NOT NULL

-- name: chosen
-- Only of these messages.
 AND {event}.message_number = ANY ({numbers})

-- name: which_people
-- Only people and messages of which something became known, or happened, then.
 AND (e.message_number, e.profile_id) IN (SELECT n.message_number, n.profile_id FROM {schema}.events n
    WHERE n.domain_group = $1 AND {about} AND {then}{came})

-- name: which_messages
-- Only messages of which something became known, or happened, then.
 AND e.message_number IN (SELECT n.message_number FROM {schema}.events n WHERE n.domain_group = $1 AND {about} AND {then}{came})

-- name: of_changed_messages
-- And everybody of messages that are called otherwise, or say otherwise when they were sent.
 UNION ALL SELECT n.message_number, n.profile_id
    FROM {schema}.messages message JOIN {schema}.events n ON n.message_number = message.number
    WHERE n.domain_group = $1 AND {about} AND {changed}

-- name: changed_messages
-- And those that are called otherwise, or say otherwise when they were sent.
 UNION ALL SELECT message.number FROM {schema}.messages message WHERE {changed}

-- name: happened
-- In a period, whose end is not in it.
n.occurred_at >= {since} AND n.occurred_at < {until}

-- name: came
-- And whatever is known of people of whom nothing could be told before: they have been given what they lacked.
 UNION ALL SELECT n.message_number, n.profile_id
    FROM {schema}.profiles p{joins} JOIN {schema}.events n ON n.profile_id = p.id
    WHERE p.domain_group = $1 AND {about} AND {changed} AND {untold}{has}

-- name: suppressed_since
-- Suppressed since, or nothing could be told of them before. Whatever suppresses a profile changes it as well, and there
-- is an index on changes.
 AND {changed} AND ({suppressed} OR {untold}{has})

-- name: untold
-- Not one of those of whom could be told before.
(told0.block IS NULL OR (told0.bits >> (p.id & 63)::integer) & 1 = 0)

-- name: unsubscribes
-- Behind what people did with mailings: who is suppressed, by when and why, without a message.
 UNION ALL SELECT p.id, 'unsubscribe', NULL::integer, NULL, NULL, NULL::timestamptz, NULL::bigint, NULL::timestamptz,
    NULL::timestamptz, NULL::bigint, NULL::timestamptz, NULL::timestamptz,
    CASE WHEN p.suppression = 'bounced' THEN p.suppressed_at END, NULL,
    CASE WHEN p.suppression = 'complained' THEN p.suppressed_at END,
    CASE WHEN p.suppression NOT IN ('bounced', 'complained') THEN p.suppressed_at END
FROM {schema}.profiles p{joins} WHERE p.domain_group = $1 AND p.suppression IS NOT NULL{conditions}
