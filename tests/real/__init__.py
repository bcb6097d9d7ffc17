"""Real counterparts: private servers on free loopback ports, in temporary folders, ended by process id."""
