"""Open a packed file as its members: gzip, bzip2, xz, zstd, tar, zip and 7z, within each other too.

`members.open_members` is the door. Everything that comes out is counted in our own loops, because no library protects
against an archive that unpacks to terabytes; names of an archive are shown and matched, and never used on a disk.
"""
