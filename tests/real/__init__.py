"""Real counterparts for the tests: private servers on free loopback ports, in temporary folders, ended by process id."""
