"""Words of a file to a property's choices: by what the goal says, else by equality, trimmed and composed (NFC).

Case is not guessed at. A word that is no choice is a bad value, or is kept as it stands where the goal adds choices;
which ones those are is told by `new_choices`.
"""

from collections.abc import Mapping

import polars as pl

from shared.domain.fields import MappedField
from shared.domain.property import MAX_CHOICE_CHARACTERS, PropertyType
from shared.domain.reject import RejectCode
from shared.domain.trimmed import folded
from shared.processing.column import Column
from shared.processing.lists import array_literals, items_of, looked_up
from shared.processing.mapping import MappedColumn


def chosen(values: pl.Series, column: MappedColumn) -> Column:
    """The choices that a column's words stand for; words without one are coded. `values` has null for nothing."""
    is_many = column.property.type is PropertyType.MULTI_CHOICE
    items = items_of(values, column.dialect.list_delimiter) if is_many else _single(values)
    meanings = meanings_of(column)
    choices = [_choice(item, meanings, adds=adds_choices(column)) for item in items["item"].to_list()]
    read = items.with_columns(item=pl.Series(choices, dtype=pl.String))
    unknown = read.filter(pl.col("item").is_null())["raw"].unique()
    known = read.filter(~pl.col("raw").is_in(unknown.implode()))
    # Two words may stand for one choice.
    literals = array_literals(known.unique(maintain_order=True)) if is_many else known
    codes = None
    if unknown.len():
        is_unknown = values.is_in(unknown.implode())
        codes = pl.select(pl.when(is_unknown).then(pl.lit(RejectCode.UNKNOWN_CHOICE.value))).to_series()
    return Column(looked_up(values, literals), codes)


def meanings_of(column: MappedColumn) -> Mapping[str, str]:
    """What each word stands for: the property's choices for themselves, and what the goal says."""
    own = {folded(choice): choice for choice in column.property.choices}
    said = column.entry.choices if isinstance(column.entry, MappedField) else {}
    return own | {folded(word): own.get(folded(choice), choice) for word, choice in said.items()}


def adds_choices(column: MappedColumn) -> bool:
    """Whether a word that is no choice becomes one."""
    return isinstance(column.entry, MappedField) and column.entry.unknown_choice == "add"


def new_choices(values: pl.Series, column: MappedColumn) -> list[str]:
    """Words of typed values that are no choices of the property yet, in the order in which they came."""
    if not adds_choices(column):
        return []
    known = set(column.property.choices)
    if column.property.type is PropertyType.SINGLE_CHOICE:
        words = values.drop_nulls().unique(maintain_order=True).to_list()
    else:
        words = _items_of_literals(values)
    return [word for word in words if word not in known]


def _items_of_literals(values: pl.Series) -> list[str]:
    """The items of array literals, as `array_literals` writes them."""
    inner = values.drop_nulls().unique(maintain_order=True).str.extract_all(r'"(?:[^"\\]|\\.)*"')
    words = inner.explode().drop_nulls().unique(maintain_order=True).str.strip_prefix('"').str.strip_suffix('"')
    return words.str.replace_all(r"\\(.)", "${1}").to_list()


def _single(values: pl.Series) -> pl.DataFrame:
    raw = values.drop_nulls().unique()
    return pl.DataFrame({"raw": raw, "item": raw.str.strip_chars()})


def _choice(word: str, meanings: Mapping[str, str], *, adds: bool) -> str | None:
    compared = folded(word)
    found = meanings.get(compared)
    if found is None and adds and 0 < len(compared) <= MAX_CHOICE_CHARACTERS:
        return compared
    return found
