"""Logs, metrics and failpoints: how Tidegate is seen from outside. Knows nothing above it."""
