"""The road of an export, on one page: select, format and spool, pack and encrypt, deliver, finish.

Killed before the delivery: the run is claimed again and spools anew. Killed after it: the same files are delivered once
more, under the same names.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from services.exporter.encode import Spool, Spooled, spool
from services.exporter.order import Order, read_order
from services.exporter.pack import Finished, finished, shipment
from services.exporter.remember import note, recall
from services.exporter.tools import Tools
from shared.domain.receipt import ExportedFile, FileFacts
from shared.domain.run import RunState
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.runtime.first_keys import pinning
from shared.runtime.table_text import Told
from shared.runtime.visits import Visit, host_of
from shared.runtime.workspace import workspace
from shared.storage import ending, exchanges, export_marks, runs
from shared.storage.exchanges import Exchange
from shared.storage.run_connection import run_connection
from shared.storage.selections.of_goal import selections_of
from shared.transfer.deliver import Bearer, Shipment, deliver
from shared.transfer.open_folder import open_folder
from shared.transfer.sessions import LITTLE_PATIENCE_SECONDS, PATIENCE_SECONDS

log = structlog.get_logger()

KIND: Final = "export"


async def carry_out(desk: Desk, tools: Tools) -> None:
    """Write what the goal selects to files and put them where the partner picks them up."""
    order = await read_order(tools, desk.run)
    desk.connection = order.connection
    reach("exporter.named")
    with workspace(tools.work_directory, desk.run) as workplace:
        with desk.step("select"):
            spooled = await select(order, workplace, tools, desk)
        reach("exporter.spooled")
        files = await finished(order, spooled.files, workplace, tools, desk)
        desk.file = facts_of(order, files, spooled.main)
        with desk.step("deliver"):
            goods = await asyncio.to_thread(shipment, order, files, spooled.files, workplace, desk)
            await bring(order, goods, tools, desk)
        reach("exporter.delivered")
        await finish(order, spooled, files, tools, desk)


async def select(order: Order, workplace: Path, tools: Tools, desk: Desk) -> Spool:
    """All files of the run, as one moment of the database has them; the snapshot is closed behind the last.

    What to select is read in the same moment: a segment that is changed meanwhile is one and the same for the rows and
    for what is remembered of them, and a type of events has its file if the moment has any event of it.
    """
    told, goal = Told(), order.goal
    async with run_connection(tools.database, desk.run) as connection, connection.snapshot() as tx:
        memory = await recall(tx, desk.run, goal)
        if memory is not None and memory.full_because is not None:
            desk.warnings.append(memory.full_because)
        since = None if memory is None else memory.since
        selections = await selections_of(tx, goal, now=desk.run.queued_at, since=since)
        files = [
            await spool(tx, each, goal, workplace / f"spool-{number}", told, desk)
            for number, each in enumerate(selections)
        ]
        remembered = None if memory is None else await note(tx, memory, workplace / "told")
    return Spool(files, told, remembered)


def facts_of(order: Order, files: Sequence[Finished], main: Spooled) -> FileFacts:
    """Of the main file: of the first of several with the size of all."""
    pieces = files[: len(main.pieces)]
    return FileFacts(
        name=order.path_of(pieces[0].name.whole),
        size_bytes=sum(each.piece.size_bytes for each in pieces),
        sha256=pieces[0].piece.sha256 if len(pieces) == 1 else None,
        columns=main.header,
    )


async def bring(order: Order, goods: Shipment, tools: Tools, desk: Desk) -> None:
    """All files to the partner: whole, and together. What is left to do afterwards is little.

    A run that is put aside makes its files anew. So it waits for a session as long as anybody, unless it has to keep
    its place while it does.
    """

    async def still_ours() -> None:
        async with tools.database.account(desk.run.account_id) as tx:
            await runs.hold(tx, desk.run)

    def advance(size: int) -> None:
        desk.advance(bytes_done=size)

    bearer = Bearer(KIND, desk.run.id, desk.run.token, still_ours, advance)
    size, account_id = sum(each.spool.stat().st_size for each in goods.parcels), desk.run.account_id
    desk.advance(bytes_total=size)
    host = host_of(order.place)
    has_left = host is not None and desk.place.left(Visit(desk.run, host, size))
    patience = PATIENCE_SECONDS if has_left else LITTLE_PATIENCE_SECONDS
    async with open_folder(
        order.place,
        order.login,
        tools.places,
        account_id=account_id,
        patience_seconds=patience,
        on_first_key=pinning(tools.database, desk),
    ) as folder:
        await deliver(folder, goods, bearer)


async def finish(order: Order, spooled: Spool, files: Sequence[Finished], tools: Tools, desk: Desk) -> None:
    """End the run with its receipt.

    On a work connection: what is remembered may be millions of rows, and a short statement's time is none for them. It
    is waited for in line: with none to be had the files, which lie there, would be made and delivered once more.
    """
    tally = spooled.main.tally
    held_back = sum((each.tally.held_back for each in spooled.files), Counter())
    left_out = sum((each.tally.left_out for each in spooled.files), Counter())
    told: dict[str, Any] = {
        "rows_exported": tally.rows,
        "profiles_exported": spooled.told.count,
        "held_back": dict(sorted((code, rows) for code, rows in held_back.items() if rows)),
        "left_out": dict(sorted(left_out.items())),
        "files": tuple(
            ExportedFile(
                name=order.path_of(name.whole), rows=piece.rows, size_bytes=piece.size_bytes, sha256=piece.sha256
            )
            for name, piece in ((each.name, each.piece) for each in files)
        ),
    }
    async with (
        tools.finishing,
        run_connection(tools.database, desk.run) as connection,
        connection.transaction() as tx,
    ):
        if spooled.remembered is not None:
            await export_marks.keep(tx, desk.run, spooled.remembered.moment, spooled.remembered.path)
            reach("exporter.remembered")
        sent = Exchange(
            files=len(told["files"]),
            rows=sum(each.rows for each in told["files"]),
            size_bytes=sum(each.size_bytes for each in told["files"]),
        )
        await exchanges.add(tx, desk.run.connection_id, KIND, sent, spooled.told.blocks())
        await ending.end(tx, desk.run, KIND, desk.receipt(RunState.COMPLETED, **told))
        reach("exporter.finishing")
    reach("exporter.committed")
    tools.metrics.runs.labels(KIND, RunState.COMPLETED.value).inc()
    log.info("run.ended", state=RunState.COMPLETED.value, rows_exported=tally.rows)
    await ending.release(tools.database, desk.run)
    reach("exporter.released")
