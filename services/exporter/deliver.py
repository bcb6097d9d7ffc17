"""Put a finished file where the partner picks it up: under a temporary name, read back, then renamed.

A partner never sees a half-written file. Repeated after a crash it replaces the run's own file under the same name,
and what the earlier worker left half-written is removed. A worker that loses the run removes its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import structlog

from shared.domain.failures import ConnectionLost, DirectoryMissing, Failure, FileGone, LeaseLost
from shared.domain.names import joined, split
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.transfer.folder import CHUNK_BYTES, Folder

log = structlog.get_logger()

CLEARING_SECONDS = 5.0
StillOurs = Callable[[], Awaitable[None]]
"""Returns while the run is in our hands; raises LeaseLost when it is not."""


async def deliver(folder: Folder, spool: Path, path: str, desk: Desk, still_ours: StillOurs) -> None:
    """Bring the spooled file to `path`. `still_ours` raises where another worker has taken the run over meanwhile.

    Raises what the folder raises, and ConnectionLost where the file did not arrive whole.
    """
    directory, name = split(path)
    temporary, *earlier = (_temporary(directory, name, desk.run.id, token) for token in range(desk.run.token, 0, -1))
    # A worker that was frozen and wakes up must find nothing to rename, and not what we are writing.
    for left_behind in earlier:
        await _removed(folder, left_behind)
    try:
        await _upload(folder, spool, temporary, desk)
        # A worker that was frozen must not put its older file over the one that its heir delivered.
        await still_ours()
    except (LeaseLost, asyncio.CancelledError):
        # Who took the run over has cleared away what it found, and does not come back for this.
        await _cleared(folder, temporary)
        raise
    reach("exporter.checked")
    await folder.rename(temporary, path, replace=True)
    reach("exporter.renamed")


async def _upload(folder: Folder, spool: Path, temporary: str, desk: Desk) -> None:
    size = spool.stat().st_size
    desk.advance(bytes_total=size)
    try:
        await folder.write(temporary, _chunks(spool, desk))
    except DirectoryMissing:
        await folder.make_directory(split(temporary)[0])
        await folder.write(temporary, _chunks(spool, desk))
    reach("exporter.uploaded")
    arrived = await folder.stat(temporary)
    if arrived.size_bytes != size:
        await _removed(folder, temporary)
        raise ConnectionLost(f"The server holds {arrived.size_bytes} bytes of {size}.")


def _temporary(directory: str, name: str, run_id: UUID, token: int) -> str:
    """Each claim of the run has a name of its own."""
    return joined(directory, f".{name[:190]}.{run_id.hex[:12]}.{token}.part")


async def _chunks(spool: Path, desk: Desk) -> AsyncIterator[bytes]:
    with spool.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
            reach("exporter.uploading")
            desk.advance(bytes_done=len(chunk))


async def _cleared(folder: Folder, path: str) -> None:
    """Remove it if that can be done at once: the run's fate is decided already."""
    try:
        async with asyncio.timeout(CLEARING_SECONDS):
            await _removed(folder, path)
    except (Failure, TimeoutError) as error:
        log.warning("delivery.left_behind", error=type(error).__name__)


async def _removed(folder: Folder, path: str) -> None:
    try:
        await folder.remove(path)
    except FileGone:
        return
