"""Put finished files where the partner picks them up: under temporary names, read back, then renamed in order.

A partner never sees a half-written file, unless the settings ask for writing in place. Repeated after a crash, a
delivery replaces the run's own files under the same names, and what the earlier worker left half-written is removed. A
worker that loses the run removes its own temporary files, and leaves alone what has its last name. Nothing
here knows what the files hold, or what they are called by whom.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import structlog

from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    DirectoryMissing,
    Failure,
    FileGone,
    RenameRefused,
    ServerFailed,
    TooManyFiles,
)
from shared.domain.names import cut, joined, quoted, split
from shared.observe.failpoints import reach
from shared.transfer.folder import CHUNK_BYTES, Folder

log = structlog.get_logger()

CLEARING_SECONDS = 5.0
_LONGEST_TEMPORARY = 180
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


@dataclass(frozen=True, slots=True)
class Parcel:
    """A finished local file, and the path that it gets."""

    spool: Path
    path: str


@dataclass(frozen=True, slots=True)
class Shipment:
    """What is delivered together."""

    parcels: Sequence[Parcel]
    """In the order in which they get their names."""
    done: Parcel | None = None
    """Says by being there that all others are: an older one is taken away before anything is renamed."""
    surplus: Sequence[Iterable[str]] = ()
    """Rows of paths that earlier, larger deliveries may have left: each row is removed up to its first gap, the last
    of it first, so that a delivery that breaks off leaves no gap before what it did not come to."""
    in_place: bool = False
    """Write under the last names at once, where the server lets nothing be renamed."""


async def deliver(folder: Folder, shipment: Shipment, bearer: Bearer) -> None:
    """Bring all files to their paths. Raises LeaseLost where another has taken the work over meanwhile.

    Raises what the folder raises, RenameRefused, and ConnectionLost where a file did not arrive whole.
    """
    await _remove_left_behind(folder, shipment, bearer)
    if shipment.in_place:
        await _write_in_place(folder, shipment, bearer)
    else:
        await _write_aside(folder, shipment, bearer)


# Under temporary names.


async def _write_aside(folder: Folder, shipment: Shipment, bearer: Bearer) -> None:
    kind = bearer.kind
    waiting: list[tuple[str, Parcel]] = []
    try:
        for parcel in _all_of(shipment):
            # Who was frozen until now and has an heir has nothing to write: what is half there might stay.
            await bearer.still_ours()
            temporary = _temporary(parcel.path, bearer.run_id, bearer.token)
            waiting.append((temporary, parcel))
            await _upload(folder, parcel.spool, temporary, bearer)
        # A worker that was frozen must not put its older files over those that its heir delivered.
        await bearer.still_ours()
        reach(f"{kind}er.checked")
        await _name_all(folder, shipment, waiting, bearer)
    except (Failure, asyncio.CancelledError):
        # Who took the run over has cleared away what it found, and does not come back for this.
        await _clear(folder, [temporary for temporary, _ in waiting])
        raise


async def _name_all(folder: Folder, shipment: Shipment, waiting: list[tuple[str, Parcel]], bearer: Bearer) -> None:
    """Give what waits under temporary names its own; what has it waits no longer."""
    kind = bearer.kind
    if shipment.done is not None:
        # A worker that was frozen must not take away what says that its heir's files are whole.
        await bearer.still_ours()
        await _removed_if_there(folder, shipment.done.path)
    while waiting:
        temporary, parcel = waiting[0]
        if parcel is shipment.done:
            await _remove_surplus(folder, shipment, bearer)
        await bearer.still_ours()
        await give_name(folder, temporary, parcel.path)
        waiting.pop(0)
        reach(f"{kind}er.renamed")
    if shipment.done is None:
        await _remove_surplus(folder, shipment, bearer)


async def give_name(folder: Folder, temporary: str, path: str) -> None:
    """Rename a finished file, over what is there. Raises RenameRefused, ServerFailed with what an export can do."""
    try:
        await folder.rename(temporary, path, replace=True)
    except AccessDenied as error:
        raise RenameRefused(f"Asked to rename {quoted(split(temporary)[1])} to {quoted(path)}.") from error
    except ServerFailed as error:
        hint = "It was asked to rename a file; where it never lets that be done, an export can say target.direct_write."
        raise ServerFailed(f"{error.detail} {hint}") from error


async def _upload(folder: Folder, spool: Path, path: str, bearer: Bearer) -> None:
    """Write a file and read back its size."""
    kind = bearer.kind
    size = spool.stat().st_size
    try:
        await _write(folder, spool, path, size, bearer)
    except DirectoryMissing:
        await folder.make_directory(split(path)[0])
        await _write(folder, spool, path, size, bearer)
    reach(f"{kind}er.uploaded")
    arrived = await folder.stat(path)
    if arrived.size_bytes != size:
        raise ConnectionLost(f"The server holds {arrived.size_bytes} bytes of {size}.")


async def _write(folder: Folder, spool: Path, path: str, size: int, bearer: Bearer) -> None:
    # Closed here: a driver that breaks off leaves it where it was, and the spooled file open.
    async with aclosing(_chunks(spool, bearer)) as chunks:
        await folder.write(path, chunks, size_bytes=size)


async def _chunks(spool: Path, bearer: Bearer) -> AsyncGenerator[bytes, None]:
    kind = bearer.kind
    with spool.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
            reach(f"{kind}er.uploading")
            bearer.advance(len(chunk))


# In place.


async def _write_in_place(folder: Folder, shipment: Shipment, bearer: Bearer) -> None:
    await bearer.still_ours()
    if shipment.done is not None:
        await _removed_if_there(folder, shipment.done.path)
    for parcel in shipment.parcels:
        await _write_one_in_place(folder, parcel, bearer)
    await _remove_surplus(folder, shipment, bearer)
    if shipment.done is not None:
        await _write_one_in_place(folder, shipment.done, bearer)


async def _write_one_in_place(folder: Folder, parcel: Parcel, bearer: Bearer) -> None:
    await bearer.still_ours()
    try:
        await _upload(folder, parcel.spool, parcel.path, bearer)
    except (Failure, asyncio.CancelledError):
        # Who lost the run learns it by being cancelled, and by then its heir may have delivered under this name.
        if await _is_known_ours(bearer):
            await _clear(folder, [parcel.path])
        raise


async def _is_known_ours(bearer: Bearer) -> bool:
    """Whether the work is certainly still in our hands. Also answers while its task is being cancelled."""
    try:
        async with asyncio.timeout(CLEARING_SECONDS):
            await bearer.still_ours()
    except (Failure, TimeoutError) as error:
        log.warning("delivery.left_in_place", error=type(error).__name__)
        return False
    return True


# Before and afterwards.


async def _remove_left_behind(folder: Folder, shipment: Shipment, bearer: Bearer) -> None:
    """Remove what workers before us have left of this run.

    One that was frozen and wakes up must find nothing to rename, and not what we are writing.
    """
    if bearer.token <= 1:
        return
    for directory in dict.fromkeys(split(parcel.path)[0] for parcel in _all_of(shipment)):
        for left in await _left_behind(folder, directory, shipment, bearer):
            await removed(folder, left)


async def _left_behind(folder: Folder, directory: str, shipment: Shipment, bearer: Bearer) -> list[str]:
    """Temporary files of earlier workers in a directory; where it is not listed, those that we would make too."""
    known = [
        _temporary(parcel.path, bearer.run_id, token)
        for parcel in _all_of(shipment)
        if split(parcel.path)[0] == directory
        for token in range(1, bearer.token)
    ]
    if bearer.kind == "import":
        # What an import gives back has the same names each time, and importers list no folders.
        return known
    try:
        listing = await folder.list(directory)
    except DirectoryMissing:
        return []
    except (AccessDenied, TooManyFiles):
        return known
    ours = re.compile(rf"\..*\.{_short(bearer.run_id)}\.(\d+)(-[0-9a-f]{{8}})?\.part", re.DOTALL)
    found = [(file.path, ours.fullmatch(split(file.path)[1])) for file in listing.files]
    return [path for path, match in found if match is not None and int(match[1]) < bearer.token]


async def _remove_surplus(folder: Folder, shipment: Shipment, bearer: Bearer) -> None:
    for row in shipment.surplus:
        found: list[str] = []
        for path in row:
            if not await is_there(folder, path):
                break
            found.append(path)
        for path in reversed(found):
            # A worker that was frozen must not remove what its heir, whose set is larger, delivered.
            await bearer.still_ours()
            await removed(folder, path)


async def _clear(folder: Folder, paths: Sequence[str]) -> None:
    """Remove them if that can be done at once: the delivery has failed already, and that is what is told."""
    try:
        async with asyncio.timeout(CLEARING_SECONDS):
            for path in paths:
                await removed(folder, path)
    except (Failure, TimeoutError) as error:
        log.warning("delivery.left_behind", error=type(error).__name__)


async def _removed_if_there(folder: Folder, path: str) -> None:
    """Where there is nothing, nothing is asked for that a server might refuse."""
    if await is_there(folder, path):
        await removed(folder, path)


async def is_there(folder: Folder, path: str) -> bool:
    """Whether there is a file."""
    try:
        await folder.stat(path)
    except FileGone:
        return False
    return True


async def removed(folder: Folder, path: str) -> None:
    """Delete a file, if there is one."""
    try:
        await folder.remove(path)
    except FileGone:
        return


def _all_of(shipment: Shipment) -> list[Parcel]:
    return [*shipment.parcels, *(() if shipment.done is None else (shipment.done,))]


def _temporary(path: str, run_id: UUID, token: int) -> str:
    """Each claim of the run has names of its own; the checksum keeps those apart that begin alike."""
    directory, name = split(path)
    kept = cut(name, _LONGEST_TEMPORARY)
    return joined(directory, f".{kept}.{_short(run_id)}.{token}-{zlib.crc32(name.encode()):08x}.part")


def _short(run_id: UUID) -> str:
    return run_id.hex[:12]
