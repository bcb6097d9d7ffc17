"""The fetched file as what it holds: members, their rows, and what the goal makes of its columns. Lives in a thread.

An archive's members are read as one file: one header, one chain of processors, records numbered on from member to
member. So duplicates are found across members, and a row is known by one number.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.importer.order import Order
from shared.domain.dialect import AUTO, Dialect
from shared.domain.failures import HeaderChanged
from shared.domain.receipt import MemberFacts
from shared.domain.trimmed import folded
from shared.formats import encoding
from shared.formats.batch import Batch, RawRow
from shared.formats.csv_reader import CsvReader, RecordFetcher
from shared.formats.encoding import FoundEncoding
from shared.formats.text import as_utf8
from shared.formats.unpacking.members import Member, Members, open_members
from shared.processing.chain import Chain
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import MappingPlan, plan_of


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched file, and what opening it takes."""

    file: Path
    order: Order
    scratch: Path
    """A private directory for what does not fit into memory."""
    max_unpacked_bytes: int

    def members(self) -> AbstractContextManager[Members]:
        """The files that it holds."""
        how = self.order.goal.unpack
        return open_members(self.file, how, workspace=self.scratch, max_bytes=self.max_unpacked_bytes)


@dataclass(slots=True)
class Pages:
    """An opened file that has a row, or at least a header."""

    order: Order
    members: Members
    first: int
    """The first member with anything in it."""
    header: tuple[str, ...] | None
    chain: Chain
    plan: MappingPlan
    encodings: dict[int, FoundEncoding]
    """What was found out, by member, where the goal lets it be found out."""
    facts: list[MemberFacts] = field(default_factory=list)
    """Of the members that were read so far."""

    def batches(self) -> Iterator[Batch]:
        """All rows, from the first member to the last, with numbers that go on; fills `facts`."""
        self.facts = []
        records = 0
        for member in self.members[self.first :]:
            with _reader(member, self.order.goal.dialect, self.encodings) as reader:
                if reader.is_empty:
                    continue
                self._demand_same(member, reader)
                before, rejected = records, 0
                for batch in reader:
                    numbered = _moved(batch, before)
                    records = max(records, _last(numbered))
                    rejected += len(numbered.bad)
                    yield numbered
                name = member.name or ""
                self.facts.append(
                    MemberFacts(name=name, first_record=before + 1, rows_read=records - before, unreadable=rejected)
                )

    def _demand_same(self, member: Member, reader: CsvReader) -> None:
        if _names(reader.header) != _names(self.header):
            raise HeaderChanged(
                f"The {member.number}th file of the archive has other columns, or has them in another order, than the "
                f"first: found {len(reader.header or ())}, expected the same {len(self.header or ())}."
            )


@contextmanager
def opened(fetched: Fetched) -> Iterator[Pages | None]:
    """Open a file; None where nothing is in it. Raises the failures of unpacking, reading, processors and mapping."""
    order = fetched.order
    with ExitStack() as stack:
        members = stack.enter_context(fetched.members())
        encodings: dict[int, FoundEncoding] = {}
        for place, member in enumerate(members):
            with _reader(member, order.goal.dialect, encodings) as reader:
                if reader.is_empty:
                    continue
                header, columns = reader.header, FileColumns.of(reader.header, reader.width)
            goal = order.goal
            chain = stack.enter_context(Chain.of(goal.processors, columns, goal.dialect, scratch=fetched.scratch))
            plan = plan_of(goal, order.properties, chain.columns)
            yield Pages(order, members, place, header, chain, plan, encodings)
            return
        yield None


@contextmanager
def fetching(fetched: Fetched, facts: Sequence[MemberFacts]) -> Iterator[Callable[[Sequence[int]], Iterator[RawRow]]]:
    """Open a file once more for rows that are asked for by number, ascending; `facts` are what was read before."""
    with ExitStack() as stack:
        members = stack.enter_context(fetched.members())
        by_name = {member.name or "": member for member in members}
        fetcher: RecordFetcher | None = None
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
                    dialect = _settled(by_name[each.name], fetched.order.goal.dialect, {})
                    source = as_utf8(reading.enter_context(by_name[each.name].open()), dialect.encoding)
                    fetcher, present = RecordFetcher(source, dialect), place
                for row in fetcher.rows(wanted):
                    yield row._replace(record_number=row.record_number + before)

        yield fetch


@contextmanager
def _reader(member: Member, dialect: Dialect, encodings: dict[int, FoundEncoding]) -> Iterator[CsvReader]:
    dialect = _settled(member, dialect, encodings)
    with member.open() as source:
        yield CsvReader(as_utf8(source, dialect.encoding), dialect)


def _settled(member: Member, dialect: Dialect, encodings: dict[int, FoundEncoding]) -> Dialect:
    """The dialect with the encoding found out, where it is to be. Raises AmbiguousEncoding, UndecodableFile."""
    if dialect.encoding != AUTO:
        return dialect
    if member.number not in encodings:
        encodings[member.number] = encoding.detect(member.open)
    return dialect.model_copy(update={"encoding": encodings[member.number].settled()})


def _moved(batch: Batch, records: int) -> Batch:
    """The batch with its records numbered behind those of the members before."""
    if not records:
        return batch
    bad = tuple(reject.model_copy(update={"record_number": reject.record_number + records}) for reject in batch.bad)
    return replace(batch, record_numbers=batch.record_numbers + records, bad=bad)


def _last(batch: Batch) -> int:
    good = int(batch.record_numbers[-1]) if batch.record_numbers.size else 0
    return max(good, batch.bad[-1].record_number if batch.bad else 0)


def _names(header: Sequence[str] | None) -> list[str] | None:
    return None if header is None else [folded(name) for name in header]
