-- Which run made a property for a column that had none. Null where a person defined it, as older releases only do.
ALTER TABLE tidegate.properties ADD COLUMN made_by_run uuid;
