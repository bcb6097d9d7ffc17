-- A mail belongs to the trace of what it tells. Older notifiers leave it empty.
ALTER TABLE tidegate.mails ADD COLUMN traceparent text;
