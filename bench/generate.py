"""The files of the benchmark: contacts in twelve columns, the same bytes for the same number of rows, always.

What a row says follows from its person's number by integer arithmetic alone, so no library's random numbers are
promised here. Files are written in stretches, so that five million rows need no more memory than one.
"""

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

STRETCH_ROWS = 100_000

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_FIRST = ("Anna", "Bram", "Chloé", "Daan", "Emma", "Finn", "Greta", "Hugo", "Inés", "Jan", "Katarzyna", "Noé", "Åsa")
_LAST = ("Jansen", "de Vries", "Bakker", "Peeters", "Müller", "Kowalska", "Visser", "Nielsen", "García", "Smit")
_QUOTED = ("Berg, van den", 'Smit "Jr."')
_CITIES = ("Utrecht", "Gent", "Århus", "Łódź", "Rotterdam", "Köln", "Antwerpen", "Málaga", "Oslo", "Groningen", "Lyon")
_COUNTRIES = ("NL", "BE", "DK", "PL", "DE", "ES", "NO", "FR")
_TAGS = ("news", "vip", "news|vip", "sport|home", "garden", "news|kids|toys", "books", "trial", "vip|trial", "events")
_HOSTS = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")


@dataclass(frozen=True, slots=True)
class Made:
    """A file and what importing it must come to."""

    path: Path
    rows: int
    created: int
    updated: int
    unchanged: int


def first_load(path: Path, rows: int) -> Made:
    """A file of `rows` people, numbered from 0, in an order that no key has."""
    _write(path, rows, lambda places: people(_spread(places, rows)))
    return Made(path, rows, created=rows, updated=0, unchanged=0)


def delta(path: Path, rows: int, *, of: int = 0, number: int = 0) -> Made:
    """So many rows: half of the people are those of a `first_load` of `of` rows (as many, if 0), the others are new.

    Of the known, four in five say what is stored and have nothing to sum; the fifth has moved, has other tags, was
    seen later and has points and revenue to add. The `number`-th of a series, from 0, has other people than those
    before it. Raises ValueError where `rows` is no multiple of ten, or where the first load has not enough people.
    """
    half, base = rows // 2, of or rows
    step = base // max(half, 1)
    if rows % 10 or number >= step:
        raise ValueError(f"found {rows} rows, number {number}, of {base}; expected a multiple of ten, at most {step}")

    def stretch(places: Numbers) -> pl.DataFrame:
        spread = _spread(places, rows)
        is_known = spread < half
        is_changed = is_known & (spread % 5 == 0)
        known, new = spread * step + number, base + number * half + spread - half
        return people(np.where(is_known, known, new), is_changed, is_known & ~is_changed)

    _write(path, rows, stretch)
    return Made(path, rows, created=half, updated=rows // 10, unchanged=half - rows // 10)


def small(path: Path, number: int, rows: int) -> Made:
    """The `number`-th of a series of small files, from 0: half of its people were in the one before it.

    Those bring points again, and points are summed, so each of them changes its profile.
    """
    start = number * (rows // 2)
    people(np.arange(start, start + rows, dtype=np.int64)).write_csv(path)
    created = rows if number == 0 else rows // 2
    return Made(path, rows, created=created, updated=rows - created, unchanged=0)


def people(numbers: Numbers, is_changed: Flags | None = None, is_equal: Flags | None = None) -> pl.DataFrame:
    """One row of text for each person's number. Points and revenue are never zero: who brings them changes."""
    nobody = np.zeros(numbers.size, dtype=np.bool_)
    frame = pl.DataFrame(
        {
            "number": numbers,
            "changed": nobody if is_changed is None else is_changed,
            "equal": nobody if is_equal is None else is_equal,
            **{f"m{salt}": _mixed(numbers, salt) for salt in range(10)},
        }
    )
    m = [pl.col(f"m{salt}") for salt in range(10)]
    moved = pl.col("changed").cast(pl.UInt64)
    is_quoted = m[1] % 97 == 0
    return frame.select(
        email=_chosen([_ascii(name) for name in _FIRST], m[0])
        + pl.format(".{}@", pl.col("number"))
        + _chosen(_HOSTS, _from(m[2], 5)),
        first_name=_unless(_from(m[0], 32) % 50 == 0, _chosen(_FIRST, m[0])),
        last_name=pl.when(is_quoted).then(_chosen(_QUOTED, _from(m[1], 40))).otherwise(_chosen(_LAST, _from(m[1], 20))),
        phone=_unless(m[2] % 10 == 0, pl.lit("+316") + _digits(_from(m[2], 20), 8)),
        city=_chosen(_CITIES, _from(m[3], 8) + moved),
        country=_chosen(_COUNTRIES, _from(m[3], 40)),
        birth_date=((m[4] % 22_000).cast(pl.Int32) - 10_000).cast(pl.Date).dt.to_string("%Y-%m-%d"),
        points=_unless(pl.col("equal"), (m[5] % 500 + 1).cast(pl.String)),
        revenue=_unless(pl.col("equal"), pl.format("{}.{}", m[6] % 900 + 1, _digits(_from(m[6], 30), 2))),
        active=_chosen(("true", "false"), _from(m[7], 9)),
        tags=_chosen(_TAGS, _from(m[8], 16) + moved),
        seen_at=pl.from_epoch((m[9] % 31_000_000 + moved * 31_622_400).cast(pl.Int64) + 1_704_067_200).dt.to_string(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
    )


def _write(path: Path, rows: int, stretch: Callable[[Numbers], pl.DataFrame]) -> None:
    """Written beside and renamed, so that a file that is there is whole."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        for places in _stretches(rows):
            stretch(places).write_csv(file, include_header=bool(places[0] == 0))
    partial.rename(path)


def _stretches(rows: int) -> Iterator[Numbers]:
    for start in range(0, rows, STRETCH_ROWS):
        yield np.arange(start, min(start + STRETCH_ROWS, rows), dtype=np.int64)


def _spread(places: Numbers, count: int) -> Numbers:
    """Every number below `count` once, far from its neighbours: multiples of a step that is coprime to the count."""
    step = next(step for step in range(int(count * 0.618) | 1, 2 * count + 2) if math.gcd(step, count) == 1)
    return places * step % count


def _mixed(numbers: Numbers, salt: int) -> npt.NDArray[np.uint64]:
    """64 bits for each number that look random: SplitMix64 (Steele, Lea, Flood 2014), one stream for each salt."""
    mixed = numbers.astype(np.uint64) * np.uint64(16) + np.uint64(salt + 1)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _chosen(values: Sequence[str], number: pl.Expr) -> pl.Expr:
    place: pl.Expr = number % len(values)
    return place.replace_strict(list(range(len(values))), list(values), return_dtype=pl.String)


def _from(number: pl.Expr, bit: int) -> pl.Expr:
    """Another number that looks random: the bits from that one on."""
    rest: pl.Expr = number // 2**bit
    return rest


def _unless(is_absent: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(~is_absent).then(value)


def _digits(number: pl.Expr, count: int) -> pl.Expr:
    rest: pl.Expr = number % 10**count
    return rest.cast(pl.String).str.zfill(count)


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode().lower()
