"""From spooled files to those that the partner gets: packed, encrypted, and with what speaks of them beside them.

All of it local, file after file, in bounded memory; each plain file is gone as soon as its packed one is there.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from services.exporter.encode import Spooled
from services.exporter.order import Order
from services.exporter.tools import Tools
from shared.domain.export_names import ExportName
from shared.domain.packing import CHECKSUM, MANIFEST
from shared.formats.openpgp.message import sealing, without_gnupg
from shared.formats.packing.packers import CHUNK_BYTES, packed
from shared.formats.packing.piece import Piece
from shared.formats.packing.told import Told, checksum, manifest
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.transfer.deliver import Parcel, Shipment

_CHUNKS_AT_A_TIME = 8
"""Taken in one go by a thread: few turns, and soon given up."""


@dataclass(frozen=True, slots=True)
class Finished:
    """One file as the partner gets it."""

    name: ExportName
    piece: Piece


async def finished(order: Order, spooled: Sequence[Spooled], place: Path, tools: Tools, desk: Desk) -> list[Finished]:
    """Every file of the run, the main one's first. Raises what packing and encrypting raise."""
    files = [each for one in spooled for each in _named(order, one)]
    if order.goal.packing.compression != "none":
        with desk.step("pack"):
            files = [await _packed(order, each, place / f"packed-{n}", desk) for n, each in enumerate(files)]
    reach("exporter.packed")
    if order.goal.encrypt_to:
        with desk.step("encrypt"):
            files = await _sealed(order, files, place, tools, desk)
    reach("exporter.sealed")
    return files


def shipment(order: Order, files: Sequence[Finished], spooled: Sequence[Spooled], place: Path, desk: Desk) -> Shipment:
    """What is delivered, in this order: further files, the main one, checksums, the manifest; the done file behind.

    Writes what speaks of the files. Blocks for as long.
    """
    goal, main = order.goal, len(spooled[0].pieces)
    parcels = [Parcel(each.piece.path, order.path_of(each.name.whole)) for each in (*files[main:], *files[:main])]
    beside = []
    if goal.checksum:
        beside += [(each.name.whole + CHECKSUM, checksum(each.name.whole, each.piece.sha256)) for each in files]
    if goal.manifest:
        told = [
            Told(name=each.name.whole, rows=each.piece.rows, bytes=each.piece.size_bytes, sha256=each.piece.sha256)
            for each in files
        ]
        beside.append((order.name.announced + MANIFEST, manifest(goal.name, desk.run.id, datetime.now(UTC), told)))
    for number, (name, content) in enumerate(beside):
        path = place / f"beside-{number}"
        path.write_bytes(content)
        parcels.append(Parcel(path, order.path_of(name)))
    done = None
    if goal.done_file is not None:
        done = Parcel(place / "done", order.path_of(order.name.announced + goal.done_file.suffix))
        done.spool.touch()
    return Shipment(parcels, done, _surplus(order, spooled), in_place=goal.target.direct_write)


def _named(order: Order, spooled: Spooled) -> list[Finished]:
    name = order.name.beside(spooled.part)
    if order.goal.split is None:
        return [Finished(name, piece) for piece in spooled.pieces]
    return [Finished(name.piece(number), piece) for number, piece in enumerate(spooled.pieces, start=1)]


def _surplus(order: Order, spooled: Sequence[Spooled]) -> list[Iterator[str]]:
    """What an earlier delivery under the same names may have left, if it had more pieces."""
    if order.goal.split is None:
        return []
    return [_behind(order, each, ending) for each in spooled for ending in ("", CHECKSUM)]


def _behind(order: Order, spooled: Spooled, ending: str) -> Iterator[str]:
    for name in order.name.beside(spooled.part).pieces_behind(len(spooled.pieces)):
        yield order.path_of(name + ending)


# Packed.


async def _packed(order: Order, file: Finished, target: Path, desk: Desk) -> Finished:
    source = file.piece.path
    chunks = packed(
        source,
        order.goal.packing,
        name=file.name.inner,
        # Of the run and not of the attempt: the same rows are the same archive.
        modified_at=desk.run.queued_at,
        password=order.secrets.password,
    )
    digest, size = hashlib.sha256(), 0
    with closing(chunks), target.open("xb") as written:
        while taken := await _in_thread(_take, chunks, written, digest):
            size += taken
            desk.advance(bytes_done=taken)
    source.unlink()
    return replace(file, piece=Piece(target, file.piece.rows, size, digest.hexdigest()))


def _take(chunks: Iterator[bytes], written: BinaryIO, digest: "hashlib._Hash") -> int:
    """Write some more; how many bytes, none at the end."""
    size = 0
    for chunk in islice(chunks, _CHUNKS_AT_A_TIME):
        written.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return size


# Encrypted.


async def _sealed(order: Order, files: Sequence[Finished], place: Path, tools: Tools, desk: Desk) -> list[Finished]:
    secrets = order.secrets
    if tools.gpg is None:
        told = without_gnupg("encrypted")
        desk.warn(told.code, told.detail, told.what_to_do)
    sealed = []
    async with sealing(place, secrets.recipients, secrets.signer, gpg=tools.gpg) as seal:
        for number, file in enumerate(files):
            target = place / f"sealed-{number}"
            await seal(file.piece.path, target)
            file.piece.path.unlink()
            sealed.append(replace(file, piece=await _looked_at(target, file.piece.rows, desk)))
    return sealed


async def _looked_at(path: Path, rows: int, desk: Desk) -> Piece:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while seen := await _in_thread(_hash, file, digest):
            size += seen
            desk.advance(bytes_done=seen)
    return Piece(path, rows, size, digest.hexdigest())


def _hash(file: BinaryIO, digest: "hashlib._Hash") -> int:
    content = file.read(_CHUNKS_AT_A_TIME * CHUNK_BYTES)
    digest.update(content)
    return len(content)


async def _in_thread(work: Callable[..., int], *given: object) -> int:
    """A step of work in a thread. It is waited for where we are told to stop: nothing writes behind our back."""
    step = asyncio.ensure_future(asyncio.to_thread(work, *given))
    try:
        return await asyncio.shield(step)
    finally:
        await asyncio.wait((step,))
