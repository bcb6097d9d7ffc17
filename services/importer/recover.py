"""The rows that the merge rejected, with their fields as they were read: a second pass over the file.

Part by part, because a million rows may be rejected for one profile's sum.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

from services.importer.pages import Fetch, Fetched, fetching
from shared.domain.receipt import MemberFacts
from shared.domain.reject import Reject
from shared.storage.merge import LateReject

Result = TypeVar("Result")


async def recovered(
    fetched: Fetched, members: Sequence[MemberFacts], late: AsyncIterator[list[LateReject]]
) -> AsyncGenerator[list[Reject], None]:
    """The rejects of these rows, in the order of the file; `members` are what was read before.

    Close it where it is not read to its end.
    """
    with ExitStack() as stack:
        fetch = await _in_thread(stack.enter_context, fetching(fetched, members))
        async for part in late:
            yield await _in_thread(_rejects, fetch, part)


async def _in_thread(work: Callable[..., Result], *given: object) -> Result:
    working = asyncio.ensure_future(asyncio.to_thread(work, *given))
    try:
        return await asyncio.shield(working)
    finally:
        # Whoever is cancelled waits until the thread has let go of the file.
        await asyncio.wait([working])


def _rejects(fetch: Fetch, late: list[LateReject]) -> list[Reject]:
    rows = fetch([each.record_number for each in late])
    return [
        Reject(
            record_number=row.record_number,
            line_number=row.line_number,
            code=reject.code,
            field=reject.field,
            raw=row.fields,
        )
        for row, reject in zip(rows, late, strict=True)
    ]
