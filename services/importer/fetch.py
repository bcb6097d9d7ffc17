"""Fetch the file whole into the workspace: counted, hashed, and the very one that was seen.

Size and time are checked before the first byte and after the last: a file that a partner rewrites meanwhile is not
imported half old and half new. What a one-shot import names is taken as it is found, and waited for while it changes.
Nothing here looks at what the bytes mean.
"""

import asyncio
import hashlib
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from services.importer.order import Order
from services.importer.source import Source
from shared.domain.arrival import FileStamp
from shared.domain.failures import (
    ChecksumMismatch,
    ConnectionLost,
    EmptyFile,
    FileChanged,
    FileGone,
    FileMoving,
    FileUnstable,
)
from shared.domain.names import shown
from shared.domain.receipt import FileFacts
from shared.runtime.desk import Desk

PATIENCE_SECONDS = 600.0
LEAST_BYTES_PER_SECOND = 16 * 1024
"""A fetch lasts as long as its file would at that rate, and those seconds: eight at a time over a line of one megabit
a second come through. A server that gives a byte now and then must not keep a place, and a session, for ever."""


async def fetch(source: Source, order: Order, target: Path, desk: Desk) -> FileStamp:
    """Bring the file to `target` and note its size and SHA-256; the file as it was found.

    Raises FileGone, FileMoving, FileChanged, ChecksumMismatch, EmptyFile, WorkerBusy, and ConnectionLost where it comes
    too slowly; of a one-shot import's NoSuchFile and FileUnstable.
    """
    try:
        return await _fetch(source, order, target, desk)
    except FileGone as gone:
        if order.expired is not None:
            raise FileGone(order.expired) from gone
        if desk.run.attempt == 1 and desk.run.token > 1:
            # The run was retried; the marking of its first end may still have been under way, and put the file away.
            raise FileMoving(gone.detail) from gone
        raise


async def _fetch(source: Source, order: Order, target: Path, desk: Desk) -> FileStamp:
    """The same, but for how a file that is gone is told. Raises ConnectionLost where it comes too slowly as well."""
    before = await source.stat(order.file.path)
    if order.one_shot is None:
        _check_same(before, order)
    desk.place.takes(before.size_bytes)
    desk.advance(bytes_total=before.size_bytes)
    digest = hashlib.sha256()
    most_seconds = PATIENCE_SECONDS + before.size_bytes / LEAST_BYTES_PER_SECOND
    try:
        async with asyncio.timeout(most_seconds):
            size = await _copy(source, order.file.path, before.size_bytes, target, digest, desk)
    except TimeoutError as error:
        raise ConnectionLost(
            f"Its {before.size_bytes:,} bytes had not come after {most_seconds:.0f} seconds."
        ) from error
    after = await source.stat(order.file.path)
    if after != before or size != before.size_bytes:
        found = f"Found {size} bytes where {before.size_bytes} were expected, or a later time."
        # Nobody looks there again by themselves, so that the run tries again.
        raise FileChanged(found) if order.one_shot is None else FileUnstable(found)
    desk.file = FileFacts(name=shown(order.file.path), size_bytes=size, sha256=digest.hexdigest())
    if order.expected_sha256 not in (None, digest.hexdigest()):
        raise ChecksumMismatch(f"Found {digest.hexdigest()}, expected {order.expected_sha256}.")
    if size == 0 and not order.goal.allow_empty_file:
        raise EmptyFile
    return before


async def _copy(source: Source, path: str, most: int, target: Path, digest: "hashlib._Hash", desk: Desk) -> int:
    """Bring the bytes, and at most one chunk more than there may be; how many came."""
    size = 0
    with target.open("xb") as file:
        async with aclosing(source.read(path)) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(_keep, file, digest, chunk)
                size += len(chunk)
                desk.advance(bytes_done=len(chunk))
                if size > most:
                    # Room was made for so much, and what comes without end would take all there is.
                    break
    return size


def _check_same(found: FileStamp, order: Order) -> None:
    # An uploading client may set the file's time after the upload: there the upload's identity is what counts.
    is_same = found.size_bytes == order.file.size_bytes and (
        order.upload_id is not None or found.modified_at == order.file.modified_at
    )
    if not is_same:
        raise FileChanged("Its size or time is not what was seen.")


def _keep(file: BinaryIO, digest: "hashlib._Hash", chunk: bytes) -> None:
    digest.update(chunk)
    file.write(chunk)
