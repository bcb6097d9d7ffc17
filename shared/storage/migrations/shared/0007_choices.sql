-- A property's choices, and its other names in files by language. Older releases leave them empty.
ALTER TABLE tidegate.properties
    ADD COLUMN choices text[] NOT NULL DEFAULT '{}',
    ADD COLUMN aliases jsonb NOT NULL DEFAULT '{}';
