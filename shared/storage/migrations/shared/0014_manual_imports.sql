-- Manual imports: one built-in connection an account, and arrivals of files that clients sent. Additions only.

CREATE UNIQUE INDEX connections_one_manual ON tidegate.connections (account_id)
    WHERE settings -> 'place' ->> 'transport' = 'manual';

ALTER TABLE tidegate.arrivals ADD COLUMN kept_file_id uuid;
COMMENT ON COLUMN tidegate.arrivals.kept_file_id IS 'Where the content is kept of a file that a client sent: no drop folder has it.';
