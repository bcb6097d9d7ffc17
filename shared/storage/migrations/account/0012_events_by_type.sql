-- Of which types there are events, and a type's events where they are few. Additions only.

CREATE INDEX events_of_type ON {schema}.events (event_type);
