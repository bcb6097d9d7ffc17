"""The rows of an opened file, slice by slice: processed, typed, and ready to be copied. Lives in a thread."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from services.importer.named_rejects import NamedRejects
from services.importer.pages import Pages
from shared.domain.reject import Reject, ValueReject
from shared.formats.batch import Batch
from shared.processing.chain import Chain, Followed, Processed, Rows, in_file_order
from shared.processing.date_choice import DateChoice
from shared.processing.mapping import MappingPlan
from shared.processing.repeats import Repeats
from shared.processing.typing import apply, staging_csv
from shared.processing.typing import named as whom_named
from shared.storage.staging import Staged


@dataclass(slots=True)
class Slice:
    """A slice of the file, typed, with what became of its other rows."""

    csv: bytes = b""
    rows: int = 0
    rejects: tuple[Reject, ...] = ()
    value_rejects: tuple[ValueReject, ...] = ()
    new_choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that processors left out, by reason."""
    rejects_by_member: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Where an archive has several members the rejects by their member's place and their code."""
    skipped_by_member: Counter[tuple[int, str]] = field(default_factory=Counter)
    """The same of rows that were left out, by reason."""
    rows_by_path: Counter[str] = field(default_factory=Counter)
    skipped_times: int = 0
    repeated_times: int = 0
    notes: tuple[str, ...] = ()
    """What was found out of the whole file, for the receipt."""


@dataclass(slots=True)
class _Noted:
    """What reading tells beside the good rows, until the next slice takes it along."""

    bad: list[Reject] = field(default_factory=list)
    legible: list[Followed] = field(default_factory=list)
    """What the processors make of the bad rows that can be read in part."""
    rows_by_path: Counter[str] = field(default_factory=Counter)

    def watched(self, batches: Iterable[Batch], chain: Chain) -> Iterator[Batch]:
        """The batches, noted."""
        for batch in batches:
            self.bad += batch.bad
            if batch.legible is not None:
                records = batch.legible.record_numbers
                self.legible.append(chain.follow(Rows(batch.legible.frame, records, records)))
            self.rows_by_path[batch.path] += batch.frame.height + len(batch.bad)
            yield batch

    def given_to(self, made: Slice, named: NamedRejects, plan: MappingPlan) -> Slice:
        """The slice with what was noted since the last one; whom the bad rows name is put aside."""
        made.rejects = (*self.bad, *made.rejects)
        made.rows_by_path = self.rows_by_path
        named.add_unreadable(len(self.bad) - sum(each.frame.height for each in self.legible))
        _name(self.legible, named, plan)
        self.bad, self.legible, self.rows_by_path = [], [], Counter()
        return made


def slices(pages: Pages, staged: Staged, repeats: Repeats, named: NamedRejects) -> Iterator[Slice]:
    """The whole file; `repeats` sees the keys by which rows may name one profile twice, `named` whom rejects name.

    Where the goal lets date patterns be found out, the file is read once more before: raises AmbiguousDates and
    UnreadableDates before the first slice.
    """
    choice = DateChoice(pages.plan)
    plan = pages.plan
    notes: tuple[str, ...] = ()
    if choice.is_needed:
        for _, done in _processed(pages, _Noted()):
            choice.see(done.frame, done.record_numbers)
        plan, notes = choice.plan(), tuple(choice.told())
    noted = _Noted()
    yield Slice(notes=notes)
    for batch, done in _processed(pages, noted):
        made = noted.given_to(_slice(batch, done, plan, staged, repeats, named), named, plan)
        yield _told_apart(made, batch, pages) if len(pages.readings) > 1 else made
    if noted.bad:
        made = noted.given_to(Slice(), named, plan)
        yield _told_apart(made, None, pages) if len(pages.readings) > 1 else made


def _told_apart(made: Slice, batch: Batch | Rows | None, pages: Pages) -> Slice:
    """The slice, with what it says of each member of the archive: rejects may be of several, a batch is of one."""
    made.rejects_by_member.update((pages.member_of(each.record_number), each.code.value) for each in made.rejects)
    if batch is not None and made.skipped:
        member = pages.member_of(int(batch.record_numbers[0]))
        made.skipped_by_member.update({(member, reason): rows for reason, rows in made.skipped.items()})
    return made


def _processed(pages: Pages, noted: _Noted) -> Iterator[tuple[Batch | Rows, Processed]]:
    """The rows of one reading, batch by batch, and what the processors made of them."""
    with pages.chain() as chain:
        if chain.looks_first:
            for rows in in_file_order(pages.batches()):
                chain.look(rows)
            chain.seen_all()
        batches = noted.watched(pages.batches(), chain)
        for batch in in_file_order(batches) if chain.needs_order else batches:
            for done in chain.apply(batch):
                yield batch, done


def _slice(
    batch: Batch | Rows, done: Processed, plan: MappingPlan, staged: Staged, repeats: Repeats, named: NamedRejects
) -> Slice:
    def original() -> pl.DataFrame:
        return batch.frame[done.places]

    typed = apply(done.frame, done.record_numbers, done.line_numbers, plan, original)
    good = typed.good.select(staged.columns)
    if staged.layout.keys:
        repeats.watch(good[staged.layout.keys[0].name])
    _name(done.followed, named, plan)
    if typed.named is not None:
        named.add(typed.named, plan.identifiers)
    return Slice(
        csv=staging_csv(good) if good.height else b"",
        rows=good.height,
        rejects=(*done.rejects, *typed.rejects),
        value_rejects=typed.value_rejects,
        new_choices=typed.new_choices,
        skipped=done.skipped,
        skipped_times=typed.skipped_times,
        repeated_times=typed.repeated_times,
    )


def _name(rejected: Iterable[Followed], named: NamedRejects, plan: MappingPlan) -> None:
    """Put aside whom rows name that were rejected before they were typed."""
    own = [f"c{each.position}" for each in plan.columns[: plan.identifiers] if each.position is not None]
    for each in rejected:
        told = whom_named(each.frame, each.record_numbers, plan)
        lacks = each.lacks.select(pl.any_horizontal(own)).to_series() if own else pl.lit(value=False)
        named.add(told.with_columns(pl.col("is_doubtful") | lacks), plan.identifiers)
