"""Which character parts the fields of a text.

Every character that could is tried. One that parts all rows evenly is a candidate; a candidate gives way to another if
all its occurrences lie inside values that hold such a character by nature (the comma of `12,50`, the colon of `10:30`)
while the other's do not. Where two are left, or none, a person is asked.
"""

import re
from collections.abc import Sequence

from shared.domain.asking import Asking
from shared.domain.findings import Choice, Found, QuestionCode
from shared.formats.csv_grammar import LINE_END
from shared.formats.sniffing.layouts import Layout, Sample, Signs
from shared.formats.sniffing.marks import best_of
from shared.formats.sniffing.shapes import EMAIL, URL, explains_marks

POINTER = "/dialect/delimiter"
NAMES = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", ":": "colon", "^": "circumflex", "~": "tilde",
    "\x1f": "unit separator", "\x1e": "record separator", "\x01": "start of heading", " ": "blank",
}  # fmt: skip  # a table
_COMMON = (",", ";", "\t", "|")
_SINGLE = (*_COMMON, ":", "~", "^", "\x1f", "\x1e", "\x01", "¦", "§", "¬", "#", "!", "*")
_IN_WORDS = frozenset(".@-_+'\"()/\\ &%")
_MAX_ODD = 3
_ADDRESS = re.compile(rf"{EMAIL.pattern}|{URL.pattern}")
_RUN = re.compile(r"[|;:~^,#*!§¦¬\t%$&=+]{2,8}")
_MAX_RUNS = 5
_LINES = 20
_SHARE = 0.9
_MANY_ROWS, _MANY_FIELDS = 5, 4
_FREE = ("\t", "\x1f", "\x01", "|", ";", "~", "^", ",")


def shown(delimiter: str) -> str:
    """How people are told of a delimiter."""
    return NAMES.get(delimiter, repr(delimiter))


def find_delimiter(sample: Sample, base: Signs, asking: Asking) -> tuple[Found[str], Layout]:
    """The delimiter, and the best reading with it."""
    readings = [each for each in (best_of(sample, _with(base, c)) for c in _candidates(sample)) if each is not None]
    single = _one_column(sample, base)
    viable = [each for each in readings if each.width > 1 and each.share >= _SHARE and _is_filled(each)]
    if not viable and b" " in sample.data:
        blank = best_of(sample, _with(base, " "))
        if blank is not None and blank.width > 2 and blank.share == 1 and len(blank.table) > 1:
            return _asked(asking, [single, blank], "Blanks part every row evenly.", single)
    if not viable:
        return _without_candidate(single, readings, asking)
    left = [each for each in viable if not any(_beats(other, each, sample) for other in viable if other is not each)]
    left = left or viable
    if len(left) > 1:
        left.sort(key=_likely)
        return _asked(asking, left, "More than one character parts the rows evenly.")
    (found,) = left
    if _is_one_column(found, single):
        return Found(value=single.signs.delimiter, why=("There is one column, of addresses.",)), single
    if _may_be_one_column(found, single):
        return _asked(asking, [found, single], "The character may belong to the values.", single)
    others = [shown(each.signs.delimiter) for each in viable if each is not found]
    why = [f"{len(found.readable)} of {len(found.table)} rows have {found.width} fields."]
    if others:
        why.append(f"Also tried: {', '.join(others)}, which stand inside values of their own kind or part unevenly.")
    return Found(value=found.signs.delimiter, why=tuple(why)), found


def _candidates(sample: Sample) -> list[str]:
    text = sample.data
    found = [c for c in _SINGLE if c.encode() in text]
    lines = [line for line in LINE_END.split(text, _LINES)[:_LINES] if line]
    if not lines:
        return found
    whole = lines if sample.is_whole or len(lines) < 2 else lines[:-1]
    found += _odd_candidates([line.decode("utf-8", "replace") for line in whole])
    runs = dict.fromkeys(_RUN.findall(lines[0].decode("utf-8", "replace")))
    # A row of empty fields has runs as well: only what stands in every line may be a delimiter of several characters.
    return found + [run for run in runs if all(run.encode() in line for line in whole)][:_MAX_RUNS]


def _odd_candidates(lines: Sequence[str]) -> list[str]:
    """Unusual characters that every line has, and equally often."""
    odd = [c for c in dict.fromkeys(lines[0]) if not c.isalnum() and c not in _IN_WORDS and c not in _SINGLE]
    return [c for c in odd if len({line.count(c) for line in lines}) == 1][:_MAX_ODD]


def _with(base: Signs, delimiter: str) -> Signs:
    return Signs(delimiter, base.quote, base.escape, base.comment, base.skips_blanks)


def _one_column(sample: Sample, base: Signs) -> Layout:
    free = next((c for c in _FREE if c.encode() not in sample.data), _FREE[0])
    layout = best_of(sample, _with(base, free))
    assert layout is not None
    return layout


def _without_candidate(single: Layout, readings: Sequence[Layout], asking: Asking) -> tuple[Found[str], Layout]:
    uneven = [each for each in readings if not _is_explained(each.signs.delimiter, single)]
    if not uneven:
        return Found(value=single.signs.delimiter, why=("There is one column: nothing parts its rows.",)), single
    uneven.sort(key=_likely)
    return _asked(asking, [*uneven[:3], single], "No character parts all rows evenly.", single)


def _is_explained(delimiter: str, reading: Layout) -> bool:
    """Whether the character occurs only in values that hold such characters by nature, read so."""
    return all(explains_marks(value) for value in reading.fields() if delimiter in value)


def _likely(reading: Layout) -> tuple[float, bool, int]:
    """Orders readings, the likeliest first."""
    return -reading.share, reading.signs.delimiter not in _COMMON, -reading.width


def _is_filled(reading: Layout) -> bool:
    """Whether a delimiter of several characters leaves more than holes between them."""
    if len(reading.signs.delimiter) == 1:
        return True
    fields = list(reading.fields())
    return 2 * sum(map(bool, fields)) >= len(fields)


def _beats(one: Layout, other: Layout, sample: Sample) -> bool:
    """Whether the first reading leaves nothing for the second."""
    mine, its = one.signs.delimiter, other.signs.delimiter
    if its in mine:
        return _is_always_whole(mine, its, sample, other)
    if mine in its:
        return False
    if one.signs.quote and one.quoted and not one.unfit and other.signs.quote is None:
        return True
    if one.lost == 0 < other.lost and len(one.table) > 1:
        return True
    if one.share < other.share:
        return False
    explains, is_explained = _is_explained(its, one), _is_explained(mine, other)
    if explains != is_explained:
        return explains
    return (
        len(one.readable) >= _MANY_ROWS and one.width >= _MANY_FIELDS and other.width * 2 <= one.width and not one.unfit
    )


def _is_always_whole(run: str, part: str, sample: Sample, other: Layout) -> bool:
    """Whether a character stands nowhere but in the longer delimiter, and often enough for that to be no accident."""
    if len(set(run)) > 1:
        return sample.data.count(part.encode()) == sample.data.count(run.encode()) * run.count(part)
    # `a||b` may be a column that is always empty; several of them, one behind each other, without names, are none.
    empty = sum(not any(column) for column in zip(*other.readable, strict=True))
    return empty >= 2 and other.width - empty - 1 == empty // (len(run) - 1)


def _is_one_column(found: Layout, single: Layout) -> bool:
    """Whether the character belongs to addresses, one on each line."""
    return found.width == 2 and all(_ADDRESS.fullmatch(value.strip()) for value in single.fields() if value)


def _may_be_one_column(found: Layout, single: Layout) -> bool:
    """Whether the character may as well belong to the values: of two fields only, parted as a text is punctuated."""
    delimiter = found.signs.delimiter
    if found.width > 2 or len(delimiter) > 1 or delimiter in ("\t", "|", "\x1f", "\x1e", "\x01"):
        return False
    if len(found.table) == 1 or delimiter not in _COMMON:
        return True
    seconds = [row[1] for row in found.readable]
    return all(value.startswith(" ") for value in seconds) or all(explains_marks(value) for value in single.fields())


def _asked(
    asking: Asking, layouts: Sequence[Layout], why: str, single: Layout | None = None
) -> tuple[Found[str], Layout]:
    choices = [
        Choice(
            value=layout.signs.delimiter,
            label="one column" if layout is single else shown(layout.signs.delimiter),
            consequence=f"{layout.width} columns; {layout.unfit} of {len(layout.table)} rows would be handed back.",
            example=layout.example(),
        )
        for layout in layouts
    ]
    found = asking.ask(
        QuestionCode.DELIMITER, POINTER, "Which character parts the fields?", choices, why=[why], is_free=False
    )
    layout = next(each for each in layouts if each.signs.delimiter == found.value)
    return Found(value=layout.signs.delimiter, certainty=found.certainty, why=found.why), layout
