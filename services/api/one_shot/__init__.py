"""The one-shot import of seed 002: its request by its own names, and the import that it asks for."""
