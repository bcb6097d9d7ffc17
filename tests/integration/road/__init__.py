"""The whole road in one process, on a real PostgreSQL: what a file, a goal and a place come to."""
