"""Give a run's rejects back to the file's sender: into the drop folder, with an acknowledgement of what came of it.

Separate from the run, which has ended: what fails here changes nothing of what was imported. Told by
`return.requested`; the sweeper rings again where that was lost, and when it is time to try again. Everything is made
and encrypted locally before anything goes to the partner; the acknowledgement goes last and names what lies there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from services.importer.doors import room_in
from services.importer.tools import Tools
from shared.contracts.runs import ReturnRequested
from shared.domain import returned
from shared.domain.connection import Login
from shared.domain.failures import (
    ConnectionLost,
    Failure,
    FileGone,
    HostBusy,
    InvalidGoal,
    LeaseLost,
    NameTaken,
    Permanent,
    RejectsNeedKey,
    StorageUnavailable,
    WorkerBusy,
)
from shared.domain.goal import AnyImport
from shared.domain.receipt import Receipt
from shared.domain.returned import ReturnedRejects
from shared.domain.run import RunState
from shared.formats.openpgp.message import encrypt
from shared.observe.failpoints import reach
from shared.runtime.handed_back import rejects_file, value_rejects_file
from shared.runtime.keeping import kept
from shared.runtime.workspace import private_place
from shared.storage import arrivals, connections, goals, notifications, openpgp_keys, returns, runs
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.returns import Held
from shared.transfer.deliver import Bearer, Parcel, Shipment, deliver
from shared.transfer.folder import Folder
from shared.transfer.open_folder import open_folder
from shared.transfer.sessions import LITTLE_PATIENCE_SECONDS

log = structlog.get_logger()

AGAIN_SECONDS = 60.0
"""Until the second attempt; doubled each time."""
LONGEST_AGAIN_SECONDS = 3600.0
MOST_ATTEMPTS = 10
"""About four hours."""
LONGEST_BUSY_SECONDS = 600.0
"""Until a host that was busy is asked again; at first AGAIN_SECONDS."""
LONGEST_SECONDS = 900.0
"""For one attempt: half of the broker's patience for an answer."""
MAKING_SECONDS = LONGEST_SECONDS / 2
"""Of these until the files can be made, which few are at a time."""
_BUSY = (HostBusy, WorkerBusy)
"""Others were served meanwhile, and nothing was tried: no attempt."""
_IMPORTED = (RunState.COMPLETED, RunState.COMPLETED_WITH_REJECTS)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be put where."""

    held: Held
    run: dict[str, Any]
    goal: AnyImport
    asked: ReturnedRejects
    receipt: Receipt
    connection: StoredConnection
    login: Login
    still_ours: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Made:
    """The finished files, by what their names end with; and why there are no rejects where there should be."""

    files: dict[str, Path]
    failure: Permanent | None = None


async def give_back(tools: Tools, message: ReturnRequested) -> None:
    """Put back what the run owes, if it owes anything and nobody else does it. Raises StorageUnavailable."""
    async with tools.database.account(message.account_id) as tx:
        held = await returns.begin(tx, message.run_id, tools.lease_seconds)
    if held is None:
        return
    reach("return.begun")

    async def still_ours() -> None:
        async with tools.database.account(held.account_id) as tx:
            await returns.keep(tx, held, tools.lease_seconds)

    async def keep() -> None:
        with suppress(LeaseLost):
            await still_ours()

    files: list[str] = []
    failure: Failure | None
    try:
        async with kept(keep, tools.lease_seconds), asyncio.timeout(LONGEST_SECONDS):
            failure, files = await _bring(tools, await _task(tools, held, still_ours))
    except StorageUnavailable:
        raise
    except TimeoutError:
        failure = ConnectionLost(f"It was not over after {LONGEST_SECONDS:.0f} seconds.")
    except Failure as found:
        failure = found
    if failure is None:
        await _end(tools, held, files)
    elif isinstance(failure, LeaseLost):
        log.warning("return.lost")
    elif isinstance(failure, Permanent) or (held.attempt >= MOST_ATTEMPTS and not isinstance(failure, _BUSY)):
        await _give_up(tools, held, files, failure)
    else:
        await _postpone(tools, held, failure)


async def _task(tools: Tools, held: Held, still_ours: Callable[[], Awaitable[None]]) -> Task:
    async with tools.database.account(held.account_id) as tx:
        run = await runs.get(tx, held.run_id)
        assert run is not None
        goal = await goals.version(tx, run["goal_id"], run["goal_version"])
        assert isinstance(goal, AnyImport)
        if goal.rejects is None:
            # The run was repeated by a later version of the goal while the return waited.
            raise InvalidGoal("Its version under which the run was repeated puts no rejects back.")
        connection = await connections.get(tx, run["connection_id"])
        return Task(
            held=held,
            run=run,
            goal=goal,
            asked=goal.rejects,
            receipt=Receipt.model_validate(run["receipt"]),
            connection=connection,
            login=await connections.login_of(tx, tools.keys, connection.id),
            still_ours=still_ours,
        )


async def _bring(tools: Tools, task: Task) -> tuple[Permanent | None, list[str]]:
    """Make the files and put them there; why there are no rejects where there should be, and what lies there now."""
    held = task.held
    with private_place(tools.work_directory, f"return-{held.run_id}-{held.token}") as place:
        async with room_in(tools.making, MAKING_SECONDS, WorkerBusy("Many rejects are given back at this time.")):
            made = await _made(tools, task, place)
        reach("return.made")
        if not made.files and not task.asked.acknowledge:
            return made.failure, []
        async with tools.doors.entered(task.connection.drop_place), _opened(tools, task) as folder:
            stem = await _named(tools, task, folder)
            reach("return.named")
            names = {suffix: stem + suffix for suffix in made.files}
            if task.asked.acknowledge:
                made.files[returned.ACKNOWLEDGEMENT] = await _acknowledgement(task, names, place)
                names[returned.ACKNOWLEDGEMENT] = stem + returned.ACKNOWLEDGEMENT
            bearer = Bearer("import", held.run_id, held.token, task.still_ours)
            parcels = [Parcel(file, names[suffix]) for suffix, file in made.files.items()]
            await deliver(folder, Shipment(parcels), bearer)
        reach("return.delivered")
        return made.failure, list(names.values())


def _opened(tools: Tools, task: Task) -> AbstractAsyncContextManager[Folder]:
    place = task.connection.drop_place
    account_id = task.held.account_id
    return open_folder(
        place,
        task.login,
        tools.places,
        account_id=account_id,
        makes_root=False,
        patience_seconds=LITTLE_PATIENCE_SECONDS,
    )


# Made.


async def _made(tools: Tools, task: Task, place: Path) -> Made:
    """The files of rejects, encrypted where the goal says so."""
    receipt, made = task.receipt, Made({})
    if receipt.state not in _IMPORTED:
        return made

    def reading() -> AbstractAsyncContextManager[Tx]:
        return tools.database.account(task.held.account_id, read_only=True)

    plain: dict[str, Path] = {}
    if receipt.rejected:
        lines = await rejects_file(reading, task.run, task.goal)
        plain[returned.REJECTS] = await _written(lines, place / "rejects")
    if receipt.values_rejected_by_code:
        try:
            lines = await value_rejects_file(reading, task.run, task.goal)
        except InvalidGoal:
            # The goal could not read such a file; the values are listed in the API, as the receipt says.
            log.info("return.values_left_out")
        else:
            plain[returned.VALUE_REJECTS] = await _written(lines, place / "value-rejects")
    try:
        made.files = await _sealed(tools, task, plain)
    except Permanent as failure:
        made.failure = failure
    return made


async def _written(lines: AsyncIterator[bytes], path: Path) -> Path:
    with path.open("xb") as file:
        async for part in lines:
            await asyncio.to_thread(file.write, part)
    return path


async def _sealed(tools: Tools, task: Task, plain: dict[str, Path]) -> dict[str, Path]:
    """The files as they may lie at the partner's. Raises RejectsNeedKey, NotFound, and what `encrypt` raises."""
    wanted = task.asked.encrypt_to
    file = task.receipt.file
    if not plain:
        return plain
    if not wanted:
        if file is not None and (file.was_encrypted or file.had_password):
            raise RejectsNeedKey
        return plain
    async with tools.database.account(task.held.account_id) as tx:
        recipients = await openpgp_keys.partners_of(tx, wanted)
    sealed = {}
    for suffix, path in plain.items():
        target = path.with_name(f"{path.name}-sealed")
        await encrypt(path, target, recipients, gpg=tools.gpg)
        path.unlink()
        sealed[suffix + returned.SEALED] = target
    return sealed


async def _acknowledgement(task: Task, names: dict[str, str], place: Path) -> Path:
    rejects = names.get(returned.REJECTS) or names.get(returned.REJECTS + returned.SEALED)
    values = names.get(returned.VALUE_REJECTS) or names.get(returned.VALUE_REJECTS + returned.SEALED)
    path = place / "acknowledgement"
    await asyncio.to_thread(path.write_bytes, returned.acknowledgement(task.receipt, task.run["path"], rejects, values))
    return path


# Named.


async def _named(tools: Tools, task: Task, folder: Folder) -> str:
    """How the paths begin: as the file is called, unless what lies there is not this run's. Raises NameTaken."""
    held = task.held
    async with tools.database.account(held.account_id) as tx:
        looked_at = await arrivals.clock(tx)
    for stem in returned.stems(task.run["path"], task.asked.return_to, held.run_id):
        if stem != held.stem and await _is_taken(folder, stem):
            continue
        async with tools.database.account(held.account_id) as tx:
            await arrivals.lock_connection(tx, task.connection.id)
            if await returns.name(tx, held, stem, looked_at):
                return stem
    raise NameTaken("Found files of the run's own name, and of its name with its id.")


async def _is_taken(folder: Folder, stem: str) -> bool:
    for path in returned.all_of(stem):
        try:
            await folder.stat(path)
        except FileGone:
            continue
        return True
    return False


# Ended.


async def _end(tools: Tools, held: Held, files: list[str]) -> None:
    async with tools.database.account(held.account_id) as tx:
        is_ours = await returns.end(tx, held, "returned", files)
        reach("return.recording")
    reach("return.recorded")
    if is_ours:
        tools.metrics.returns.labels("returned").inc()
        log.info("return.ended", files=len(files))


async def _postpone(tools: Tools, held: Held, failure: Failure) -> None:
    is_attempt = not isinstance(failure, _BUSY)
    pause = min(AGAIN_SECONDS * 2 ** (held.attempt - 1), LONGEST_AGAIN_SECONDS) if is_attempt else AGAIN_SECONDS
    async with tools.database.account(held.account_id) as tx:
        await returns.postpone(
            tx, held, pause, failure.code, is_attempt=is_attempt, longest_seconds=LONGEST_BUSY_SECONDS
        )
    tools.metrics.returns.labels("postponed").inc()
    log.warning("return.postponed", code=failure.code, attempt=held.attempt)


async def _give_up(tools: Tools, held: Held, files: list[str], failure: Failure) -> None:
    """The run stays as it ended; people are told where its rejects are."""
    async with tools.database.account(held.account_id) as tx:
        if not await returns.end(tx, held, "failed", files, failure.code):
            return
        run = await runs.get(tx, held.run_id)
        assert run is not None
        news = notifications.News(
            code="rejects_not_returned",
            title="Rejects could not be put back into a drop folder",
            detail=f"{failure.sentence} {failure.detail}".strip(),
            what_to_do=f"{failure.what_to_do} What the run imported stays. Its rejects are at "
            f"GET /v1/runs/{held.run_id}/rejects.csv.".strip(),
            connection_id=run["connection_id"],
            goal_id=run["goal_id"],
            run_id=held.run_id,
        )
        await notifications.raise_(tx, news)
    tools.metrics.returns.labels("failed").inc()
    log.warning("return.given_up", code=failure.code, attempt=held.attempt)
