"""What makes files: PUT, also of a part, and COPY. A file rings when the last of its bytes is there, and never before.

Whatever ends a body early (the client leaves or stands still, the quota, the login's end, the server's) breaks the
upload off: what was written lies there to be resumed, and is no arrival.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.dropserver.refusals import Refusal, told
from services.dropserver.uploads import Upload
from services.dropserver.webdav.answers import Answer, NotDone
from services.dropserver.webdav.asked import Part
from services.dropserver.webdav.locks import Lock, choices, tokens
from services.dropserver.webdav.reading import METHODS
from services.dropserver.webdav.turn import Turn, etag_of
from shared.domain.hosted_login import Right

_BLOCK_BYTES = 256 * 1024
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_PLACEHOLDERS = ("Microsoft-WebDAV-MiniRedir/", "WebDAVFS/", "WebDAVLib/", "davfs2/")
"""Clients that put an empty file, lock it, and then put what is in it: the empty one is not what they send."""


async def put(turn: Turn) -> Answer:
    """A whole file, or the part of one that is missing."""
    turn.require(Right.WRITE)
    # Somebody means to fill it: where that is refused, the end of a lock makes no whole file of the empty one.
    turn.visit.places.pop(turn.path, None)
    if turn.house.is_closing:
        raise NotDone(503, "The server is stopping; upload again in a minute.", {"Retry-After": "60"})
    part = turn.asked.part
    _require_length(turn, part)
    found = turn.look(turn.path)
    if turn.is_home or turn.asked.says_collection or (found is not None and stat.S_ISDIR(found.st_mode)):
        raise NotDone(405, "That is a directory's name; put files into it.", {"Allow": METHODS})
    turn.require_directory_of(turn.path)
    turn.require_conditions(found)
    turn.require_unlocked(turn.path, is_member=found is None)
    _require_room_before(part, 0 if found is None else found.st_size)
    status = 201 if found is None else 204
    async with _upload(turn, turn.path, _flags(turn, part)) as upload:
        _require_room_before(part, 0 if part is None or not part.start else upload.size_bytes)
        size = await _take(turn, upload, turn.body.pieces(), 0 if part is None else part.start)
        if part is not None and size != part.size:
            raise NotDone(400, f"Content-Range names {part.size} bytes, and {size} came.")
        if part is not None and not part.is_last:
            await _keep_unfinished(turn, upload)
            return Answer(202)
        if not size and _is_placeholder(turn):
            await _keep_place(turn, upload)
            return Answer(status)
        await _finish(turn, upload)
    written = turn.look(turn.path)
    return Answer(status, {} if written is None else {"ETag": etag_of(written) or ""})


async def copy(turn: Turn) -> Answer:
    """A file once more, under another name: an upload like others."""
    turn.require(Right.READ)
    turn.require(Right.WRITE)
    target, there = turn.to_another_name("Directories are not copied here; copy their files.")
    turn.require_unlocked(target, is_member=there is None)
    if turn.house.register.is_written(turn.tenant, turn.path):
        raise NotDone(423, "The file is still being written; copy it when it is whole.")
    descriptor = await turn.visit.writing.open_whole(turn.path)
    try:
        before = os.fstat(descriptor)
        turn.visit.places.pop(target, None)
        async with _upload(turn, target, _ANEW) as upload:
            await _take(turn, upload, _bytes(descriptor, before.st_size), 0)
            if etag_of(os.fstat(descriptor)) != etag_of(before):
                raise NotDone(423, "The file was written while it was copied; copy it when it is whole.")
            await _finish(turn, upload)
    finally:
        os.close(descriptor)
    return Answer(201 if there is None else 204)


async def make_empty(turn: Turn) -> None:
    """An empty file for a lock of a name that nothing has: no arrival, unless it is still empty when it is unlocked."""
    async with _upload(turn, turn.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as upload:
        await _keep_place(turn, upload)


async def complete_places(turn: Turn, lock: Lock) -> None:
    """What that lock holds of placeholders that nothing was put into: the files are empty, and rung so."""
    for path, inode in list(turn.visit.places.items()):
        if not lock.covers(path):
            continue
        found = turn.look(path)
        is_same = found is not None and found.st_ino == inode and not found.st_size
        if is_same and not turn.house.register.is_written(turn.tenant, path):
            async with _upload(turn, path, os.O_WRONLY) as upload:
                if upload.size_bytes:
                    raise NotDone(409, "The file was filled meanwhile, and not to its end; upload it again.")
                await _finish(turn, upload)
        turn.visit.places.pop(path, None)


def is_place(turn: Turn) -> bool:
    """Whether what lies there is an empty file for what is to come."""
    found = turn.look(turn.path)
    return found is not None and not found.st_size and turn.visit.places.get(turn.path) == found.st_ino


async def move_place(turn: Turn, target: str) -> None:
    """The same under another name: nothing is whole yet that could be renamed."""
    exclusive = 0 if turn.asked.overwrites else os.O_EXCL
    async with _upload(turn, target, _ANEW | exclusive) as upload:
        await _keep_place(turn, upload)
    await turn.house.carry_on(turn.visit.writing.remove(turn.path))


@asynccontextmanager
async def _upload(turn: Turn, path: str, flags: int) -> AsyncIterator[Upload]:
    """An upload that is begun, and broken off unless it was ended inside."""
    writing, house = turn.visit.writing, turn.house
    beginning = asyncio.ensure_future(writing.begin(path, flags))
    try:
        upload = await asyncio.shield(beginning)
    except asyncio.CancelledError:
        house.carry_on(_undone(turn, beginning))
        raise
    try:
        yield upload
    except BaseException:
        await house.carry_on(writing.break_off(upload))
        raise


async def _undone(turn: Turn, beginning: asyncio.Future[Upload]) -> None:
    """Nobody waits for it any more."""
    try:
        upload = await beginning
    except (Refusal, OSError):
        return
    await turn.visit.writing.break_off(upload)


async def _take(turn: Turn, upload: Upload, pieces: AsyncIterator[bytes], at: int) -> int:
    """Write what comes, from there on; how much it was."""
    writing, start = turn.visit.writing, at
    async for piece in pieces:
        turn.require(Right.WRITE)
        end = at + len(piece)
        upload.size_bytes = max(upload.size_bytes, end)
        if not upload.is_lost and end > upload.counted_bytes:
            await turn.house.carry_on(writing.make_room(upload, end))
        writing.write(upload, at, piece)
        at = end
    return at - start


async def _finish(turn: Turn, upload: Upload) -> None:
    try:
        await turn.house.carry_on(turn.visit.writing.finish(upload))
    finally:
        # Only in the loop's next turn, when the answer is on its way: a stopping server waits for this.
        asyncio.get_running_loop().call_soon(turn.house.register.end, turn.tenant, upload)


async def _keep_unfinished(turn: Turn, upload: Upload) -> None:
    """What was written is safely on disk, and is not the whole file."""
    with told():
        await asyncio.to_thread(os.fsync, upload.descriptor)
    await turn.house.carry_on(turn.visit.writing.break_off(upload))


async def _keep_place(turn: Turn, upload: Upload) -> None:
    """It is empty until it is filled; where nobody does, an unlock says that it is meant so."""
    inode = os.fstat(upload.descriptor).st_ino
    await _keep_unfinished(turn, upload)
    turn.visit.keep_place(upload.path, inode)


async def _bytes(descriptor: int, size: int) -> AsyncIterator[bytes]:
    """A file's bytes, as many as it had: one that grows has no end."""
    offset = 0
    while block := os.pread(descriptor, min(_BLOCK_BYTES, size - offset), offset):
        offset += len(block)
        yield block
        await asyncio.sleep(0)


def _flags(turn: Turn, part: Part | None) -> int:
    """How the file is opened: a part is put into what lies there. Who wants a new name gets one that is new."""
    if part is not None and part.start:
        return os.O_WRONLY
    return _ANEW | (os.O_EXCL if turn.asked.etags("If-None-Match") == ["*"] else 0)


def _require_room_before(part: Part | None, size: int) -> None:
    """Raises NotDone, 409, where a part does not begin where the file ends."""
    if part is not None and part.start and part.start != size:
        raise NotDone(409, f"The file has {size} bytes: go on from there.")


def _require_length(turn: Turn, part: Part | None) -> None:
    """Raises NotDone where it is not said how long the body is (411), or other than Content-Range says (400).

    HTTP takes a body of no length for none (RFC 9112, 6.3): a client that ends it by closing would put an empty file.
    """
    length = turn.asked.header("Content-Length")
    if length is None and turn.asked.header("Transfer-Encoding") is None:
        raise NotDone(411, "Expected Content-Length, or Transfer-Encoding: chunked.")
    if part is not None and length is not None and int(length) != part.size:
        raise NotDone(400, f"Content-Range names {part.size} bytes, and Content-Length {length}.")


def _is_placeholder(turn: Turn) -> bool:
    """Whether an empty file is put there for what is to come; who holds its lock already means it."""
    if not (turn.asked.header("User-Agent") or "").startswith(_PLACEHOLDERS):
        return False
    sent = tokens(choices(turn.asked.header("If")))
    return not any(lock.token in sent for lock in turn.locks.of(turn.tenant, turn.path))
