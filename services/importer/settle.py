"""Mark a file when every run of its arrival has ended: rename, move, delete or leave.

Separate from the runs, because it happens once an arrival and after the commit: what fails here changes nothing of
what was imported. Told by `arrival.ended`; the sweeper rings again where that was lost. Few are marked at a time, so
who finds its partner's host busy comes again later; who is at it keeps others from it for as long as that takes.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from services.importer.kept import settle_kept, settle_named
from services.importer.tools import Tools
from shared.contracts.runs import ArrivalEnded
from shared.domain.afterwards import AfterDone, AfterFailed
from shared.domain.arrival import FileStamp
from shared.domain.connection import Login
from shared.domain.failures import Failure, FileGone, Permanent, StorageUnavailable
from shared.domain.goal import AnyImport
from shared.domain.names import split
from shared.domain.place import DropPlace, HostedPlace
from shared.domain.run import RunState
from shared.domain.watched import beneath
from shared.observe.failpoints import reach
from shared.runtime.keeping import kept
from shared.runtime.room import RoomInTransaction
from shared.storage import arrivals, companions, connections, goals, notifications, uploads
from shared.storage.database import Tx
from shared.transfer.directory import LocalDirectory
from shared.transfer.folder import Folder
from shared.transfer.hosted import HostedFolder
from shared.transfer.mark import Marked, mark
from shared.transfer.open_folder import open_folder
from shared.transfer.sessions import LITTLE_PATIENCE_SECONDS

log = structlog.get_logger()

AGAIN_SECONDS = 60.0
LONGEST_AGAIN_SECONDS = 600.0
"""Who has waited long asks less often: very many may wait for a host that hangs."""
_LEFT_ITS_PLACE = ("renamed", "moved", "deleted", "gone", "already")


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be marked, and how."""

    place: DropPlace
    login: Login
    file: FileStamp
    came_as: str
    """The path that it was found under; it lies elsewhere where it was put away before, and run again."""
    is_upload: bool
    action: AfterDone | AfterFailed
    beneath: str
    """The subdirectory that it came from."""
    companions: tuple[FileStamp, ...]
    """What stood beside it and has no more to say: put away like it."""


async def settle(tools: Tools, message: ArrivalEnded) -> None:
    """Mark the arrival's file, if all of its runs have ended and nobody else does. Raises StorageUnavailable."""
    account_id, arrival_id = message.account_id, message.arrival_id
    async with tools.database.account(account_id) as tx:
        if not await arrivals.begin_settling(tx, arrival_id, tools.lease_seconds):
            return
    # In a transaction of its own: of two files of one manifest that are marked at the same time one sees the other.
    async with tools.database.account(account_id) as tx:
        if not await arrivals.keep_settling(tx, arrival_id, tools.lease_seconds):
            return
        settled_as = await settle_kept(tx, arrival_id) or await settle_named(tx, arrival_id)
        task = None if settled_as else await _task(tools, tx, arrival_id)
    reach("settle.begun")
    if settled_as:
        log.info("file.settled", outcome=settled_as, arrival_id=str(arrival_id))
        return

    async def keep() -> None:
        async with tools.database.account(account_id) as tx:
            await arrivals.keep_settling(tx, arrival_id, tools.lease_seconds)

    try:
        async with kept(keep, tools.lease_seconds):
            marked = Marked(outcome="changed") if task is None else await _mark(tools, account_id, arrival_id, task)
    except StorageUnavailable:
        raise
    except Failure as failure:
        await _not_marked(tools, account_id, arrival_id, task, failure)
        return
    reach("settle.marked")
    is_gone = marked.outcome in _LEFT_ITS_PLACE
    async with tools.database.account(account_id) as tx:
        await arrivals.settle(tx, arrival_id, marked.outcome, marked.path, is_gone=is_gone)
        reach("settle.recording")
    reach("settle.recorded")
    log.info("file.settled", outcome=marked.outcome, arrival_id=str(arrival_id))


async def _task(tools: Tools, tx: Tx, arrival_id: UUID) -> Task | None:
    """What to do; None where a later upload has taken the file's place."""
    arrival = await arrivals.get(tx, arrival_id)
    assert arrival is not None
    if not arrival["is_latest_upload"] and arrival["settled_path"] is None:
        return None
    runs = await arrivals.runs_of(tx, arrival_id)
    goal = await _goal(tx, runs)
    connection = await connections.get(tx, arrival["connection_id"])
    return Task(
        place=connection.drop_place,
        login=await connections.login_of(tx, tools.keys, connection.id),
        file=FileStamp(
            path=arrival["settled_path"] or arrival["path"],
            size_bytes=arrival["size_bytes"],
            modified_at=arrival["modified_at"],
        ),
        came_as=arrival["path"],
        is_upload=arrival["upload_id"] is not None,
        action=_action(goal, runs),
        companions=await _companions(tx, arrival_id, runs),
        beneath=beneath(goal.source.directory, split(arrival["path"])[0]),
    )


async def _goal(tx: Tx, runs: list[dict[str, Any]]) -> AnyImport:
    """The goals of one folder agree about what becomes of a file: conflicts are refused when they are saved."""
    goal = await goals.version(tx, runs[0]["goal_id"], runs[0]["goal_version"])
    assert isinstance(goal, AnyImport)
    return goal


async def _companions(tx: Tx, arrival_id: UUID, runs: list[dict[str, Any]]) -> tuple[FileStamp, ...]:
    """Those of a file that failed stay: its sender mends it and them."""
    if _has_failed(runs):
        return ()
    return tuple(each.file for each in await companions.of_arrival(tx, arrival_id) if not each.is_needed)


def _action(goal: AnyImport, runs: list[dict[str, Any]]) -> AfterDone | AfterFailed:
    return goal.source.afterwards.failed if _has_failed(runs) else goal.source.afterwards.done


def _has_failed(runs: list[dict[str, Any]]) -> bool:
    return any(run["state"] == RunState.FAILED for run in runs)


async def _mark(tools: Tools, account_id: UUID, arrival_id: UUID, task: Task) -> Marked:
    opened = open_folder(
        task.place,
        task.login,
        tools.places,
        account_id=account_id,
        makes_root=False,
        patience_seconds=LITTLE_PATIENCE_SECONDS,
    )
    async with tools.doors.entered(task.place), opened as folder:
        if task.is_upload and isinstance(task.place, HostedPlace):
            marked = await _mark_upload(tools, account_id, arrival_id, task.place.drop_folder_id, task)
        else:
            marked = await _mark_file(folder, task.file, task)
        if marked.outcome not in ("changed", "gone"):
            for companion in task.companions:
                await _mark_companion(folder, companion, task)
        return marked


async def _mark_upload(tools: Tools, account_id: UUID, arrival_id: UUID, drop_folder_id: UUID, task: Task) -> Marked:
    """While nobody can give its name to another file: what a client puts there meanwhile is no less a file."""
    directory = LocalDirectory(tools.places.hosted(account_id, drop_folder_id))
    async with tools.database.account(account_id) as tx:
        folder = HostedFolder(directory, RoomInTransaction(tx, drop_folder_id))
        await uploads.hold(tx, drop_folder_id, task.file.path)
        if not await _is_still_its(tx, arrival_id, drop_folder_id, task):
            return Marked(outcome="changed")
        file = await _present(folder, task.file)
        return await _mark_file(folder, file, task)


async def _is_still_its(tx: Tx, arrival_id: UUID, drop_folder_id: UUID, task: Task) -> bool:
    """Whether no later upload has the name under which the arrival's file lies."""
    if task.file.path != task.came_as:
        # Put away by an earlier mark, and no client's since.
        return task.file.path not in await uploads.latest(tx, drop_folder_id, [task.file.path])
    arrival = await arrivals.get(tx, arrival_id)
    return arrival is not None and bool(arrival["is_latest_upload"])


async def _mark_file(folder: Folder, file: FileStamp, task: Task) -> Marked:
    return await mark(folder, file, task.action, beneath=task.beneath, name=split(task.came_as)[1])


async def _mark_companion(folder: Folder, companion: FileStamp, task: Task) -> None:
    """What keeps it where it is keeps nothing of the file's own mark."""
    try:
        await mark(folder, companion, task.action, beneath=task.beneath)
    except Permanent as failure:
        log.warning("companion.not_marked", code=failure.code)


async def _present(folder: Folder, file: FileStamp) -> FileStamp:
    """An upload with the time that its client may have set since; its identity was compared already."""
    try:
        found = await folder.stat(file.path)
    except FileGone:
        return file
    return found if found.size_bytes == file.size_bytes else file


async def _not_marked(tools: Tools, account_id: UUID, arrival_id: UUID, task: Task | None, failure: Failure) -> None:
    """What passes is tried again; what does not leaves the file where it is, known and told."""
    # Where it was put before it is still, and is found there when it is run again.
    lies_at = None if task is None or task.file.path == task.came_as else task.file.path
    log.warning("file.not_marked", code=failure.code, arrival_id=str(arrival_id))
    async with tools.database.account(account_id) as tx:
        if not isinstance(failure, Permanent):
            await arrivals.postpone_settling(tx, arrival_id, AGAIN_SECONDS, LONGEST_AGAIN_SECONDS)
            return
        await arrivals.settle(tx, arrival_id, "not_marked", lies_at, is_gone=False)
        news = notifications.News(
            code="file_not_marked",
            title="An imported file could not be marked",
            detail=f"{failure.sentence} {failure.detail}".strip(),
            what_to_do="The file is known and will not be imported again. Grant the right, or set afterwards to leave.",
        )
        await notifications.raise_(tx, news)
