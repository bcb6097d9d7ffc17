"""The merge of a first file: into an empty table, whose indexes are built when the rows are in.

Nearly half the time of keeping them up to date row by row. The table is locked for all others meanwhile, which
only an account without a profile can afford; where the lock is not to be had at once, or the file is small, the
usual way is taken.
"""

from shared.domain.merge import Mode
from shared.storage.errors import busy_allowed
from shared.storage.merge_work import Work

LEAST_ROWS = 10_000


async def may_load(work: Work, rows_staged: int) -> bool:
    """Whether the file is the account's first and large, and the table is ours alone from here on."""
    if rows_staged < LEAST_ROWS or work.mode is Mode.UPDATE_ONLY or not await _is_empty(work):
        return False
    with busy_allowed() as attempt:
        # A savepoint: without it a lock that is not had would end the whole transaction.
        async with work.tx.connection.transaction():
            await work.run("merge.lock_out")
    return attempt.went_through and await _is_empty(work)


async def load(work: Work, *, is_folded: bool) -> int:
    """Write every row as a new profile; how many profiles that made."""
    indexes = await work.fetch("merge.indexes", f"{work.tx.schema}.profiles")
    for index in indexes:
        await work.tx.connection.execute(index["dropping"])
    profiles = await work.run(
        "merge.insert_first",
        work.run_id,
        *work.said_args,
        initial=work.initial(),
        rows=work.rows(is_folded=is_folded),
    )
    for index in indexes:
        await work.tx.connection.execute(index["making"])
    return profiles


async def _is_empty(work: Work) -> bool:
    return bool((await work.fetch("merge.is_empty"))[0]["is_empty"])
