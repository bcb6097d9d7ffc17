-- Whether another run of a goal has a name is asked with each export. Of exports alone, so that it is built soon.
CREATE INDEX runs_delivered ON tidegate.runs (account_id, goal_id, delivered_name) WHERE delivered_name IS NOT NULL;
