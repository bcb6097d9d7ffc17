"""Write down what a look found: arrivals, their runs and the news of them, in one transaction of the connection."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from services.poller.companions import Beside
from services.poller.held import held, shut
from services.poller.listing import Listed
from services.poller.put_away import leave_out
from services.poller.spot import Look, Seen, Spotted, spot
from shared.domain.goal import AnyImport
from shared.domain.names import quoted
from shared.domain.watched import places_apart
from shared.observe import tracing
from shared.observe.failpoints import reach
from shared.storage import arrivals, companions, connections, expectations, goals, notifications, outbox, runs, turns
from shared.storage.arrivals import Explained, Known, Sighting
from shared.storage.database import Tx

Item = TypeVar("Item")

AT_ONCE = 2_000
"""How many files one statement writes."""
_LEFT_OVER_FOR = timedelta(hours=1)
"""So long a turn waits for what is to be read yet. Looks come every few seconds then, and read 200 each."""
_TOLD_TOGETHER = 10
"""Files that one notification names."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What watches a connection's place: import goals that are switched on, in their order; and where files are put
    away by any goal."""

    goals: Mapping[UUID, AnyImport]
    apart: frozenset[str]


class Recorded(NamedTuple):
    """How many files by what became of them; and goals that take files of which it is to be read yet whether they are
    complete."""

    outcomes: Counter[str]
    left_over: AbstractSet[UUID]


async def record(
    tx: Tx, connection_id: UUID, seen: Sequence[Seen], began_at: datetime, beside: Beside | None = None
) -> Recorded:
    """Compare what was seen with the ledger and write the difference; what came of it.

    What was not seen is not judged: see `conclude`.
    """
    await arrivals.lock_connection(tx, connection_id)
    known = await arrivals.present(tx, connection_id, began_at, [each.file.path for each in seen])
    watched = await imports_of(tx, connection_id)
    settings = (await connections.get(tx, connection_id)).settings
    ended_at = await arrivals.clock(tx)
    waiting = await held(tx, connection_id, settings, watched.goals, ended_at)
    look = Look(began_at, ended_at, watched.apart, waiting, beside or Beside())
    # Comparing thousands of names takes a moment: the loop goes on meanwhile, and the lease of this look is kept.
    found = await asyncio.to_thread(spot, seen, known, watched.goals, look)
    await leave_out(tx, connection_id, found)
    await _write(tx, connection_id, found, watched.goals)
    if found.new or found.grown or found.complete or found.explained:
        await expectations.hasten(tx, [each for each, goal in watched.goals.items() if goal.expect is not None])
    outcomes = _outcomes(found)
    if outcomes.total():
        reach("poller.recorded")
    return Recorded(outcomes, found.left_over)


async def conclude(
    tx: Tx,
    connection_id: UUID,
    began_at: datetime,
    listed: Listed,
    is_missing: Callable[[str], bool],
    is_cut: Callable[[AnyImport], bool],
    left_over: Collection[UUID],
) -> Counter[str]:
    """All that a look saw is written down: what it did not see has vanished, and goals that were due have had their
    turn where their directories were listed and the look left over none of their files; at the latest when it has left
    some over for an hour, in which all were read. A file that came during the look is left to the next. A round does
    not stand still behind a goal whose directory cannot be listed."""
    await arrivals.lock_connection(tx, connection_id)
    gone = [arrival_id async for arrival_id, path in arrivals.lying(tx, connection_id, began_at) if is_missing(path)]
    for several in _batches(gone):
        await arrivals.vanish(tx, several)
    watched = await imports_of(tx, connection_id)
    settings = (await connections.get(tx, connection_id)).settings
    # What began or ended during the look counts as well: in it files may have waited.
    moments = (began_at, await arrivals.clock(tx))
    open_ones = {
        each: goal.source.directory
        for each, goal in watched.goals.items()
        if not any(shut(settings, goal, at) for at in moments)
    }
    looked_for = [
        each
        for each, directory in open_ones.items()
        if directory in listed.listings and not is_cut(watched.goals[each])
    ]
    had_their_turn = [each for each in looked_for if each not in left_over]
    in_vain = [each for each, directory in open_ones.items() if directory in listed.barred]
    await turns.looked(tx, had_their_turn, began_at, in_vain=in_vain)
    await turns.looked(tx, [each for each in looked_for if each in left_over], began_at - _LEFT_OVER_FOR)
    return Counter(vanished=len(gone))


async def imports_of(tx: Tx, connection_id: UUID) -> Watched:
    """The connection's import goals."""
    stored = await goals.of_connection(tx, connection_id)
    active = {each.id: each.goal for each in stored if isinstance(each.goal, AnyImport) and each.goal.active}
    return Watched(active, places_apart(each.goal for each in stored))


async def _write(tx: Tx, connection_id: UUID, found: Spotted, watching: Mapping[UUID, AnyImport]) -> None:
    if found.vanished:
        await arrivals.vanish(tx, found.vanished)
    for several in _batches(found.new):
        sightings = [Sighting(new.seen.file, new.explained, new.seen.upload_id) for new in several]
        made = await arrivals.insert(tx, connection_id, sightings)
        # None: a doorbell that was rung twice, after the file had been imported and marked.
        complete = [(made_id, new) for made_id, new in zip(made, several, strict=True) if made_id is not None]
        # One that waits for its goal's time is proved when it is taken: until then its manifest names it still.
        taken = {new.seen.file.path: made_id for made_id, new in complete if new.goals}
        await _prove(tx, connection_id, taken, found)
        await _make_runs(tx, [(arrival_id, new.seen, new.goals) for arrival_id, new in complete], watching)
    for changed in _batches(found.grown):
        grown = {known.id: Sighting(seen.file, explained, seen.upload_id) for known, seen, explained in changed}
        await arrivals.restamp(tx, grown)
    for waiting in _batches(found.explained):
        await arrivals.explain(tx, {known.id: explained for known, explained in waiting})
    if found.uploaded:
        await arrivals.tell_uploads(tx, {known.id: upload_id for known, upload_id in found.uploaded})
    for ready in _batches(found.complete):
        await arrivals.accept(tx, [known.id for known, _, _ in ready])
        await _prove(tx, connection_id, {known.file.path: known.id for known, _, _ in ready}, found)
        await _make_runs(tx, [(known.id, seen, takers) for known, seen, takers in ready], watching)
    await _tell_overdue(tx, connection_id, found.overdue)


async def _prove(tx: Tx, connection_id: UUID, arrival_ids: Mapping[str, UUID], found: Spotted) -> None:
    """Note what said of these files, by their paths, that they are complete."""
    proofs = {arrival_ids[path]: proof for path, proof in found.proofs.items() if path in arrival_ids}
    await arrivals.expect(tx, {each: proof.sha256 for each, proof in proofs.items() if proof.sha256})
    await companions.add(tx, connection_id, {each: proof.companions for each, proof in proofs.items()})


async def _tell_overdue(tx: Tx, connection_id: UUID, overdue: Sequence[tuple[Known, Explained]]) -> None:
    """Tell of files that are not complete in time: all of a look together, and each once."""
    if not overdue:
        return
    await arrivals.set_overdue(tx, [known.id for known, _ in overdue])
    lines = [f"{quoted(known.file.path)}: {explained.detail}" for known, explained in overdue[:_TOLD_TOGETHER]]
    more = len(overdue) - len(lines)
    news = notifications.News(
        code="file_not_ready",
        title="A file is not complete in time"
        if len(overdue) == 1
        else f"{len(overdue)} files are not complete in time",
        detail="\n".join([*lines, f"... and {more} more."] if more else lines),
        what_to_do="Ask the sender. The file is taken as soon as it is complete; /v1/arrivals says what it waits for.",
        connection_id=connection_id,
    )
    await notifications.raise_(tx, news)


def _batches(found: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (found[begin : begin + AT_ONCE] for begin in range(0, len(found), AT_ONCE))


async def _make_runs(
    tx: Tx, ready: Sequence[tuple[UUID, Seen, Sequence[UUID]]], watching: Mapping[UUID, AnyImport]
) -> None:
    """A run for every file and every goal that takes it, and a doorbell for each run; a trace begins with its file."""
    news = []
    for arrival_id, seen, takers in ready:
        if not takers:
            continue
        facts = {"account_id": str(tx.account_id), "arrival_id": str(arrival_id)}
        with tracing.span("arrival", kind="sends", **facts):
            trace = tracing.traceparent()
        file = seen.file
        news += [
            runs.NewRun(
                "import",
                goal_id,
                runs.BY_NAME_AT if watching[goal_id].source.order == "name" else file.modified_at,
                file.path,
                arrival_id=arrival_id,
                traceparent=trace,
            )
            for goal_id in takers
        ]
    made = await runs.create_all(tx, news)
    rung = [(run_id, new.traceparent) for run_id, new in zip(made, news, strict=True) if run_id is not None]
    await outbox.ring_runs(tx, "import", rung)


def _outcomes(found: Spotted) -> Counter[str]:
    counted: Counter[str] = Counter(new.explained.state.value for new in found.new)
    counted["accepted"] += len(found.complete)
    counted["restarted"] += len(found.grown)
    counted["vanished"] += len(found.vanished)
    return counted
