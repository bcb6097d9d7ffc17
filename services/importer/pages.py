"""The fetched file as what it holds: members, their rows, and what the goal makes of its columns. Lives in a thread.

An archive's members are read as one file: one header, one chain of processors, records numbered on from member to
member. So duplicates are found across members, and a row is known by one number.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from services.importer.drift import explained, meant
from services.importer.first_row import with_first_row
from services.importer.mended import Mended
from services.importer.order import Order
from shared.domain.failures import EmptyFile, HeaderChanged
from shared.domain.goal import AnyImport
from shared.domain.receipt import MemberFacts
from shared.domain.trimmed import folded
from shared.formats.batch import Batch, RawRow, RowFetcher, TableReader
from shared.formats.reader import Reading, handed_back, prepare
from shared.formats.unpacking.budget import stricter
from shared.formats.unpacking.members import Member, Members, open_members
from shared.processing.chain import Chain
from shared.processing.file_columns import FileColumns
from shared.processing.map_all import Settled
from shared.processing.mapping import MappingPlan, names_lacking

_FURTHER = 1_000
Fetch = Callable[[Sequence[int]], Iterator[RawRow]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched file, and what opening it takes."""

    file: Path
    order: Order
    scratch: Path
    """A private directory for what does not fit into memory."""
    max_unpacked_bytes: int
    columns: tuple[str, ...] | None = None
    """Of JSON Lines, once they are known: one header for all members."""

    def members(self) -> AbstractContextManager[Members]:
        """The files that it holds."""
        how = self.order.goal.unpack
        return open_members(
            self.file,
            how,
            workspace=self.scratch,
            max_bytes=self.max_unpacked_bytes,
            passwords=self.order.bundle.passwords,
        )

    def reading(self, member: Member) -> Reading:
        """How one of them is read. Raises FileTypeChanged, EncodingChanged, AmbiguousEncoding, UndecodableFile."""
        goal = self.order.goal
        rejects = handed_back(
            member, goal.format, goal.dialect, workspace=self.scratch, max_bytes=self.max_unpacked_bytes
        )
        reading = rejects or prepare(
            member,
            goal.format,
            goal.dialect,
            workspace=self.scratch,
            max_bytes=stricter(self.max_unpacked_bytes, goal.unpack.max_unpacked_bytes),
            expected_encoding=goal.expected.encoding,
        )
        return replace(reading, columns=self.columns, max_ratio=goal.unpack.max_ratio)


@dataclass(slots=True)
class Pages:
    """An opened file that has a row, or at least a header."""

    fetched: Fetched
    readings: Sequence[tuple[Member, Reading]]
    """The members from the first on that has anything in it, and how each is read."""
    header: tuple[str, ...] | None
    columns: FileColumns
    after: FileColumns
    """The columns as the processors leave them."""
    settled: Settled
    """What the goal means for a file of these columns."""
    mended: Mended
    """Whose rejects the rows are that were read so far, if they are any."""
    had_password: bool
    """Whether anything in the archive is under a password."""
    facts: list[MemberFacts] = field(default_factory=list)
    """Of the members that were read so far."""
    _starts: list[int] = field(default_factory=list)
    """The first record of each member that was begun so far and has anything in it."""
    further: dict[str, None] = field(default_factory=dict)
    """Keys of JSON Lines that members have and the first one lacks, up to a thousand: they are no columns."""

    def batches(self) -> Iterator[Batch]:
        """All rows, from the first member to the last, with numbers that go on; fills `facts`."""
        self.facts, self._starts = [], []
        records = 0
        for member, reading in self.readings:
            with reading.rows() as reader:
                if reader.is_empty:
                    _demand_whole(member, self.fetched.order.goal)
                    continue
                self._demand_same(member, reader)
                reader.mapped = self._wanted
                reader.keeps_legible = bool(self.plan.naming)
                before, rejected = records, 0
                self._starts.append(before + 1)
                for batch in reader:
                    self.mended.see(batch.frame)
                    numbered = _moved(batch, before)
                    records = max(records, _last(numbered))
                    rejected += len(numbered.bad)
                    yield numbered
                new = (name for name in reader.unknown if name not in self.further)
                self.further.update(dict.fromkeys(list(islice(new, _FURTHER - len(self.further)))))
                name = member.name or ""
                self.facts.append(
                    MemberFacts(name=name, first_record=before + 1, rows_read=records - before, unreadable=rejected)
                )

    def chain(self) -> Chain:
        """The goal's processors for one reading of the file."""
        goal = self.fetched.order.goal
        return Chain.of(
            goal.processors, self.columns, goal.dialect, scratch=self.fetched.scratch, following=self.plan.naming
        )

    def member_of(self, record_number: int) -> int:
        """The place of a record's member in `facts`, of a record that was read."""
        return bisect_right(self._starts, record_number) - 1

    @property
    def plan(self) -> MappingPlan:
        """What to make of the columns."""
        return self.settled.plan

    @property
    def encodings(self) -> set[str]:
        """What was found out, where the goal lets it be found out."""
        return {reading.found.encoding for _, reading in self.readings if reading.found is not None}

    @property
    def is_archive(self) -> bool:
        """Whether the file holds files with names."""
        return self.readings[0][0].name is not None

    @property
    def _wanted(self) -> frozenset[int] | None:
        """The columns that somebody wants; processors may want any."""
        if self.fetched.order.goal.processors:
            return None
        return frozenset(column.position for column in self.plan.columns if column.position is not None)

    def _demand_same(self, member: Member, reader: TableReader) -> None:
        if _names(reader.header) != _names(self.header):
            raise HeaderChanged(
                f"The {member.number}th file of the archive has other columns, or has them in another order, than the "
                f"first: found {len(reader.header or ())}, expected the same {len(self.header or ())}."
            )


def _demand_whole(member: Member, goal: AnyImport) -> None:
    """Raise EmptyFile where a part of what should be everybody has not even a header: it was not written in full."""
    if member.name is not None and goal.judges_absent and not goal.allow_empty_file:
        raise EmptyFile(f"File {member.number} of the archive is empty, and together they should hold everybody.")


@contextmanager
def opened(fetched: Fetched) -> Iterator[Pages | None]:
    """Open a file; None where nothing is in it. Raises the failures of unpacking, reading, processors and mapping."""
    with fetched.members() as members:
        readings = [(member, fetched.reading(member)) for member in members]
        order, readings = with_first_row(fetched.order, readings)
        fetched = replace(fetched, order=order)
        for place, (member, reading) in enumerate(readings):
            try:
                with reading.rows() as reader:
                    if reader.is_empty:
                        _demand_whole(member, order.goal)
                        continue
                    header, width = reader.header, reader.width
                if reading.format == "jsonl" and header is not None:
                    header = (*header, *_later_keys(order, header, readings[place + 1 :]))
                    width = len(header)
                columns = FileColumns.of(header, width)
                after, meaning = meant(order, columns)
            except HeaderChanged as failure:
                raise explained(failure, reading, order) from failure
            # What keys the objects of one member have does not change the columns of the others.
            if order.goal.format == "jsonl" and header is not None:
                fetched = replace(fetched, columns=header)
                readings = [(member, replace(each, columns=header)) for member, each in readings]
            mended = Mended.of(columns, has_header=header is not None)
            yield Pages(
                fetched, readings[place:], header, columns, after, meaning, mended, had_password=members.had_password
            )
            return
        yield None


def _later_keys(order: Order, header: Sequence[str], later: Sequence[tuple[Member, Reading]]) -> tuple[str, ...]:
    """Keys that the goal reads, and that a later file of an archive has and the first one lacks.

    Such a file is read once more for them.
    """
    found: dict[str, None] = {}
    for _, reading in later:
        lacking = names_lacking(order.goal, order.properties, (*header, *found))
        if not lacking:
            break
        with reading.rows() as reader:
            found.update((name, None) for name in reader.header or () if folded(name) in lacking)
    return tuple(found)


@contextmanager
def fetching(fetched: Fetched, facts: Sequence[MemberFacts]) -> Iterator[Fetch]:
    """Open a file once more for rows that are asked for by number, ascending; `facts` are what was read before."""
    with ExitStack() as stack:
        members = stack.enter_context(fetched.members())
        by_name = {member.name or "": member for member in members}
        fetcher: RowFetcher | None = None
        present = -1
        reading = stack.enter_context(ExitStack())

        def fetch(record_numbers: Sequence[int]) -> Iterator[RawRow]:
            nonlocal fetcher, present
            for place, each in enumerate(facts):
                before = each.first_record - 1
                wanted = [number - before for number in record_numbers if 0 < number - before <= each.rows_read]
                if not wanted:
                    continue
                if fetcher is None or place != present:
                    reading.close()
                    fetcher = reading.enter_context(fetched.reading(by_name[each.name]).fetcher())
                    present = place
                for row in fetcher.rows(wanted):
                    yield row._replace(record_number=row.record_number + before)

        yield fetch


def _moved(batch: Batch, records: int) -> Batch:
    """The batch with its records numbered behind those of the members before."""
    if not records:
        return batch
    bad = tuple(reject.model_copy(update={"record_number": reject.record_number + records}) for reject in batch.bad)
    legible = batch.legible
    if legible is not None:
        legible = replace(legible, record_numbers=legible.record_numbers + records)
    return replace(batch, record_numbers=batch.record_numbers + records, bad=bad, legible=legible)


def _last(batch: Batch) -> int:
    good = int(batch.record_numbers[-1]) if batch.record_numbers.size else 0
    return max(good, batch.bad[-1].record_number if batch.bad else 0)


def _names(header: Sequence[str] | None) -> list[str] | None:
    return None if header is None else [folded(name) for name in header]
