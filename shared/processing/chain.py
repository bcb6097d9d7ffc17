"""A goal's processors, joined for one file and applied to its rows batch after batch.

    columns = FileColumns.of(reader.header, reader.width)
    with Chain.of(goal.processors, columns, goal.dialect, scratch=workspace) as chain:
        if chain.looks_first:                       # deduplicate keeps the last row: the file is read twice
            for rows in in_file_order(first_reading):
                chain.look(rows)
            chain.seen_all()
        for rows in in_file_order(reader) if chain.needs_order else reader:
            for done in chain.apply(rows):
                ...                                 # done.frame, done.rejects, done.skipped

What the processors do is the business of shared/processing/processors; here rows are counted and taken out. However a
file is cut into batches, its rows come to the same. Memory is bounded by the batch: where a processor may make text
grow, a batch leaves in several pieces. Columns after the chain are known before any row: `columns_after`.

Where it is asked for (`following`), rows that a processor rejects go on by themselves through the processors behind
it, so that their identifiers come out as those of good rows do. No row is left out any more: a rejected row stays one.
Rows that could be read only in part go the same way, from the first processor on (`follow`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.processor import Processor
from shared.domain.processors.rows import Deduplicate
from shared.domain.reject import Reject, RejectCode
from shared.processing.file_columns import FileColumns
from shared.processing.processors import duplicates
from shared.processing.processors.making import Numbered, numbered_steps
from shared.processing.processors.step import Outcome, Step, either

MAX_FRAME_BYTES = 64 << 20
"""A piece whose next step could make it larger is cut."""

_FILLERS = ("", "\N{REPLACEMENT CHARACTER}")
"""Nothing, and something that stands for nothing in no dialect."""

Numbers = npt.NDArray[np.int64]


class Batch(Protocol):
    """Rows as a reader gives them: text columns `c0`, `c1`, ... without nulls, and where each row stands."""

    @property
    def frame(self) -> pl.DataFrame: ...
    @property
    def record_numbers(self) -> Numbers: ...
    @property
    def line_numbers(self) -> Numbers: ...


class Rows(NamedTuple):
    """A batch, and nothing else."""

    frame: pl.DataFrame
    record_numbers: Numbers
    line_numbers: Numbers


class Followed(NamedTuple):
    """Columns of rejected rows as they would have come out: those that were asked for, under their names."""

    frame: pl.DataFrame
    record_numbers: Numbers
    lacks: pl.DataFrame
    """Whether a column's value (Boolean, under the same name) depends on what could not be made, and is empty here."""


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of the rows of a batch, or of a piece of it."""

    frame: pl.DataFrame
    """The rows that go on: text columns `c0`, `c1`, ... in the order of `Chain.columns`, without nulls."""
    record_numbers: Numbers
    line_numbers: Numbers
    places: npt.NDArray[np.intp]
    """Where each row stands in the batch that was given: see `originals`."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that were skipped, by reason: `filtered`, `duplicate`."""
    skipped_by_processor: Counter[int] = field(default_factory=Counter)
    """The same by the processor's number, from 0."""
    rejects: tuple[Reject, ...] = ()
    """Rows that a processor cannot work on, with their fields as they were read."""
    followed: tuple[Followed, ...] = ()
    """The same rows, where that was asked for; a value is empty where it comes from one that could not be made."""


class _Piece(NamedTuple):
    """Rows on their way, and what has become of others of the same piece."""

    frame: pl.DataFrame
    places: npt.NDArray[np.intp]


class Chain:
    """The processors of one goal, on one reading of one file. It remembers what deduplication needs."""

    def __init__(
        self,
        columns: FileColumns,
        steps: Sequence[Numbered],
        looking: Sequence[Numbered] = (),
        following: Collection[int] = (),
    ) -> None:
        self._before = columns.all_keys
        self._steps = tuple(steps)
        self._looking = tuple(looking)
        after = steps[-1].step.columns if steps else columns
        self._after = after.keys
        self._empty = dict.fromkeys(after.keys, pl.String)
        self.columns = after.rekeyed()
        """The columns after the last processor; their keys are those of `Processed.frame`."""
        self._following = {self._after[place]: self.columns.keys[place] for place in sorted(following)}
        self._notes: duplicates.Notes | None = None
        self.needs_order = False
        """Whether the rows must come in file order: a reader may give batches whose numbers interleave."""

    @classmethod
    def of(
        cls,
        processors: Sequence[Processor],
        columns: FileColumns,
        dialect: Dialect,
        *,
        scratch: Path | None = None,
        following: Collection[int] = (),
    ) -> Self:
        """Prepare the processors for a file. Raises HeaderChanged where it lacks a column, InvalidGoal.

        `scratch` is a private directory, in which deduplication keeps what is too much for the memory. `following`
        are places of columns as they are after the chain, counted from 0, that are wanted of rejected rows too.
        """
        notes = duplicates.Notes(scratch)
        last = next(
            (n for n, each in enumerate(processors) if isinstance(each, Deduplicate) and each.keep == "last"), None
        )
        looking: list[Numbered] = []
        if last is not None:
            looking = numbered_steps(processors[:last], columns, dialect, scratch, notes)
            reached = looking[-1].step.columns if looking else columns
            noting = duplicates.noting(processors[last], reached, dialect, notes)  # type: ignore[arg-type]  # it is one
            looking.append(Numbered(last, noting))
        chain = cls(columns, numbered_steps(processors, columns, dialect, scratch, notes), looking, following)
        chain._notes = notes if looking else None
        chain.needs_order = any(isinstance(each, Deduplicate) for each in processors)
        return chain

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            for each in (*self._steps, *self._looking):
                stack.callback(each.step.close)

    @property
    def looks_first(self) -> bool:
        """Whether `look` wants to see all rows of the file before `apply` gets the first."""
        return self._notes is not None

    def look(self, batch: Batch) -> None:
        """See a batch of the first reading."""
        for _ in _Passing(self._looking, batch).pieces(_whole(batch, self._before)):
            pass

    def seen_all(self) -> None:
        """The first reading has ended; call it once, where `looks_first`."""
        if self._notes is not None:
            self._notes.judge()

    def follow(self, rows: Rows) -> Followed:
        """What comes of rows that were rejected when they were read; null is a value that could not be read."""
        one, other = (rows.frame.fill_null(filler).select(self._before) for filler in _FILLERS)
        return _Passing(self._steps, rows, self._following).followed(one, other, np.arange(rows.frame.height))

    def apply(self, batch: Batch) -> Iterator[Processed]:
        """What becomes of a batch's rows: one piece, or several where text may grow large. In file order."""
        passing = _Passing(self._steps, batch, self._following)
        for piece in passing.pieces(_whole(batch, self._before)):
            # Without rows the last steps may not have been asked.
            frame = piece.frame.select(self._after) if piece.frame.height else pl.DataFrame(schema=self._empty)
            frame.columns = self.columns.keys
            yield passing.processed(frame, piece.places)


class _Passing:
    """The way of one batch through steps, with the counts of the piece that is on its way."""

    def __init__(self, steps: Sequence[Numbered], batch: Batch, following: Mapping[str, str] | None = None) -> None:
        self._steps = steps
        self._batch = batch
        self._following = following or {}
        """The columns that are wanted of rejected rows: as the last step calls them, and as `Chain.columns` does."""
        self._followed: list[Followed] = []
        self._skipped: Counter[str] = Counter()
        self._by_processor: Counter[int] = Counter()
        self._rejects: list[Reject] = []

    def pieces(self, piece: _Piece, first: int = 0) -> Iterator[_Piece]:
        """Take a piece through the steps from the given one on."""
        for place in range(first, len(self._steps)):
            parts = _cut(piece, self._steps[place].step)
            if len(parts) > 1:
                for part in parts:
                    yield from self.pieces(part, place)
                return
            if not piece.frame.height:
                break
            piece = self._passed(place, piece)
        yield piece

    def processed(self, frame: pl.DataFrame, places: npt.NDArray[np.intp]) -> Processed:
        """The result for a piece, with all that was counted since the last one."""
        is_whole = len(places) == len(self._batch.record_numbers)
        done = Processed(
            frame,
            self._batch.record_numbers if is_whole else self._batch.record_numbers[places],
            self._batch.line_numbers if is_whole else self._batch.line_numbers[places],
            places,
            self._skipped,
            self._by_processor,
            tuple(self._rejects),
            tuple(self._followed),
        )
        self._skipped, self._by_processor, self._rejects, self._followed = Counter(), Counter(), [], []
        return done

    def _passed(self, place: int, piece: _Piece) -> _Piece:
        number, step = self._steps[place]
        outcome, places = step.apply(piece.frame), piece.places
        frame, stays = outcome.frame, None
        if outcome.codes is not None:
            is_bad = outcome.codes.is_not_null()
            self._rejects += _rejects(self._batch, places[is_bad.to_numpy()], outcome.codes.drop_nulls(), outcome.field)
            stays = ~is_bad
            if self._following and is_bad.any():
                self._follow(place + 1, outcome, places)
        elif outcome.keeps is not None and not outcome.keeps.all():
            stays = outcome.keeps
            dropped = frame.height - int(stays.sum())
            self._skipped[outcome.reason.value] += dropped
            self._by_processor[number] += dropped
        return _Piece(frame, places) if stays is None else _Piece(frame.filter(stays), places[stays.to_numpy()])

    def _follow(self, first: int, outcome: Outcome, places: npt.NDArray[np.intp]) -> None:
        """Note what the rejected rows of a step come to behind it.

        They go on twice, with different fillers for what could not be made: what differs at the end comes from that.
        """
        assert outcome.codes is not None
        is_bad = outcome.codes.is_not_null()
        one, other = (_filled(outcome, filler).filter(is_bad) for filler in _FILLERS)
        self._followed.append(self.followed(one, other, places[is_bad.to_numpy()], first))

    def followed(
        self, one: pl.DataFrame, other: pl.DataFrame, places: npt.NDArray[np.intp], first: int = 0
    ) -> Followed:
        """What comes of rows with either filler, from a step on."""
        ends = [
            pl.concat(self._to_the_end(_Piece(frame, places), first, filler))
            for frame, filler in zip((one, other), _FILLERS, strict=True)
        ]
        made = {key: ends[0][key] == ends[1][key] for key in self._following}
        wanted = [either(made[key], ends[0][key], "").alias(name) for key, name in self._following.items()]
        lacks = [(~made[key]).alias(name) for key, name in self._following.items()]
        return Followed(pl.DataFrame(wanted), self._batch.record_numbers[places], pl.DataFrame(lacks))

    def _to_the_end(self, piece: _Piece, first: int, filler: str) -> Iterator[pl.DataFrame]:
        """What is wanted of rejected rows, behind the last step."""
        for place in range(first, len(self._steps)):
            step = self._steps[place].step
            if step.only_chooses:
                continue
            parts = _cut(piece, step)
            if len(parts) > 1:
                for part in parts:
                    yield from self._to_the_end(part, place, filler)
                return
            piece = _Piece(_filled(step.apply(piece.frame), filler), piece.places)
        yield piece.frame.select(list(self._following))


class Stage(NamedTuple):
    """Some rows after one processor."""

    columns: FileColumns
    processed: Processed


def stages(processors: Sequence[Processor], columns: FileColumns, dialect: Dialect, batch: Batch) -> list[Stage]:
    """What each processor makes of a few rows, for a preview: a stage a processor. Raises as `Chain.of`.

    The rows are taken for the whole file, and rejects hold the fields that the processor was given.
    """
    found: list[Stage] = []
    rows = Rows(batch.frame, batch.record_numbers, batch.line_numbers)
    for processor in processors:
        with Chain.of((processor,), columns, dialect) as chain:
            chain.look(rows)
            chain.seen_all()
            done = as_one(list(chain.apply(rows)))
            columns = chain.columns
        found.append(Stage(columns, done))
        rows = Rows(done.frame, done.record_numbers, done.line_numbers)
    return found


def columns_after(processors: Sequence[Processor], columns: FileColumns, dialect: Dialect) -> FileColumns:
    """The columns that a file has after the processors. Raises as `Chain.of`."""
    return Chain.of(processors, columns, dialect).columns


def in_file_order(batches: Iterable[Batch]) -> Iterator[Rows]:
    """The same rows in file order: batches whose record numbers interleave become one."""
    waiting: Rows | None = None
    for batch in batches:
        rows = Rows(batch.frame, batch.record_numbers, batch.line_numbers)
        if not len(rows.record_numbers):
            continue
        if waiting is None:
            waiting = rows
        elif rows.record_numbers[0] > waiting.record_numbers[-1]:
            yield waiting
            waiting = rows
        else:
            waiting = _woven(waiting, rows)
    if waiting is not None:
        yield waiting


def originals(batch: Batch, places: npt.NDArray[np.intp]) -> list[tuple[str, ...]]:
    """Rows of a batch as they were read, for rejects."""
    return batch.frame[places].rows()


def _cut(piece: _Piece, step: Step) -> list[_Piece]:
    """The piece, in parts where the step could make it too large."""
    height, size = piece.frame.height, step.size_after(piece.frame)
    if size <= MAX_FRAME_BYTES or height <= 1:
        return [piece]
    rows = max(height * MAX_FRAME_BYTES // size, 1)
    return [
        _Piece(piece.frame.slice(start, rows), piece.places[start : start + rows]) for start in range(0, height, rows)
    ]


def _filled(outcome: Outcome, filler: str) -> pl.DataFrame:
    """What a step made, with the filler where it could not."""
    if outcome.codes is None or outcome.made is None:
        return outcome.frame
    values = either(outcome.codes.is_null(), outcome.frame[outcome.made], filler)
    return outcome.frame.with_columns(values.alias(outcome.made))


def _whole(batch: Batch, keys: list[str]) -> _Piece:
    frame = batch.frame
    if frame.columns != keys:
        frame = frame.select(keys)
    return _Piece(frame, np.arange(frame.height))


def _rejects(batch: Batch, places: npt.NDArray[np.intp], codes: pl.Series, shown: str | None) -> Iterator[Reject]:
    rows = zip(places.tolist(), codes.to_list(), originals(batch, places), strict=True)
    for place, code, raw in rows:
        yield Reject(
            record_number=int(batch.record_numbers[place]),
            line_number=int(batch.line_numbers[place]),
            code=RejectCode(code),
            field=shown,
            raw=raw,
        )


def _woven(first: Rows, second: Rows) -> Rows:
    records = np.concatenate([first.record_numbers, second.record_numbers])
    order = np.argsort(records, kind="stable")
    lines = np.concatenate([first.line_numbers, second.line_numbers])
    return Rows(pl.concat([first.frame, second.frame])[order], records[order], lines[order])


def as_one(pieces: Sequence[Processed]) -> Processed:
    """Several pieces, at least one, put together; places are those in their own batches."""
    return Processed(
        pl.concat([each.frame for each in pieces]),
        np.concatenate([each.record_numbers for each in pieces]),
        np.concatenate([each.line_numbers for each in pieces]),
        np.concatenate([each.places for each in pieces]),
        sum((each.skipped for each in pieces), Counter()),
        sum((each.skipped_by_processor for each in pieces), Counter()),
        tuple(reject for each in pieces for reject in each.rejects),
    )
