-- What a person approved of a run: its plan, and the version of the goal that it was made by. Older releases leave it.
ALTER TABLE tidegate.runs ADD COLUMN approval jsonb;
