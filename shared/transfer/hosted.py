"""A hosted drop folder as workers have it: a directory of ours, in which everything that is written needs room.

What is not written whole for want of room is removed again, so that nothing half stands under any name.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

from shared.domain.arrival import FileStamp
from shared.domain.failures import FileGone, PlaceFull
from shared.transfer.directory import LocalDirectory
from shared.transfer.folder import Listing
from shared.transfer.room import Room

BLOCK_BYTES = 16 * 1024**2


class HostedFolder:
    """A Folder whose writes are counted."""

    def __init__(self, directory: LocalDirectory, room: Room) -> None:
        self._directory = directory
        self._room = room

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory."""
        return await self._directory.list(directory)

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file."""
        return await self._directory.stat(path)

    def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file."""
        return self._directory.read(path)

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        """Create or overwrite a file, as far as there is room. Raises PlaceFull, after which there is no such file."""
        before = await self._size(path)
        counted = before or 0
        if before is None:
            counted += await self._room.take(0, 0, files=1)

        async def with_room() -> AsyncIterator[bytes]:
            nonlocal counted
            end = 0
            async for chunk in chunks:
                end += len(chunk)
                if end > counted:
                    counted += await self._room.take(end - counted, BLOCK_BYTES)
                yield chunk

        try:
            return await self._directory.write(path, with_room(), size_bytes=size_bytes)
        except PlaceFull:
            await self._remove_if_there(path)
            raise
        finally:
            after = await self._size(path)
            await self._room.change((after or 0) - counted, 0 if after is not None else -1)

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory."""
        before = await self._size(target) if replace and source != target else None
        await self._directory.rename(source, target, replace=replace)
        if before is not None:
            await self._room.change(-before, -1)

    async def remove(self, path: str) -> None:
        """Delete a file."""
        before = await self._size(path)
        await self._directory.remove(path)
        await self._room.change(-(before or 0), -1)

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it. The next measure counts them."""
        await self._directory.make_directory(path)

    async def _size(self, path: str) -> int | None:
        try:
            return (await self._directory.stat(path)).size_bytes
        except FileGone:
            return None

    async def _remove_if_there(self, path: str) -> None:
        try:
            await self._directory.remove(path)
        except FileGone:
            return
