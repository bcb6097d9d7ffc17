"""Files that a client sent, or that were fetched to be looked at, for a time. Writes `kept_files` and `kept_chunks`.

They lie in the database because services share no disk, in chunks that are written and read one short transaction
each: a slow client holds none, and no file is ever held in memory. Like profiles and rejects they are not sealed: who
reads the database reads the profiles anyway. A name is only a name. Nothing here looks at what the bytes mean.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.domain.failures import FileTooLarge, KeptFileGone, TooMuchKept
from shared.storage.database import Database, Record, Tx

Kind = Literal["sample", "upload"]

CHUNK_BYTES = 1 << 20
COMING_SECONDS = 3600.0
"""So long after its last chunk a file that is not complete is given up."""
_SWEPT_FILES = 100
_SWEPT_CHUNKS = 64


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is about to be kept, and within which bounds."""

    kind: Kind
    name: str
    """As it was given: of hostile hands, and never a path."""
    max_bytes: int
    keep_seconds: float
    """How long it is kept once it is complete."""
    max_account_bytes: int
    """How much the account may keep altogether, this file beside the others."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A complete file."""

    id: UUID
    kind: Kind
    name: str
    size_bytes: int
    sha256: str
    created_at: datetime
    expires_at: datetime


async def keep(database: Database, account_id: UUID, incoming: Incoming, chunks: AsyncIterable[bytes]) -> KeptFile:
    """Write a stream down, counted and hashed; commits as it goes.

    What is broken off, whoever breaks it, is swept away. Raises FileTooLarge, TooMuchKept, StorageUnavailable, and what
    the stream raises.
    """
    async with database.account(account_id) as tx:
        kept = int(await tx.value("kept_files.total", account_id))
        room = incoming.max_account_bytes - kept
        if room <= 0:
            raise TooMuchKept(f"Found {kept:,} bytes that are kept, expected fewer than {kept + room:,}.")
        file_id: UUID = await tx.value("kept_files.begin", account_id, incoming.kind, incoming.name, COMING_SECONDS)
    digest = hashlib.sha256()
    size = 0
    number = 0
    async for chunk in _even(chunks):
        size += len(chunk)
        if size > min(incoming.max_bytes, room):
            await discard(database, account_id, file_id)
            if size > incoming.max_bytes:
                raise FileTooLarge(f"At most {incoming.max_bytes:,} bytes are taken.")
            raise TooMuchKept(f"Found more than the {room:,} bytes that are left of {kept + room:,}.")
        await asyncio.to_thread(digest.update, chunk)
        async with database.account(account_id) as tx:
            if await tx.value("kept_files.grow", account_id, file_id, len(chunk), COMING_SECONDS) is None:
                raise KeptFileGone
            await tx.execute("kept_files.add_chunk", account_id, file_id, number, chunk)
        number += 1
    async with database.account(account_id) as tx:
        row = await tx.row("kept_files.complete", account_id, file_id, digest.hexdigest(), incoming.keep_seconds)
    if row is None:
        raise KeptFileGone
    return _kept(row)


async def get(tx: Tx, file_id: UUID) -> KeptFile:
    """A complete file. Raises KeptFileGone where there is none, or none any more."""
    row = await tx.row("kept_files.get", tx.account_id, file_id)
    if row is None:
        raise KeptFileGone
    return _kept(row)


async def read(database: Database, account_id: UUID, file: KeptFile) -> AsyncGenerator[bytes, None]:
    """The content from its first byte to its last, a transaction for each chunk. Raises KeptFileGone."""
    done = 0
    number = 0
    while done < file.size_bytes:
        async with database.account(account_id, read_only=True) as tx:
            content = await tx.value("kept_files.chunk", account_id, file.id, number)
        if content is None:
            raise KeptFileGone
        done += len(content)
        number += 1
        yield bytes(content)


async def keep_longer(tx: Tx, file_id: UUID, seconds: float) -> None:
    """Keep a complete file at least so long from now. Raises KeptFileGone."""
    if await tx.value("kept_files.keep_until", tx.account_id, file_id, seconds) is None:
        raise KeptFileGone


async def hold(tx: Tx, file_id: UUID) -> str | None:
    """Hold a file until the transaction ends; its name, None where there is no such file any more."""
    name: str | None = await tx.value("kept_files.hold", tx.account_id, file_id)
    return name


async def end(tx: Tx, file_id: UUID) -> None:
    """Nobody wants the file any more: it is there no longer, and the sweeper takes its content away."""
    await tx.execute("kept_files.end", tx.account_id, file_id)


async def discard(database: Database, account_id: UUID, file_id: UUID) -> None:
    """End a file in a transaction of its own."""
    async with database.account(account_id) as tx:
        await end(tx, file_id)


async def sweep(database: Database) -> int:
    """Delete the content of files that have ended; how many files. Short transactions, many for a large file."""
    async with database.watching() as watch:
        ended = [
            (row["account_id"], row["kept_file_id"]) for row in await watch.fetch("kept_files.ended", _SWEPT_FILES)
        ]
    for account_id, file_id in ended:
        is_empty = False
        while not is_empty:
            async with database.account(account_id) as tx:
                dropped = await tx.execute("kept_files.drop_chunks", account_id, file_id, _SWEPT_CHUNKS)
                is_empty = dropped < _SWEPT_CHUNKS
                if is_empty:
                    await tx.execute("kept_files.drop", account_id, file_id)
    return len(ended)


async def _even(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in chunks of one size, but for the last."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= CHUNK_BYTES:
            yield bytes(held[:CHUNK_BYTES])
            del held[:CHUNK_BYTES]
    if held:
        yield bytes(held)


def _kept(row: Record) -> KeptFile:
    facts = dict(row)
    return KeptFile(id=facts.pop("kept_file_id"), **facts)
