"""A partner's directory with very many files, which nobody had to make."""

from collections.abc import AsyncIterator

import asyncssh

FILES = 100_000


class Crowded(asyncssh.SFTPServer):
    """An SFTP server that has them in every directory; they match no goal."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """All of them, one by one."""
        attrs = asyncssh.SFTPAttrs(size=1, permissions=0o100644, atime=1, mtime=1_700_000_000)
        for number in range(FILES):
            yield asyncssh.SFTPName(b"file_%d.other" % number, attrs=attrs)
