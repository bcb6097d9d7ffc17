"""Pack finished files for others: gzip, zip (also under a password) and zstd, split into pieces, with checksums."""
