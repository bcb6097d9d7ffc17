"""From the fetched file to staged rows: unpack, parse, map and stage, joined in a line and bounded in memory.

A thread reads and types the next slice while the last one is copied. Rows that are unfit go to the rejects as they
are met; the file goes on.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.importer.columns_told import note_columns, note_further
from services.importer.mended import parent_of
from services.importer.named_rejects import NamedRejects
from services.importer.new_properties import make_properties
from services.importer.order import Order
from services.importer.pages import Fetched, Pages, opened
from services.importer.slices import Slice, slices
from services.importer.tools import Tools
from shared.domain.failures import EmptyFile, NoUsableRows, TooManyChoices
from shared.domain.property import MAX_CHOICES
from shared.domain.receipt import MemberFacts
from shared.domain.reject import READING_CODES
from shared.observe.failpoints import reach
from shared.processing.repeats import Repeats
from shared.runtime.desk import Desk
from shared.storage import rejects, staging
from shared.storage.run_connection import RunConnection
from shared.storage.staging import Staged


@dataclass(slots=True)
class Tally:
    """What reading a file came to."""

    rows_staged: int = 0
    rejects_by_code: Counter[str] = field(default_factory=Counter)
    skipped_by_reason: Counter[str] = field(default_factory=Counter)
    """Rows that processors left out."""
    rejects_by_member: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    skipped_by_member: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """The same by the member's place, where an archive has several."""
    rows_by_path: Counter[str] = field(default_factory=Counter)
    has_value_rejects: bool = False
    skipped_times: int = 0
    repeated_times: int = 0
    members: tuple[MemberFacts, ...] = ()
    """The files that were read: one, where the file was no archive."""
    is_mending: bool = False
    """Whether the file hands rejects of an earlier run back, so that it is no full file of anything."""
    mends: UUID | None = None
    """That run, where it is certain."""
    new_choices: dict[str, dict[str, None]] = field(default_factory=dict)
    """Words that become choices with the merge, by property, in the order in which they came."""

    @property
    def rows_read(self) -> int:
        """Rows of the file, good and bad."""
        return self.rows_staged + self.rejects_by_code.total() + self.skipped_by_reason.total()


async def stage(fetched: Fetched, connection: RunConnection, tools: Tools, desk: Desk) -> tuple[Fetched, Staged, Tally]:
    """Stage the file's rows under the run's token. Raises the file's failures; nothing of a profile is touched.

    What was fetched comes back with the goal and the columns as they go for this file.
    """
    tally, order = Tally(), fetched.order
    loop = asyncio.get_running_loop()
    # One thread reads the file from its first byte to its last: the memory allocator keeps what a thread gives back
    # for that thread, and slices read by whichever is free take half as much again.
    with ExitStack() as stack, ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as thread:
        opening = loop.run_in_executor(thread, stack.enter_context, opened(fetched))
        try:
            pages = await asyncio.shield(opening)
        finally:
            # Here and not at the end of the block, where waiting for the thread would stop the whole process: a
            # hostile file may have its first record behind gigabytes of blank lines.
            await asyncio.wait([opening])
        if pages is None and not order.goal.allow_empty_file:
            raise EmptyFile("Found blank lines at most.")
        if pages is not None:
            known = await make_properties(pages, connection, desk)
            note_columns(pages, desk)
            fetched, order = pages.fetched, replace(order, goal=pages.settled.goal, properties=known)
        staged = await _table(order, connection, desk)
        if pages is not None:
            repeats, named = Repeats(), NamedRejects(fetched.scratch / "named_rejects")
            read = slices(pages, staged, repeats, named)
            # Closed here where the copy breaks, and not by whoever collects garbage: it waits for the thread.
            async with aclosing(_copied(read, thread, tally, tools, desk)) as copied:
                tally.rows_staged = await staging.load(connection.raw, staged, copied)
            tally.is_mending = pages.mended.is_mending
            tally.mends = await parent_of(pages.mended, is_idempotent=order.goal.is_idempotent, tools=tools, desk=desk)
            tally.members = tuple(pages.facts)
            _note_members(pages, desk)
            if staged.names_rejects and named.named:
                await staging.load_named(connection.raw, staged, named.file)
            may_repeat = await loop.run_in_executor(thread, repeats.may_be)
            starts = tuple(each.first_record for each in tally.members)
            staged = replace(
                staged,
                may_repeat=may_repeat,
                nameless_rejects=named.nameless,
                member_starts=starts if len(starts) > 1 else (),
            )
    _judge(tally, desk)
    reach("importer.staged")
    async with connection.transaction() as tx:
        await staging.analyze(tx, staged)
    reach("importer.analyzed")
    return replace(fetched, order=order), staged, tally


async def _table(order: Order, connection: RunConnection, desk: Desk) -> Staged:
    async with connection.transaction() as tx:
        await staging.drop_all_of(tx, desk.run.id)
        staged = await staging.create(tx, desk.run, order.goal, order.properties)
        reach("importer.creating")
    reach("importer.created")
    return staged


def _note_members(pages: Pages, desk: Desk) -> None:
    """What was read, once it was read to its end."""
    note_further(pages, desk)
    assert desk.file is not None
    desk.file = desk.file.model_copy(
        update={
            "encoding": ", ".join(sorted(pages.encodings)) or None,
            "members": tuple(pages.facts) if pages.is_archive else (),
            "had_password": pages.had_password,
        }
    )


async def _copied(
    slices: Iterator[Slice], thread: ThreadPoolExecutor, tally: Tally, tools: Tools, desk: Desk
) -> AsyncGenerator[bytes, None]:
    """The slices' CSV; while one is copied the next one is read and typed."""
    loop = asyncio.get_running_loop()
    following = loop.run_in_executor(thread, next, slices, None)
    try:
        # Shielded: whoever is cancelled waits below until the thread has let go of the file.
        while (each := await asyncio.shield(following)) is not None:
            following = loop.run_in_executor(thread, next, slices, None)
            await _note(each, tally, tools, desk)
            if each.csv:
                yield each.csv
                reach("importer.copying")
    finally:
        await asyncio.wait([following])


async def _note(each: Slice, tally: Tally, tools: Tools, desk: Desk) -> None:
    tally.rows_by_path.update(each.rows_by_path)
    tally.skipped_by_reason.update(each.skipped)
    tally.rejects_by_code.update(reject.code.value for reject in each.rejects)
    for (member, code), rows in each.rejects_by_member.items():
        tally.rejects_by_member[member][code] += rows
    for (member, reason), rows in each.skipped_by_member.items():
        tally.skipped_by_member[member][reason] += rows
    desk.advance(rows=each.rows + len(each.rejects) + each.skipped.total())
    tally.skipped_times += each.skipped_times
    tally.repeated_times += each.repeated_times
    for note in each.notes:
        desk.warn("dates_found_out", note)
    _note_choices(each, tally)
    if each.rejects or each.value_rejects:
        tally.has_value_rejects = tally.has_value_rejects or bool(each.value_rejects)
        async with tools.database.account(desk.run.account_id) as tx:
            await rejects.add(tx, desk.run, each.rejects)
            await rejects.add_values(tx, desk.run, each.value_rejects)
        reach("importer.rejected")


def _note_choices(each: Slice, tally: Tally) -> None:
    """Keep words until the merge makes them choices. Raises TooManyChoices: then a column was mapped by mistake."""
    for name, words in each.new_choices.items():
        known = tally.new_choices.setdefault(name, {})
        known.update(dict.fromkeys(words))
        if len(known) > MAX_CHOICES:
            raise TooManyChoices(f"Found more than {MAX_CHOICES} new ones for the property {name!r}.")


def _judge(tally: Tally, desk: Desk) -> None:
    _warn_of_times(tally, desk)
    if tally.rows_read == 0:
        desk.warn("no_rows", "The file has no rows.", "Nothing, if that was meant.")
    elif tally.rejects_by_code.total() == tally.rows_read and READING_CODES.issuperset(tally.rejects_by_code):
        found = ", ".join(f"{code} {count}" for code, count in sorted(tally.rejects_by_code.items()))
        raise NoUsableRows(f"Found only rows that cannot be read: {found}.")


def _warn_of_times(tally: Tally, desk: Desk) -> None:
    if tally.skipped_times or tally.repeated_times:
        desk.warn(
            "clock_changes",
            f"{tally.skipped_times} local times were skipped by the clocks and moved forward, "
            f"{tally.repeated_times} came twice and were read as the earlier.",
            "Have the sender write the offset from UTC, if that matters.",
        )
