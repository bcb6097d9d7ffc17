"""Remove what a hosted folder has kept for long enough, where its owner says for how long. Part of the sweep.

What waits for anything is never removed: a file that is being uploaded or was broken off, one that is not complete, or
waits for its companions, its goal's time, a pause or a run, and one whose run may still read it. Nor is anything of
which nobody was told: a file has to be known as imported or as unmatched for as long, or to be one that we put there
ourselves (what an export delivered, rejects), which a look has passed over since.

Age counts from our own clock: from the end of the upload, where that is known, else from when the file was first seen;
of what we put there from the last change that the disk noted. A client's time of a file says nothing.

It is told before it is done: the arrival says so, then the file goes, if it is still the same. A crash in between
leaves a file that the next round takes.
"""

import asyncio
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal
from uuid import UUID, uuid4

import structlog

from services.poller.tools import Tools
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.names import from_bytes, joined, split
from shared.storage import arrivals, drop_usage, retention, uploads
from shared.storage.database import Tx
from shared.storage.retention import Known, Watching
from shared.storage.uploads import Upload
from shared.transfer.tree import Tree, stamp_of

log = structlog.get_logger()

FOLDERS_AT_ONCE = 5
FILES_AT_ONCE = 2_000
"""That are compared with the ledger together."""
REMOVED_AT_ONCE = 1_000
"""Of one folder in one round; the next goes on."""

_INODE = 2
"""So much of an identity stays when a file gets another name."""

Kind = Literal["imported", "unmatched", "delivered"]
Judged = dict[str, tuple[Kind | None, list[Known]]]


@dataclass(frozen=True, slots=True)
class Lying:
    """A regular file of the folder, as the disk has it."""

    stamp: FileStamp
    changed_at: datetime
    """When the disk noted its last change, which no client can set."""
    identity: tuple[int, ...] = ()
    """What tells whether it is still the same."""

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.stamp.path

    @classmethod
    def found(cls, path: str, facts: os.stat_result) -> "Lying":
        """As a listing has it."""
        changed_at = datetime.fromtimestamp(facts.st_ctime, UTC)
        return cls(stamp_of(path, facts), changed_at, _identity(facts))


@dataclass(frozen=True, slots=True)
class Task:
    """A folder that is looked through."""

    account_id: UUID
    folder_id: UUID
    tree: Tree
    days: int
    before: datetime
    """What is older is not kept."""


async def clean_folders(tools: Tools) -> None:
    """Look through the folders whose turn it is. Raises StorageUnavailable."""
    for account_id, folder_id in await retention.due(tools.database, FOLDERS_AT_ONCE):
        async with tools.database.account(account_id) as tx:
            days = await retention.begin(tx, folder_id)
        root = tools.places.hosted(account_id, folder_id)
        if days is not None and await asyncio.to_thread(root.is_dir):
            before = tools.now() - timedelta(days=days)
            await clean(tools, Task(account_id, folder_id, Tree(root), days, before))


async def clean(tools: Tools, task: Task) -> None:
    """Remove what the folder keeps no longer, up to a limit."""
    lying = _lying(task.tree)
    removed: Counter[Kind] = Counter()
    freed = 0
    while removed.total() < REMOVED_AT_ONCE:
        part = await asyncio.to_thread(lambda: list(islice(lying, FILES_AT_ONCE)))
        if not part:
            break
        old = await _tell(tools, task, part)
        for begin in range(0, len(old), 100):
            kinds, bytes_ = await _remove(tools, task, old[begin : begin + 100])
            removed += kinds
            freed += bytes_
    else:
        async with tools.database.account(task.account_id) as tx:
            await retention.again(tx, task.folder_id)
    if removed:
        facts = {"account_id": str(task.account_id), "drop_folder_id": str(task.folder_id)}
        log.info("folder.cleaned", **facts, retention_days=task.days, bytes=freed, removed=dict(removed))
    for kind, count in removed.items():
        tools.metrics.files_expired.labels(kind).inc(count)


async def _tell(tools: Tools, task: Task, part: Sequence[Lying]) -> list[Lying]:
    """Say of the arrivals of files that are kept no longer that they are; which files those are."""
    async with tools.database.account(task.account_id) as tx:
        judged = await _judged(tx, task, part)
        old = [each for each in part if judged[each.path][0] is not None]
        why = f"The drop folder keeps files for {task.days} day{'s' if task.days > 1 else ''}."
        await arrivals.expire(tx, _ids(judged, old), why)
    return old


async def _remove(tools: Tools, task: Task, told: Sequence[Lying]) -> tuple[Counter[Kind], int]:
    """Remove those that are still kept no longer, and give their room back; how many of each kind, how many bytes."""
    removed: Counter[Kind] = Counter()
    freed = 0
    async with tools.database.account(task.account_id) as tx:
        judged = await _judged(tx, task, told)
        still = [each for each in told if judged[each.path][0] is not None]
        gone = await asyncio.to_thread(take_away, task.tree, still)
        for each in gone:
            kind = judged[each.path][0]
            assert kind is not None
            removed[kind] += 1
            freed += each.stamp.size_bytes
        await arrivals.keep(tx, _ids(judged, [each for each in told if each not in gone]))
        await drop_usage.change(tx, task.folder_id, -freed, -len(gone))
    return removed, freed


async def _judged(tx: Tx, task: Task, part: Sequence[Lying]) -> Judged:
    """By path, what kind of file it is that is kept no longer, None where it is kept, and what is known of it."""
    paths = [each.path for each in part]
    watching = await retention.watching(tx, task.folder_id)
    latest = await uploads.latest(tx, task.folder_id, paths)
    known: dict[str, list[Known]] = {}
    for each in [] if watching is None else await retention.known(tx, watching.connection_id, paths):
        for path in each.lies_at:
            known.setdefault(path, []).append(each)
    found: Judged = {}
    for lying in part:
        about = known.get(lying.path, [])
        found[lying.path] = kept_no_longer(lying, about, latest.get(lying.path), watching, task.before), about
    return found


def _ids(judged: Judged, files: Sequence[Lying]) -> list[UUID]:
    return [known.arrival_id for each in files for known in judged[each.path][1]]


def kept_no_longer(
    lying: Lying, known: Sequence[Known], latest: Upload | None, watching: Watching | None, before: datetime
) -> Kind | None:
    """What kind of file it is that need not be kept; None where it must be.

    `known` are the arrivals of files that lie there or may, `latest` is the latest upload of the path.
    """
    if latest is not None and (latest.state != "closed" or latest.id not in {each.upload_id for each in known}):
        return None
    if any(each.has_open_runs or each.state in (ArrivalState.WAITING, ArrivalState.ACCEPTED) for each in known):
        return None
    if not known:
        passed_over = watching is not None and watching.looked_at is not None and lying.changed_at < watching.looked_at
        return "delivered" if passed_over and lying.changed_at < before else None
    if _since(lying, known) >= before:
        return None
    return "unmatched" if any(each.state is ArrivalState.UNMATCHED for each in known) else "imported"


def _since(lying: Lying, known: Sequence[Known]) -> datetime:
    """From when its age counts: of a file that is none of these as it lies there, from its last change."""
    stamp = lying.stamp
    its = [
        each
        for each in known
        if each.size_bytes == stamp.size_bytes and stamp.modified_at in (each.modified_at, each.uploaded_modified_at)
    ]
    if not its:
        return lying.changed_at
    # Who is told that no goal takes it has as long from then on.
    return max(each.seen_at if each.state is ArrivalState.UNMATCHED else each.closed_at or each.seen_at for each in its)


def _lying(tree: Tree) -> Iterator[Lying]:
    """All regular files; it blocks. What somebody else put there under a name that we do not walk is left alone."""
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        with suppress(FileNotFoundError, ValueError):
            for name, facts in tree.scan(directory):
                path = joined(directory, from_bytes(name))
                if stat.S_ISREG(facts.st_mode):
                    yield Lying.found(path, facts)
                elif stat.S_ISDIR(facts.st_mode):
                    waiting.append(path)


def take_away(tree: Tree, files: Sequence[Lying]) -> list[Lying]:
    """Remove files that are still as they were seen; those that were. It blocks."""
    gone = []
    for each in files:
        try:
            if _took_away(tree, each):
                gone.append(each)
        except OSError as error:
            # One that cannot be removed keeps no other.
            log.warning("file.not_removed", errno=error.errno)
    return gone


def _took_away(tree: Tree, file: Lying) -> bool:
    """By another name first: what somebody puts there in this moment is given its name back."""
    aside = joined(split(file.path)[0], f".{uuid4().hex}.tidegate")
    try:
        if _identity(tree.stat(file.path)) != file.identity:
            return False
        tree.rename(file.path, aside, replace=False)
    except FileNotFoundError:
        return False
    if _identity(tree.stat(aside))[:_INODE] != file.identity[:_INODE]:
        with suppress(FileExistsError):
            tree.rename(aside, file.path, replace=False)
        return False
    tree.remove(aside)
    return True


def _identity(facts: os.stat_result) -> tuple[int, ...]:
    return (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
