"""End short transactions of processes that froze between the parts of one statement.

PostgreSQL's own limits do not count there: the session is neither idle nor executing, but waits for the client to go
on with what it began (up to PostgreSQL 16; 17 has `transaction_timeout`). Its locks would stay for as long as the
process is frozen. Work of runs is not touched: whoever takes a run over ends its connections.
"""

from shared.storage.accounts import OPERATOR
from shared.storage.database import SHORT_NAME, Database


async def end_stalled(database: Database, seconds: float) -> int:
    """End what has waited for its client for longer than so many seconds; how many there were."""
    async with database.watching() as watch:
        ended = int((await watch.fetch("stalled.end", seconds, SHORT_NAME))[0]["ended"])
    async with database.account(OPERATOR) as tx:
        return ended + int(await tx.value("stalled.end", seconds, SHORT_NAME))
