-- The dropserver watches whether anything was changed of the logins that somebody is in with.

GRANT SELECT (version) ON tidegate.credentials TO tidegate_watch;
