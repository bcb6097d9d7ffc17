-- Each save of a connection asks that it be tried: the latest trial is shown with it, and those of long ago are removed.
CREATE INDEX inquiries_verify ON tidegate.inquiries (account_id, connection_id, asked_at) WHERE kind = 'verify';
GRANT DELETE ON tidegate.inquiries TO tidegate_service;
