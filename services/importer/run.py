"""The road of an import, on one page: every name below is a door to one file.

Killed before the commit: nothing shows, the run is claimed again and stages anew. Killed after it: the run is known
to be finished, and only the marking of the file is repeated.
"""

from collections import Counter
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from services.importer import guard
from services.importer.absent import hold_absent, let_absent_go
from services.importer.decode import decode
from services.importer.fetch import fetch
from services.importer.guard import OverGuard
from services.importer.ingest import Tally, stage
from services.importer.members_told import told_members
from services.importer.on_lists import hold_lists, put_on_lists
from services.importer.order import Order, read_order
from services.importer.pages import Fetched
from services.importer.recover import recovered
from services.importer.source import open_source
from services.importer.tools import Tools
from shared.domain.arrival import FileStamp
from shared.domain.failures import FileChanged
from shared.domain.goal import ImportEvents
from shared.domain.receipt import Counts
from shared.domain.run import Reason, RunState
from shared.observe.failpoints import reach
from shared.runtime.desk import Desk
from shared.runtime.visits import Visit, host_of
from shared.runtime.workspace import workspace
from shared.storage import arrivals, ending, exchanges, merge_profiles, properties, rejects, runs, staging, uploads
from shared.storage.database import Tx
from shared.storage.errors import TransactionConflict
from shared.storage.exchanges import Exchange
from shared.storage.merge import Merged, late_rejects, merge
from shared.storage.merge_events import merge_events
from shared.storage.run_connection import RunConnection, run_connection
from shared.storage.staging import Staged

log = structlog.get_logger()

KIND = "import"
MERGE_ATTEMPTS = 5


async def carry_out(desk: Desk, tools: Tools) -> None:
    """Bring one arrived file into the profiles, or leave them as they were."""
    order = await read_order(tools, desk.run)
    desk.connection = order.connection
    with workspace(tools.work_directory, desk.run) as workplace:
        file = workplace / "fetched"
        order = as_found(order, await bring(order, file, tools, desk), desk)
        reach("importer.fetched")
        if await is_put_off(order, tools, desk):
            return
        with desk.step("decrypt"):
            plain = await decode(file, order, tools, desk)
        reach("importer.decoded")
        fetched = Fetched(plain, order, workplace, tools.max_unpacked_bytes)
        async with run_connection(tools.database, desk.run) as connection:
            with desk.step("stage"):
                fetched, staged, tally = await stage(fetched, connection, tools, desk)
            with desk.step("merge"):
                if not await merge_and_finish(fetched, staged, tally, connection, tools, desk):
                    return
            reach("importer.committed")
            async with connection.transaction() as tx:
                await staging.drop_all_of(tx, desk.run.id)
            reach("importer.cleared")
        await ending.release(tools.database, desk.run)
        reach("importer.released")


async def bring(order: Order, file: Path, tools: Tools, desk: Desk) -> FileStamp:
    """Have the file in the workspace; from a partner's without keeping others from their places. The file as found."""
    host = host_of(order.place if order.one_shot is None else order.one_shot.place)
    away: AbstractAsyncContextManager[None] = nullcontext()
    if host is not None:
        away = desk.place.given_up(Visit(desk.run, host, order.file.size_bytes or 0))
    async with away:
        with desk.step("fetch"):
            async with open_source(order, tools, desk) as source:
                return await fetch(source, order, file, desk)


def as_found(order: Order, found: FileStamp, desk: Desk) -> Order:
    """The order of a one-shot import with the file that was found, and with what its request was told."""
    if order.one_shot is None:
        return order
    desk.warnings.extend(order.one_shot.told)
    return replace(order, file=found)


async def is_put_off(order: Order, tools: Tools, desk: Desk) -> bool:
    """Whether these very bytes were read before (`runs.has_read`), so that the run is skipped or waits for a person."""
    assert desk.file is not None
    assert desk.run.arrival_id is not None
    policy = order.goal.on_duplicate_content
    sha256 = desk.file.sha256 or ""
    may_be = not desk.run.is_approved and policy != "import"
    async with tools.database.account(desk.run.account_id) as tx:
        # By itself: who is at that path waits meanwhile.
        await _check_still_latest(tx, desk.run.arrival_id)
    async with tools.database.account(desk.run.account_id) as tx:
        await arrivals.set_sha256(tx, desk.run.arrival_id, sha256)
        if order.one_shot is not None:
            await arrivals.stamp(tx, desk.run.arrival_id, order.file)
        became = None
        if may_be and desk.run.replay:
            # Somebody asked for the same bytes again, but perhaps not for what adding or letting go again comes to.
            if policy == "ask" or order.goal.judges_absent:
                became = await _put_off(tx, "ask", _ASKED_AGAIN, desk)
        elif may_be and await runs.has_read(tx, desk.run, sha256):
            became = await _put_off(tx, policy, _ASKED, desk)
        elif may_be and order.goal.judges_absent and await runs.has_ever_read(tx, desk.run, sha256):
            became = await _put_off(tx, "ask", _ASKED_OF_OLD, desk)
    reach("importer.hashed")
    if became is None:
        return False
    tools.metrics.runs.labels(KIND, became.value).inc()
    log.info("run.put_off", outcome=became.value, code="duplicate_content")
    if became is RunState.SKIPPED:
        await ending.release(tools.database, desk.run)
    return True


async def _put_off(tx: Tx, policy: str, asked: Reason, desk: Desk) -> RunState:
    if policy == "ask":
        return await ending.put_aside_for_person(tx, desk.run, KIND, desk.receipt(RunState.WAITING, reason=asked))
    await ending.end(tx, desk.run, KIND, desk.receipt(RunState.SKIPPED, reason=_SKIPPED))
    return RunState.SKIPPED


async def _check_still_latest(tx: Tx, arrival_id: UUID) -> None:
    """Raises FileChanged where an upload took the file's name while it was fetched: the bytes may be the later one's.

    Its size may be the same, and the time of an upload is its client's to set. An upload is told before the first
    byte of the old file is touched, so who is still the latest after the fetch was read. A file that is renamed has its
    name before it is told, and holds the path until then.
    """
    await uploads.hold_of_arrival(tx, arrival_id)
    arrival = await arrivals.get(tx, arrival_id)
    if arrival is None or not arrival["is_latest_upload"]:
        raise FileChanged("A later upload took its name while it was read.")


async def merge_and_finish(
    fetched: Fetched, staged: Staged, tally: Tally, connection: RunConnection, tools: Tools, desk: Desk
) -> bool:
    """One transaction: the rows into the profiles, the news into the outbox, the run to its end. All or nothing.

    Whether it came to that; else a person is asked first. Repeated from its start where another transaction was in
    the way. Raises LeaseLost where another worker is.
    """
    order = fetched.order
    new_choices = sum(map(len, tally.new_choices.values()))
    if new_choices:
        desk.warn("choices_added", f"{new_choices} words of the file became choices of their properties.")
    if order.is_late:
        desk.warn("imported_late", "A later file of this goal had been imported before this one.")
    for attempt in range(1, MERGE_ATTEMPTS + 1):
        try:
            async with connection.transaction() as tx:
                held = await hold_lists(tx, order.goal)
                await hold_absent(tx, order, held)
                merged = await _merge(tx, order, staged, tally, desk)
                reach("importer.merged")
                _warn_of_parts(merged, desk)
                counts = _counts(tally, merged)
                members = told_members(desk.file, tally, merged, counts)
                absent = await let_absent_go(tx, order, held, staged, tally, desk)
                guard.check(order.goal, desk.run, counts, absent)
                await _keep_rejects(tx, fetched, staged, tally, merged, desk)
                values_rejected = await rejects.settle_values(tx, desk.run) if tally.has_value_rejects else {}
                await _add_choices(tx, tally)
                listed = await put_on_lists(tx, order, held, staged, desk.run)
                reach("importer.listed")
                told = {"values_rejected_by_code": values_rejected, "lists": listed, "absent": absent}
                await _finish(tx, counts, staged, desk, mends=tally.mends, members=members, **told)
            break
        except OverGuard as over:
            await guard.ask(over, members, KIND, connection, tools, desk)
            return False
        except TransactionConflict as conflict:
            log.warning("merge.repeated", attempt=attempt, detail=conflict.detail)
            if attempt == MERGE_ATTEMPTS:
                raise
    _measure(counts, values_rejected, tools, desk)
    return True


async def _merge(tx: Tx, order: Order, staged: Staged, tally: Tally, desk: Desk) -> Merged:
    """The staged rows into what they are about: profiles, or events of profiles."""
    goal, known = order.goal, order.properties
    if isinstance(goal, ImportEvents):
        rejected = tally.rejects_by_code.total()
        return await merge_events(tx, desk.run, staged, goal, known, order.domain_group, rejected)
    heard_at = min(order.file.modified_at, desk.run.started_at)
    return await merge(tx, desk.run, staged, goal, known, order.domain_group, heard_at=heard_at)


def _warn_of_parts(merged: Merged, desk: Desk) -> None:
    if merged.nameless_rejects and all(each.code != "events_may_lack_items" for each in desk.warnings):
        desk.warn(
            "events_may_lack_items",
            f"{merged.nameless_rejects} rejected rows do not tell of which event they are; it may lack their items.",
            "Mend the rows, and drop them with the other rows of their events.",
        )


async def _add_choices(tx: Tx, tally: Tally) -> None:
    # In one order, so that two runs do not wait for each other.
    for name, words in sorted(tally.new_choices.items()):
        await properties.add_choices(tx, name, list(words))


async def _keep_rejects(tx: Tx, fetched: Fetched, staged: Staged, tally: Tally, merged: Merged, desk: Desk) -> None:
    if merged.late_rejects_by_code:
        late = late_rejects(tx, staged)
        parts = recovered(fetched, tally.members, late)
        async with aclosing(late), aclosing(parts):
            async for part in parts:
                await rejects.add(tx, desk.run, part)


async def _finish(tx: Tx, counts: Counts, staged: Staged, desk: Desk, **more: Any) -> None:
    state = RunState.COMPLETED_WITH_REJECTS if counts.rejected else RunState.COMPLETED
    await rejects.drop_other_tokens(tx, desk.run)
    assert desk.file is not None
    exchange = Exchange(files=1, rows=counts.rows_read, size_bytes=desk.file.size_bytes)
    await exchanges.add(tx, desk.run.connection_id, KIND, exchange, merge_profiles.exchanged(staged))
    receipt = desk.receipt(state, counts=counts, **more)
    await ending.end(tx, desk.run, KIND, receipt)
    reach("importer.finishing")


def _counts(tally: Tally, merged: Merged) -> Counts:
    skipped = tally.skipped_by_reason + Counter(merged.skipped_by_reason)
    by_code = tally.rejects_by_code.copy()
    by_code.update(merged.late_rejects_by_code)
    return Counts(
        opt_outs_of_rejects=merged.opt_outs_of_rejects,
        opt_ins_withheld=dict(sorted(merged.opt_ins_withheld.items())),
        rows_read=tally.rows_read,
        created=merged.created,
        updated=merged.updated,
        unchanged=merged.unchanged,
        skipped=skipped.total(),
        rejected=by_code.total(),
        profiles_affected=merged.profiles_affected,
        events_affected=merged.events_affected,
        items_affected=merged.items_affected,
        suppressed=merged.suppressed,
        skipped_by_reason=dict(sorted(skipped.items())),
        rejects_by_code=dict(sorted(by_code.items())),
        rows_by_path={"fast": tally.rows_by_path["fast"], "exact": tally.rows_by_path["exact"]},
    )


def _measure(counts: Counts, values_rejected: dict[str, int], tools: Tools, desk: Desk) -> None:
    for outcome in ("created", "updated", "unchanged", "skipped", "rejected"):
        tools.metrics.rows.labels(outcome).inc(getattr(counts, outcome))
    for code, rows in counts.rejects_by_code.items():
        tools.metrics.rejects.labels(code).inc(rows)
    for code, values in values_rejected.items():
        tools.metrics.value_rejects.labels(code).inc(values)
    for suppression, profiles in counts.opt_ins_withheld.items():
        tools.metrics.opt_ins_withheld.labels(suppression).inc(profiles)
    for path, rows in counts.rows_by_path.items():
        tools.metrics.rows_by_path.labels(path).inc(rows)
    state = RunState.COMPLETED_WITH_REJECTS if counts.rejected else RunState.COMPLETED
    tools.metrics.runs.labels(KIND, state.value).inc()
    waited = datetime.now(UTC) - desk.run.queued_at
    tools.metrics.arrival_to_commit_seconds.observe(waited.total_seconds())
    log.info("run.ended", state=state.value, rows_read=counts.rows_read, rows_rejected=counts.rejected)


_SKIPPED = Reason(
    code="duplicate_content",
    detail="The file's bytes are those that a run of the goal has imported.",
    what_to_do="Nothing, if that was meant; set duplicate_content to import if every file shall be taken.",
)
_ASKED_OF_OLD = Reason(
    code="duplicate_content",
    detail="The file's bytes are those of an earlier full file; who came with later ones would count as absent.",
    what_to_do="POST /v1/runs/{id}/approve imports the file; POST /v1/runs/{id}/cancel does not.",
)
_ASKED_AGAIN = Reason(
    code="duplicate_content",
    detail="The file is run again on request, and importing it again adds more, or lets people go again.",
    what_to_do="POST /v1/runs/{id}/approve imports the file again; POST /v1/runs/{id}/cancel does not.",
)
_ASKED = Reason(
    code="duplicate_content",
    detail="The file's bytes are those that a run of the goal has imported, and importing them again adds more.",
    what_to_do="POST /v1/runs/{id}/approve imports the file again; POST /v1/runs/{id}/cancel does not.",
)
