"""The services, each a process of its own or all in one. They never import each other."""
