"""The road of an export, on one page: select, format and spool, deliver, finish.

Killed before the delivery: the run is claimed again and spools anew. Killed after it: the same file is delivered once
more, under the same name.
"""

from typing import Final

import structlog

from services.exporter.encode import spool_profiles
from services.exporter.order import read_order
from services.exporter.tools import Tools
from shared.domain.receipt import FileFacts
from shared.domain.run import RunState
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.runtime.workspace import workspace
from shared.storage import ending, runs
from shared.storage.run_connection import run_connection
from shared.transfer.deliver import Bearer, Parcel, Shipment, deliver
from shared.transfer.open_folder import open_folder

log = structlog.get_logger()

KIND: Final = "export"


async def carry_out(desk: Desk, tools: Tools) -> None:
    """Write the goal's profiles to a file and put it where the partner picks it up."""

    async def still_ours() -> None:
        async with tools.database.account(desk.run.account_id) as tx:
            await runs.hold(tx, desk.run)

    def advance(size: int) -> None:
        desk.advance(bytes_done=size)

    bearer = Bearer(KIND, desk.run.id, desk.run.token, still_ours, advance)
    order = await read_order(tools, desk.run)
    reach("exporter.named")
    with workspace(tools.work_directory, desk.run) as workplace:
        spool = workplace / "spool"
        with desk.step("select"):
            async with run_connection(tools.database, desk.run) as connection, connection.snapshot() as tx:
                rows, sha256 = await spool_profiles(tx, order, spool, desk)
        desk.file = FileFacts(name=order.path, size_bytes=spool.stat().st_size, sha256=sha256)
        reach("exporter.spooled")
        with desk.step("deliver"):
            desk.advance(bytes_total=desk.file.size_bytes)
            async with open_folder(order.place, order.login, tools.places, account_id=desk.run.account_id) as folder:
                await deliver(folder, Shipment([Parcel(spool, order.path)]), bearer)
        reach("exporter.delivered")
    async with tools.database.account(desk.run.account_id) as tx:
        await ending.end(tx, desk.run, KIND, desk.receipt(RunState.COMPLETED, rows_exported=rows))
        reach("exporter.finishing")
    reach("exporter.committed")
    tools.metrics.runs.labels(KIND, RunState.COMPLETED.value).inc()
    log.info("run.ended", state=RunState.COMPLETED.value, rows_exported=rows)
    await ending.release(tools.database, desk.run)
    reach("exporter.released")
