"""The exporter writes profiles to files and puts them where partners pick them up. It never merges."""
