"""Put a finished file where the partner picks it up: under a temporary name, read back, then renamed.

A partner never sees a half-written file. Repeated after a crash it replaces the run's own file under the same name,
and what the earlier worker left half-written is removed. A worker that loses the run removes its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import structlog

from shared.domain.failures import ConnectionLost, DirectoryMissing, Failure, FileGone, LeaseLost
from shared.domain.names import joined, split
from shared.observe.failpoints import reach
from shared.transfer.folder import CHUNK_BYTES, Folder

log = structlog.get_logger()

CLEARING_SECONDS = 5.0
_LONGEST_TEMPORARY = 190
"""Bytes of a file's own name in its temporary one, of which a server may hold 255."""
StillOurs = Callable[[], Awaitable[None]]
"""Returns while the work is in our hands; raises LeaseLost when it is not."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who delivers: for which run, under which token, and how it learns that it shall no more."""

    kind: Literal["import", "export"]
    run_id: UUID
    token: int
    still_ours: StillOurs
    advance: Callable[[int], None] = lambda _: None
    """Told how many more bytes have been sent."""


async def deliver(folder: Folder, spool: Path, path: str, bearer: Bearer) -> None:
    """Bring the spooled file to `path`. Raises LeaseLost where another has taken it over meanwhile.

    Raises what the folder raises, and ConnectionLost where the file did not arrive whole.
    """
    kind = bearer.kind
    temporary, *earlier = (_temporary(path, bearer.run_id, token) for token in range(bearer.token, 0, -1))
    # A worker that was frozen and wakes up must find nothing to rename, and not what we are writing.
    for left_behind in earlier:
        await _removed(folder, left_behind)
    try:
        await _upload(folder, spool, temporary, bearer)
        # A worker that was frozen must not put its older file over the one that its heir delivered.
        await bearer.still_ours()
    except (LeaseLost, asyncio.CancelledError):
        # Who took the run over has cleared away what it found, and does not come back for this.
        await _cleared(folder, temporary)
        raise
    reach(f"{kind}er.checked")
    await folder.rename(temporary, path, replace=True)
    reach(f"{kind}er.renamed")


async def _upload(folder: Folder, spool: Path, temporary: str, bearer: Bearer) -> None:
    kind = bearer.kind
    size = spool.stat().st_size
    try:
        await folder.write(temporary, _chunks(spool, bearer))
    except DirectoryMissing:
        await folder.make_directory(split(temporary)[0])
        await folder.write(temporary, _chunks(spool, bearer))
    reach(f"{kind}er.uploaded")
    arrived = await folder.stat(temporary)
    if arrived.size_bytes != size:
        await _removed(folder, temporary)
        raise ConnectionLost(f"The server holds {arrived.size_bytes} bytes of {size}.")


def _temporary(path: str, run_id: UUID, token: int) -> str:
    """Each claim of the run has a name of its own."""
    directory, name = split(path)
    shown = name.encode()[:_LONGEST_TEMPORARY].decode("utf-8", "ignore")
    return joined(directory, f".{shown}.{run_id.hex[:12]}.{token}.part")


async def _chunks(spool: Path, bearer: Bearer) -> AsyncIterator[bytes]:
    kind = bearer.kind
    with spool.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
            reach(f"{kind}er.uploading")
            bearer.advance(len(chunk))


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
