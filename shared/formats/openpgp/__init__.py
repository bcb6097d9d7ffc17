"""OpenPGP (RFC 4880, RFC 9580): `message` decrypts and encrypts files, `keys` reads and makes keys."""
