"""The road of an export, on one page: select, format and spool, deliver, finish.

Killed before the delivery: the run is claimed again and spools anew. Killed after it: the same file is delivered once
more, under the same name.
"""

from pathlib import Path
from typing import Any, Final

import structlog

from services.exporter.encode import Spool, spool
from services.exporter.order import Order, read_order
from services.exporter.tools import Tools
from shared.domain.receipt import ExportedFile, FileFacts
from shared.domain.run import RunState
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.runtime.table_text import Told
from shared.runtime.workspace import workspace
from shared.storage import ending, runs
from shared.storage.run_connection import run_connection
from shared.transfer.deliver import Bearer, Parcel, Shipment, deliver
from shared.transfer.open_folder import open_folder

log = structlog.get_logger()

KIND: Final = "export"


async def carry_out(desk: Desk, tools: Tools) -> None:
    """Write what the goal selects to files and put them where the partner picks them up."""
    order = await read_order(tools, desk.run)
    reach("exporter.named")
    with workspace(tools.work_directory, desk.run) as workplace:
        with desk.step("select"):
            spooled = await select(order, workplace, tools, desk)
        reach("exporter.spooled")
        with desk.step("deliver"):
            await bring(order, spooled, tools, desk)
        reach("exporter.delivered")
    await finish(order, spooled, tools, desk)


async def select(order: Order, workplace: Path, tools: Tools, desk: Desk) -> Spool:
    """All files of the run, as one moment of the database has them; the snapshot is closed behind the last."""
    told = Told()
    async with run_connection(tools.database, desk.run) as connection, connection.snapshot() as tx:
        files = [
            await spool(tx, each, order.goal, workplace / f"spool-{number}", told, desk)
            for number, each in enumerate(order.selections)
        ]
    main = files[0]
    desk.file = FileFacts(
        name=order.path_of(main.part), size_bytes=main.size_bytes, sha256=main.sha256, columns=main.header
    )
    return Spool(files, told.count)


async def bring(order: Order, spooled: Spool, tools: Tools, desk: Desk) -> None:
    """All files to the partner: whole, and together."""

    async def still_ours() -> None:
        async with tools.database.account(desk.run.account_id) as tx:
            await runs.hold(tx, desk.run)

    def advance(size: int) -> None:
        desk.advance(bytes_done=size)

    bearer = Bearer(KIND, desk.run.id, desk.run.token, still_ours, advance)
    desk.advance(bytes_total=sum(each.size_bytes for each in spooled.files))
    async with open_folder(order.place, order.login, tools.places, account_id=desk.run.account_id) as folder:
        await deliver(folder, Shipment([Parcel(each.path, order.path_of(each.part)) for each in spooled.files]), bearer)


async def finish(order: Order, spooled: Spool, tools: Tools, desk: Desk) -> None:
    """End the run with its receipt."""
    tally = spooled.main.tally
    told: dict[str, Any] = {
        "rows_exported": tally.rows,
        "profiles_exported": spooled.profiles,
        "held_back": dict(sorted((code, rows) for code, rows in tally.held_back.items() if rows)),
        "left_out": dict(sorted(tally.left_out.items())),
        "files": tuple(
            ExportedFile(
                name=order.path_of(each.part), rows=each.tally.rows, size_bytes=each.size_bytes, sha256=each.sha256
            )
            for each in spooled.files
        ),
    }
    async with tools.database.account(desk.run.account_id) as tx:
        await ending.end(tx, desk.run, KIND, desk.receipt(RunState.COMPLETED, **told))
        reach("exporter.finishing")
    reach("exporter.committed")
    tools.metrics.runs.labels(KIND, RunState.COMPLETED.value).inc()
    log.info("run.ended", state=RunState.COMPLETED.value, rows_exported=tally.rows)
    await ending.release(tools.database, desk.run)
    reach("exporter.released")
