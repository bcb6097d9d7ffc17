"""How long a question of somebody who waits for the answer may keep the database, which works for others too.

Runs have no such limit. Nothing here knows what is asked.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.domain.failures import StorageUnavailable
from shared.storage.database import Tx

ANSWER_SECONDS = 20.0


class NoAnswer(Exception):
    """A statement was given up; what its block did is undone, and the transaction goes on."""


@asynccontextmanager
async def answered_within(tx: Tx, seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Let each statement inside take so long at most. Raises NoAnswer where one takes longer, or no time is left."""
    milliseconds = int(seconds * 1_000)
    if milliseconds < 1:
        raise NoAnswer
    try:
        async with tx.connection.transaction():
            await tx.execute("answer_time.limit", str(milliseconds))
            yield
    except asyncpg.QueryCanceledError as error:
        raise NoAnswer from error
    except StorageUnavailable as failure:
        # As COPY's errors arrive: they are translated where they come up.
        if isinstance(failure.__cause__, asyncpg.QueryCanceledError):
            raise NoAnswer from failure
        raise
