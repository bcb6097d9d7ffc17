"""The notifier: tells people by mail what became of runs, and what they should do. Never changes a run."""
