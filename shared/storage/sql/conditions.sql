-- name: has_folded_item
-- Whether a list has an item, without regard to case.
EXISTS (SELECT 1 FROM unnest({column}) AS entry (item) WHERE {folded} = {wanted})

-- name: on_list
-- Whether a profile is on a list.
EXISTS (
    SELECT FROM {schema}.list_members m WHERE m.list_number = {list} AND m.profile_id = {p}.id AND m.removed_at IS NULL)

-- name: is_suppressed
-- Whether a profile is suppressed for one of some reasons.
({p}.suppression IS NOT NULL AND {p}.suppression = ANY ({reasons}))

-- name: in_group
-- Whether a profile belongs to a group of a type.
EXISTS (
    SELECT FROM {schema}.group_members m JOIN {schema}.groups g ON g.id = m.group_id
    WHERE m.profile_id = {p}.id AND m.removed_at IS NULL AND g.group_type = {type})

-- name: in_named_group
-- Whether a profile belongs to one of some groups of a type. What names a group does so within its domain group.
EXISTS (
    SELECT FROM {schema}.group_members m JOIN {schema}.groups g ON g.id = m.group_id
    WHERE m.profile_id = {p}.id AND m.removed_at IS NULL AND g.group_type = {type}
      AND g.domain_group = {p}.domain_group AND g.{key} = ANY ({keys}))

-- name: event_seen
-- Whether such an event happened to a profile.
EXISTS (SELECT FROM {schema}.events e WHERE {chosen})

-- name: events_counted
-- Whether so many of such events happened to a profile.
(SELECT count(*) BETWEEN {least} AND {most} FROM (SELECT FROM {schema}.events e WHERE {chosen} LIMIT {enough}) AS seen)

-- name: event_of_type
-- A profile's events of a type.
e.profile_id = {p}.id AND e.event_type = {type}

-- name: event_value
-- What an event says, as its type's schema has it. Of events of other types the same name may say anything.
(CASE WHEN e.event_type = {type} THEN (e.properties ->> {name})::{cast} END)

-- name: event_items
-- The same of a list; an empty one is nothing.
(CASE WHEN e.event_type = {type} AND jsonb_typeof(e.properties -> {name}) = 'array'
    THEN nullif(ARRAY(SELECT jsonb_array_elements_text(e.properties -> {name})), '{}') END)
