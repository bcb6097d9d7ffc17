"""Remove what a hosted folder has kept for long enough, where its owner says for how long. Beside the sweep.

It deletes for good, so only that goes of which we know for sure what it is: a file whose arrival says that its runs
have ended, or that no goal takes it, and which lies there as that arrival has it; a file that a run of ours says it put
there (an export's, or rejects that were given back); and what stood beside a file that goes. All else is kept: what is
being uploaded or was broken off, what is not complete, what waits for its companions, its goal's time, a pause or a
run, and whatever came there in a way of which nobody told us.

That no goal takes a file is known only while none of the connection's imports is paused, and once a look has followed
the last change of its goals.

Age counts on the database's clock, from the last that is known to have happened to the file: its upload, what was told
of it, the end of its runs, and for what no goal takes the last change of goals. A client's time of a file says nothing.

It is told before it is done: the arrival says so, then the file goes, if it is still the same. A crash in between
leaves a file that the next round takes, or of which it says that it is there.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal
from uuid import UUID

import structlog

from services.poller.lying import Lying, all_lying, at, take_away
from services.poller.stood_beside import says_no_more, stood_beside
from services.poller.tools import Tools
from shared.domain.arrival import ArrivalState
from shared.storage import arrivals, drop_usage, retention, uploads
from shared.storage.database import Tx
from shared.storage.retention import Delivered, Known, Watching
from shared.storage.uploads import Upload
from shared.transfer.tree import Tree

log = structlog.get_logger()

FOLDERS_AT_ONCE = 5
FOLDERS_ASKED_FOR = 1_000
"""Of which those that this poller has not are passed over."""
FILES_AT_ONCE = 2_000
"""That are compared with the ledger together."""
REMOVED_AT_ONCE = 1_000
"""Of one folder in one round; the next goes on."""
REMOVED_TOGETHER = 20
"""So many are removed while their connection is held: looks and changes of it wait for as long."""
CLOCKS_APART = timedelta(hours=1)
"""So far may the file server's clock and the database's be apart for a file to be known as what a run delivered."""

_ENDED = (ArrivalState.SETTLED, ArrivalState.UNMATCHED)

Kind = Literal["imported", "unmatched", "delivered", "left_over", "companion"]


@dataclass(frozen=True, slots=True)
class Task:
    """A folder that is looked through."""

    account_id: UUID
    folder_id: UUID
    tree: Tree
    days: int
    before: datetime
    """What is older is not kept; the database's time."""

    @property
    def why(self) -> str:
        """What is told of files that are removed."""
        return f"The drop folder keeps files for {self.days} day{'s' if self.days > 1 else ''}."


@dataclass(frozen=True, slots=True)
class About:
    """What is known of one path."""

    known: Sequence[Known] = ()
    """The arrivals of files that lie there or may."""
    latest: Upload | None = None
    """The latest upload of the path."""
    delivered: Sequence[Delivered] = ()
    """What runs say that they put there; nothing where anybody ever told of a file there that is not known now."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of the question whether a file may go."""

    kind: Kind | None
    """What kind of file it is that need not be kept; None where it must be."""
    its: Sequence[Known] = ()
    """The arrivals of the very file that lies there."""

    @property
    def ids(self) -> list[UUID]:
        """Theirs."""
        return [each.arrival_id for each in self.its]


@dataclass(frozen=True, slots=True)
class Told:
    """Files that are about to be removed."""

    files: Sequence[Lying]
    delivered: Mapping[str, Sequence[Delivered]]
    """By path, what runs say that they put there."""
    arrivals: Mapping[str, Sequence[UUID]]
    """By path, of which arrivals it was told just now."""


async def clean_folders(tools: Tools, stopping: asyncio.Event) -> None:
    """Look through the folders whose turn it is, until told to stop. Raises StorageUnavailable."""
    cleaned = 0
    for account_id, folder_id in await retention.due(tools.database, FOLDERS_ASKED_FOR):
        if stopping.is_set() or cleaned >= FOLDERS_AT_ONCE:
            break
        root = tools.places.hosted(account_id, folder_id)
        # Who does not have the folder leaves its turn to others.
        if not await asyncio.to_thread(root.is_dir):
            continue
        async with tools.database.account(account_id) as tx:
            turn = await retention.begin(tx, folder_id)
        if turn is not None:
            cleaned += 1
            await clean(tools, Task(account_id, folder_id, Tree(root), turn.days, turn.before), stopping)


async def clean(tools: Tools, task: Task, stopping: asyncio.Event) -> None:
    """Remove what the folder keeps no longer, up to a limit, or until told to stop: the rest has its turn soon."""
    lying = all_lying(task.tree)
    removed: Counter[Kind] = Counter()
    freed = 0
    while part := await asyncio.to_thread(lambda: list(islice(lying, FILES_AT_ONCE))):
        told = await _tell(tools, task, part, REMOVED_AT_ONCE - removed.total())
        for begin in range(0, len(told.files), REMOVED_TOGETHER):
            if stopping.is_set():
                break
            kinds, bytes_ = await _remove(tools, task, told, told.files[begin : begin + REMOVED_TOGETHER])
            removed += kinds
            freed += bytes_
        if stopping.is_set() or removed.total() >= REMOVED_AT_ONCE:
            async with tools.database.account(task.account_id) as tx:
                await retention.again(tx, task.folder_id)
            break
    if removed:
        facts = {"account_id": str(task.account_id), "drop_folder_id": str(task.folder_id)}
        log.info("folder.cleaned", **facts, retention_days=task.days, bytes=freed, removed=dict(removed))
    for kind, count in removed.items():
        tools.metrics.files_expired.labels(kind).inc(count)


async def _tell(tools: Tools, task: Task, part: Sequence[Lying], limit: int) -> Told:
    """Say of the arrivals of files that are kept no longer, up to a limit, that they are. Of a file that is there and
    kept nobody says any longer that it is removed."""
    async with tools.database.account(task.account_id) as tx:
        watching = await retention.watching(tx, task.folder_id)
        about = await _about(tx, task, watching, [each.path for each in part])
        unknown = [path for path, each in about.items() if not each.known and each.latest is None]
        delivered = await _delivered(tx, task, watching, unknown) if watching is not None else {}
        judged = {each.path: _judged(each, about[each.path], watching, delivered, task.before) for each in part}
        old = [each for each in part if judged[each.path].kind is not None][:limit]
        expired = await arrivals.expire(tx, [known for each in old for known in judged[each.path].ids], task.why)
        kept = [known for each in judged.values() if each.kind is None for known in each.its]
        await arrivals.keep(tx, [each.arrival_id for each in kept if each.expired_at is not None])
    just_told = {each.path: [known for known in judged[each.path].ids if known in expired] for each in old}
    return Told(old, delivered, just_told)


async def _remove(tools: Tools, task: Task, told: Told, some: Sequence[Lying]) -> tuple[Counter[Kind], int]:
    """Remove those that are still kept no longer, and give their room back; how many of each kind, how many bytes."""
    removed: Counter[Kind] = Counter()
    freed = 0
    async with tools.database.account(task.account_id) as tx:
        watching = await retention.watching(tx, task.folder_id)
        about = await _about(tx, task, watching, [each.path for each in some])
        judged = {each.path: _judged(each, about[each.path], watching, told.delivered, task.before) for each in some}
        still = [each for each in some if judged[each.path].kind is not None]
        gone = await asyncio.to_thread(take_away, task.tree, still)
        for each in gone:
            kind = judged[each.path].kind
            assert kind is not None
            removed[kind] += 1
            freed += each.stamp.size_bytes
        # A look may have written in between why they are not taken.
        its = [known for each in gone for known in judged[each.path].its]
        await arrivals.expire(tx, [each.arrival_id for each in its], task.why)
        kept = [each for each in some if each not in gone]
        await arrivals.keep(tx, [known for each in kept for known in told.arrivals[each.path]])
        beside = await _remove_beside(tx, task, watching, its)
        removed["companion"] += len(beside)
        freed += sum(each.stamp.size_bytes for each in beside)
        await drop_usage.change(tx, task.folder_id, -freed, -removed.total())
    return +removed, freed


async def _remove_beside(tx: Tx, task: Task, watching: Watching | None, gone: Sequence[Known]) -> list[Lying]:
    """Remove what stood beside files that are gone; what that was."""
    stood = await stood_beside(tx, gone)
    if not stood:
        return []
    seen = await asyncio.to_thread(lambda: [found for path in stood if (found := at(task.tree, path)) is not None])
    about = await _about(tx, task, watching, [each.path for each in seen])
    # Put away with its file it changed in the same moment, by another clock.
    before = task.before + CLOCKS_APART
    done = [
        each
        for each in seen
        if says_no_more(each, stood[each.path], about[each.path].known, about[each.path].latest, before)
    ]
    removed = await asyncio.to_thread(take_away, task.tree, done)
    await arrivals.expire(tx, [known.arrival_id for each in removed for known in about[each.path].known], task.why)
    return removed


async def _about(tx: Tx, task: Task, watching: Watching | None, paths: Sequence[str]) -> dict[str, About]:
    """What is known of each path now, but for deliveries."""
    latest = await uploads.latest(tx, task.folder_id, paths)
    known: dict[str, list[Known]] = {}
    for each in [] if watching is None else await retention.known(tx, watching.connection_id, paths):
        for path in each.lies_at:
            known.setdefault(path, []).append(each)
    return {path: About(known.get(path, ()), latest.get(path)) for path in paths}


async def _delivered(tx: Tx, task: Task, watching: Watching, paths: Sequence[str]) -> Mapping[str, Sequence[Delivered]]:
    """By path what runs say that they put there, of paths of which nobody ever told.

    An upload or an arrival of a path that is not known to lie there now may be one that a look without the volume took
    for vanished: then what lies there is whatever they told, until a look knows it again.
    """
    if not paths:
        return {}
    told = await retention.told_of(tx, watching.connection_id, task.folder_id, paths)
    found: dict[str, list[Delivered]] = {}
    for each in await retention.delivered(tx, watching.connection_id, task.before, set(paths) - told):
        found.setdefault(each.path, []).append(each)
    return found


def _judged(
    lying: Lying,
    about: About,
    watching: Watching | None,
    delivered: Mapping[str, Sequence[Delivered]],
    before: datetime,
) -> Judged:
    its = [each for each in about.known if each.is_of(lying.stamp)]
    about = About(about.known, about.latest, delivered.get(lying.path, ()))
    return Judged(kept_no_longer(lying, about, watching, before), its)


def kept_no_longer(lying: Lying, about: About, watching: Watching | None, before: datetime) -> Kind | None:
    """What kind of file it is that need not be kept; None where it must be, or where that is not known for sure."""
    known, latest = about.known, about.latest
    if watching is None:
        return None
    if latest is not None and (latest.state != "closed" or latest.id not in {each.upload_id for each in known}):
        return None
    if not known:
        if lying.is_left_over:
            return "left_over" if lying.changed_at < before else None
        return "delivered" if any(_is_it(lying, each) and each.ended_at < before for each in about.delivered) else None
    if any(each.has_open_runs or each.state not in _ENDED for each in known):
        return None
    its = [each for each in known if each.is_of(lying.stamp)]
    if not its or any(each.last_at >= before for each in its):
        return None
    if not any(each.state is ArrivalState.UNMATCHED for each in known):
        return "imported"
    return "unmatched" if _is_taken_by_nobody(watching, before) else None


def _is_taken_by_nobody(watching: Watching, before: datetime) -> bool:
    """Whether what is told as unmatched is so for sure, and people have known it for as long."""
    looked_at, changed_at = watching.looked_at, watching.goals_changed_at
    if watching.has_paused_goals or looked_at is None:
        return False
    return changed_at is None or (changed_at < before and changed_at < looked_at)


def _is_it(lying: Lying, delivered: Delivered) -> bool:
    """Whether a file is what a run put there: as large, and last changed while that run was about it."""
    if delivered.size_bytes is not None and delivered.size_bytes != lying.stamp.size_bytes:
        return False
    return delivered.began_at - CLOCKS_APART <= lying.changed_at <= delivered.ended_at + CLOCKS_APART
