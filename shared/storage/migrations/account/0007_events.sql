-- Timeline events and the messages (mailings, SMS) that they refer to. Additions only.

CREATE SEQUENCE {schema}.message_numbers AS integer;

CREATE TABLE {schema}.messages (
    message_id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    number integer NOT NULL DEFAULT nextval('{schema}.message_numbers') UNIQUE,
    kind text NOT NULL CHECK (kind IN ('mailing', 'sms')),
    reference text COLLATE "C" NOT NULL,
    name text NOT NULL DEFAULT '',
    sent_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by_run uuid,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (kind, reference)
);
COMMENT ON COLUMN {schema}.messages.reference IS 'What the system that sent it calls it.';

-- No foreign keys, as with lists: each row would be looked up for itself. Who writes here knows profile and message.
CREATE TABLE {schema}.events (
    event_number bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_group integer NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    event_id text COLLATE "C",
    profile_id bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    message_number integer,
    properties jsonb NOT NULL DEFAULT '{}',
    items jsonb NOT NULL DEFAULT '{}',
    received_at timestamptz NOT NULL DEFAULT now(),
    created_by_run uuid,
    updated_by_run uuid,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE UNIQUE INDEX events_by_id ON {schema}.events (domain_group, event_type, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX events_of_profile ON {schema}.events (profile_id, event_type, occurred_at);
CREATE INDEX events_of_message ON {schema}.events (message_number, profile_id) WHERE message_number IS NOT NULL;
CREATE INDEX events_changed ON {schema}.events (changed_xid);
COMMENT ON COLUMN {schema}.events.event_id IS 'The sender''s: the same id of the same type is the same event. Without one, each is a new event.';
COMMENT ON COLUMN {schema}.events.items IS 'Nested items by their kind: {"products": [{...}, ...]}.';
