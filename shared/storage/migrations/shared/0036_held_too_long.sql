-- Of runs that hold later ones too long those are asked for of whose goal something may begin; the code says which.

GRANT SELECT (reason_code) ON tidegate.runs TO tidegate_watch;
