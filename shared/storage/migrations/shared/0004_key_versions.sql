-- API keys can be edited, so a change says which version it was made from. An addition only.

ALTER TABLE tidegate.api_keys ADD COLUMN version integer NOT NULL DEFAULT 1;
