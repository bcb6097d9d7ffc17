"""The command line and the all in one: the only ones that import services."""
