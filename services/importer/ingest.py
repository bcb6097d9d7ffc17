"""From the fetched file to staged rows: unpack, parse, map and stage, joined in a line and bounded in memory.

A thread reads and types the next slice while the last one is copied. Rows that are unfit go to the rejects as they
are met; the file goes on.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.importer.order import Order
from services.importer.tools import Tools
from shared.domain.failures import EmptyFile, NoUsableRows, TooManyChoices
from shared.domain.property import MAX_CHOICES
from shared.domain.reject import READING_CODES, Reject, ValueReject
from shared.formats.csv_reader import CsvReader, open_text
from shared.observe.failpoints import reach
from shared.processing.mapping import MappingPlan, plan_of
from shared.processing.repeats import Repeats
from shared.processing.typing import apply, staging_csv
from shared.runtime.desk import Desk
from shared.storage import rejects, staging
from shared.storage.run_connection import RunConnection
from shared.storage.staging import Staged


@dataclass(slots=True)
class Tally:
    """What reading a file came to."""

    rows_staged: int = 0
    rejects_by_code: Counter[str] = field(default_factory=Counter)
    rows_by_path: Counter[str] = field(default_factory=Counter)
    has_value_rejects: bool = False
    new_choices: dict[str, dict[str, None]] = field(default_factory=dict)
    """Words that become choices with the merge, by property, in the order in which they came."""

    @property
    def rows_read(self) -> int:
        """Rows of the file, good and bad."""
        return self.rows_staged + self.rejects_by_code.total()


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice of the file, typed."""

    csv: bytes
    rows: int
    rejects: tuple[Reject, ...]
    path: str
    value_rejects: tuple[ValueReject, ...]
    new_choices: Mapping[str, Sequence[str]]


async def stage(file: Path, order: Order, connection: RunConnection, tools: Tools, desk: Desk) -> tuple[Staged, Tally]:
    """Stage the file's rows under the run's token. Raises the file's failures; nothing of a profile is touched."""
    tally = Tally()
    async with connection.transaction() as tx:
        await staging.drop_all_of(tx, desk.run.id)
        staged = await staging.create(tx, desk.run, order.goal, order.properties)
        reach("importer.creating")
    reach("importer.created")
    loop = asyncio.get_running_loop()
    # One thread reads the file from its first byte to its last: the memory allocator keeps what a thread gives back
    # for that thread, and slices read by whichever is free take half as much again.
    with ExitStack() as stack, ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as thread:
        opening = loop.run_in_executor(thread, _open, file, order, tools.max_unpacked_bytes, stack)
        try:
            reader = await asyncio.shield(opening)
        finally:
            # Here and not at the end of the block, where waiting for the thread would stop the whole process: a
            # hostile file may have its first record behind gigabytes of blank lines.
            await asyncio.wait([opening])
        if reader.is_empty and not order.goal.allow_empty_file:
            raise EmptyFile("Found blank lines at most.")
        if not reader.is_empty:
            plan = plan_of(order.goal, order.properties, reader.header, reader.width)
            _note_columns(reader, desk)
            _warn_of_columns(plan, desk)
            repeats = Repeats()
            slices = _slices(reader, plan, staged, repeats)
            copied = _copied(slices, thread, tally, tools, desk)
            tally.rows_staged = await staging.load(connection.raw, staged, copied)
            staged = replace(staged, may_repeat=await loop.run_in_executor(thread, repeats.may_be))
    _judge(tally, desk)
    reach("importer.staged")
    async with connection.transaction() as tx:
        await staging.analyze(tx, staged)
    reach("importer.analyzed")
    return staged, tally


def _open(file: Path, order: Order, max_bytes: int, stack: ExitStack) -> CsvReader:
    source = stack.enter_context(
        open_text(file, order.goal.dialect, compression=order.goal.unpack.compression, max_bytes=max_bytes)
    )
    return CsvReader(source, order.goal.dialect)


def _note_columns(reader: CsvReader, desk: Desk) -> None:
    assert desk.file is not None
    desk.file = desk.file.model_copy(update={"columns": reader.header or ()})


def _warn_of_columns(plan: MappingPlan, desk: Desk) -> None:
    if plan.renamed:
        desk.warn(
            "columns_renamed",
            f"{plan.renamed} columns of the file go by a label or an alias of their property, not by the goal's name.",
            "Nothing, if that was meant; otherwise take the alias off the property.",
        )
    if plan.ignored:
        desk.warn(
            "columns_ignored",
            f"{len(plan.ignored)} columns of the file are not mapped and were ignored.",
            "Map them in the goal if their values are wanted.",
        )


def _slices(reader: CsvReader, plan: MappingPlan, staged: Staged, repeats: Repeats) -> Iterator[Slice]:
    for batch in reader:
        typed = apply(batch.frame, batch.record_numbers, batch.line_numbers, plan)
        good = typed.good.select(staged.columns)
        repeats.watch(good[staged.layout.keys[0].name])
        yield Slice(
            csv=staging_csv(good) if good.height else b"",
            rows=good.height,
            rejects=(*batch.bad, *typed.rejects),
            path=batch.path,
            value_rejects=typed.value_rejects,
            new_choices=typed.new_choices,
        )


async def _copied(
    slices: Iterator[Slice], thread: ThreadPoolExecutor, tally: Tally, tools: Tools, desk: Desk
) -> AsyncIterator[bytes]:
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
    tally.rows_by_path[each.path] += each.rows + len(each.rejects)
    tally.rejects_by_code.update(reject.code.value for reject in each.rejects)
    desk.advance(rows=each.rows + len(each.rejects))
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
    if tally.rows_read == 0:
        desk.warn("no_rows", "The file has no rows.", "Nothing, if that was meant.")
    elif tally.rows_staged == 0 and READING_CODES.issuperset(tally.rejects_by_code):
        found = ", ".join(f"{code} {count}" for code, count in sorted(tally.rejects_by_code.items()))
        raise NoUsableRows(f"Found only rows that cannot be read: {found}.")
