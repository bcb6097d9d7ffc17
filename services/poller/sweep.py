"""The sweeper: rings again for what was lost on the way, and takes over from workers that died.

One process does this at a time, under a lease. Every finding is repeated until the ledger says that it is mended,
so a sweep that dies in the middle costs only time.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

import structlog

from services.poller.expiry import tell_of_expiry
from services.poller.measure import measure
from services.poller.retention import clean_folders
from services.poller.tools import Tools
from shared.contracts.places import InquiryAsked
from shared.contracts.runs import ArrivalEnded, ReturnRequested
from shared.domain.failures import Failure, InternalError, StorageUnavailable
from shared.observe.failpoints import reach
from shared.runtime.room import LedgerRoom
from shared.storage import (
    arrivals,
    drop_usage,
    ending,
    host_sessions,
    inquiries,
    kept_answers,
    kept_files,
    leases,
    migrate,
    notifications,
    one_shots,
    outbox,
    returns,
    run_watch,
    samples,
    stalled,
    takeover,
)
from shared.storage.errors import TransactionConflict

log = structlog.get_logger()

FOLDERS_AT_ONCE = 20
"""Hosted folders that are measured in one round."""


async def sweep(tools: Tools, stopping: asyncio.Event) -> None:
    """Sweep in turn until told to stop; another replica does when this one dies."""
    while not stopping.is_set():
        _tell(await _outcome(_round(tools)), "round")
        with suppress(TimeoutError):
            async with asyncio.timeout(tools.sweep_seconds):
                await stopping.wait()
    with suppress(StorageUnavailable):
        await leases.lay_down_duty(tools.database, "sweep", tools.worker)


async def clean_up(tools: Tools, stopping: asyncio.Event) -> None:
    """Remove what hosted folders keep no longer, in turn until told to stop.

    Beside the sweep, which must not stand still behind a slow volume. Every poller does; folders are theirs in turn.
    """
    while not stopping.is_set():
        _tell(await _outcome(clean_folders(tools, stopping)), "clean_folders")
        with suppress(TimeoutError):
            async with asyncio.timeout(tools.sweep_seconds):
                await stopping.wait()


async def _round(tools: Tools) -> None:
    # Whoever sweeps may itself have frozen with the duty's row in its hands, so every poller does this.
    ended = await stalled.end_stalled(tools.database, tools.lease_seconds)
    if ended:
        tools.metrics.swept.labels("session_ended").inc(ended)
        log.warning("session.ended", sessions=ended)
    if await leases.hold_duty(tools.database, "sweep", tools.worker, 3 * tools.sweep_seconds):
        reach("sweep.held")
        await sweep_once(tools)
    else:
        tools.metrics.ledger.forget()


async def sweep_once(tools: Tools) -> None:
    """One round: take over, ring again, forget what is old, measure the ledger. Raises StorageUnavailable.

    A finding that breaks, or that another session is in the way of, keeps no other from being mended, and does not
    end the poller after every start.
    """
    findings = (
        _follow, _take_over, _stop_holding, _ring_unheard, _ring_unsettled, _ring_unreturned, _ring_inquiries,
        tell_of_expiry, _forget, _measure_folders, measure,
    )  # fmt: skip
    for finding in findings:
        outcome = await _outcome(finding(tools))
        if isinstance(outcome, StorageUnavailable) and not isinstance(outcome, TransactionConflict):
            raise outcome
        _tell(outcome, finding.__name__.strip("_"))


async def _outcome(work: Coroutine[None, None, None]) -> Exception | None:
    [answer] = await asyncio.gather(work, return_exceptions=True)
    if isinstance(answer, BaseException) and not isinstance(answer, Exception):
        raise answer
    return answer


def _tell(error: Exception | None, part: str) -> None:
    if isinstance(error, Failure):
        log.warning("sweep.interrupted", part=part, code=error.code)
    elif error is not None:
        log.error("sweep.broken", part=part, code=InternalError.code, exc_info=error)


async def _follow(tools: Tools) -> None:
    """Services of the release before may still be at work, and make accounts as they know them."""
    if await migrate.migrate_accounts(tools.database, patience_seconds=0):
        tools.metrics.swept.labels("schema_migrated").inc()


async def _forget(tools: Tools) -> None:
    await outbox.forget_sent(tools.database)
    await kept_answers.forget_old(tools.database)
    await samples.forget_old(tools.database)
    await one_shots.forget_ended(tools.database)
    await host_sessions.forget_logins(tools.database)
    await kept_files.sweep(tools.database)


async def _measure_folders(tools: Tools) -> None:
    """What lies in hosted folders may have come or gone by another way than those that count."""
    for account_id, folder_id in await drop_usage.due(tools.database, FOLDERS_AT_ONCE):
        root = tools.places.hosted(account_id, folder_id)
        await LedgerRoom(tools.database, account_id, folder_id, root).measure(drop_usage.MEASURED_SECONDS)


async def _take_over(tools: Tools) -> None:
    async with tools.database.watching() as watch:
        lost = await run_watch.lost(watch)
    for account_id, run_id, token in lost:
        taking = takeover.take_over(tools.database, account_id, run_id, token, tools.retry_attempts)
        [outcome] = await asyncio.gather(taking, return_exceptions=True)
        # One run that cannot be taken over keeps no other from it, and does not end the poller after every start.
        if isinstance(outcome, Failure):
            log.warning("run.not_taken_over", account_id=str(account_id), run_id=str(run_id), code=outcome.code)
            continue
        if isinstance(outcome, Exception):
            facts = {"account_id": str(account_id), "run_id": str(run_id), "code": InternalError.code}
            log.error("run.not_taken_over", **facts, exc_info=outcome)
            continue
        if isinstance(outcome, BaseException):
            raise outcome
        reach("sweep.taken_over")
        tools.metrics.swept.labels(outcome).inc()
        log.warning("run.taken_over", account_id=str(account_id), run_id=str(run_id), outcome=outcome)


async def _stop_holding(tools: Tools) -> None:
    """A run that has been retrying for as long as its goal waits lets the later ones go on, and people know."""
    async with tools.database.watching() as watch:
        held = await run_watch.held_too_long(watch)
    for account_id, run_id in held:
        async with tools.database.account(account_id) as tx:
            freed = await run_watch.stop_holding(tx, run_id)
            if freed is None:
                continue
            goal_id, connection_id = freed
            await ending.ring_next(tx, goal_id, run_id, "import")
            news = notifications.News(
                code="order_given_up",
                title="Later files are imported before one that still waits",
                detail="A run has been retrying for as long as its goal keeps the order of files.",
                what_to_do="See why the run waits. It goes on retrying, and is imported late when it succeeds.",
                connection_id=connection_id,
                goal_id=goal_id,
                run_id=run_id,
            )
            await notifications.raise_(tx, news)
        tools.metrics.swept.labels("order_given_up").inc()


async def _ring_unheard(tools: Tools) -> None:
    async with tools.database.watching() as watch:
        unheard = await run_watch.unheard(watch, _patience(tools))
    for account_id, run_id, kind in unheard:
        async with tools.database.account(account_id) as tx:
            await run_watch.mark_rung(tx, run_id)
            await outbox.ring_run(tx, run_id, kind)
            reach("sweep.ringing_run")
        tools.metrics.swept.labels("run_rung_again").inc()


async def _ring_unsettled(tools: Tools) -> None:
    async with tools.database.watching() as watch:
        unsettled = await arrivals.unsettled(watch, _patience(tools))
    for account_id, arrival_id in unsettled:
        async with tools.database.account(account_id) as tx:
            await outbox.put(tx, ArrivalEnded(**outbox.heading(tx), arrival_id=arrival_id))
            reach("sweep.ringing_arrival")
        tools.metrics.swept.labels("file_rung_again").inc()


async def _ring_unreturned(tools: Tools) -> None:
    async with tools.database.watching() as watch:
        unreturned = await returns.unreturned(watch, _patience(tools))
    for account_id, run_id in unreturned:
        async with tools.database.account(account_id) as tx:
            await outbox.put(tx, ReturnRequested(**outbox.heading(tx), run_id=run_id))
            reach("sweep.ringing_return")
        tools.metrics.swept.labels("return_rung_again").inc()


async def _ring_inquiries(tools: Tools) -> None:
    async with tools.database.watching() as watch:
        unheard = await inquiries.unheard(watch, _patience(tools), 500, of_one_account=20)
    for account_id, inquiry_id in unheard:
        async with tools.database.account(account_id) as tx:
            await outbox.put(tx, InquiryAsked(**outbox.heading(tx), inquiry_id=inquiry_id))
            reach("sweep.ringing_inquiry")
    given_up = await inquiries.give_up(tools.database)
    if given_up:
        tools.metrics.swept.labels("inquiry_given_up").inc(given_up)
        log.warning("inquiry.given_up", inquiries=given_up)


def _patience(tools: Tools) -> float:
    """A doorbell has so many seconds to be heard before it is rung again; then each further ring takes as long."""
    return tools.lease_seconds / 2
