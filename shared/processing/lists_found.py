"""Columns of few words or of several items: lists, choices, and text for all that is neither."""

from typing import Any

from shared.domain.asking import Asking
from shared.domain.findings import Certainty, Choice, QuestionCode, ValueCount
from shared.domain.property import PropertyType
from shared.processing.column_look import Look, Verdict
from shared.processing.trials import Values

_MAX_CHOICES = 20
_REPEATED = 3
_ROWS_OF_CHOICES = 10
_LIST_MARKS = ("|", ";", ",")
_PARTING_NOTHING = ("|", "~", "^", "¦")


def text_or_list(look: Look, asking: Asking) -> Verdict:
    """What becomes of values that no type fits: a list where their items come again, else text."""
    for mark in _LIST_MARKS:
        if not _may_be_list(look.values, mark):
            continue
        example = look.values.texts.filter(look.values.texts.str.contains(mark, literal=True))[0]
        if mark == "|":
            look.why.append(f"Values hold several items, parted by {mark}, that come again in others: {example}.")
            return PropertyType.LIST, Certainty.CERTAIN, {"listDelimiter": mark}
        found = asking.ask(
            QuestionCode.LIST_DELIMITER,
            f"{look.pointer}/list_delimiter",
            f"Do the values of {look.shown} hold several items each?",
            [
                Choice(value=mark, label=f"items parted by {mark}", consequence="A list of items.", example=example),
                Choice(value=None, label="one text", consequence="Kept as it is.", example=example),
            ],
        )
        if found.value is None:
            return PropertyType.TEXT, found.certainty, {}
        return PropertyType.LIST, found.certainty, {"listDelimiter": mark}
    look.why.append("No other type fits all values." if look.excluded or look.why else "Words.")
    return PropertyType.TEXT, Certainty.CERTAIN, {}


def as_list(look: Look, kind: PropertyType, asking: Asking) -> Verdict:
    """The same for a column that goes into a property of many values."""
    marks = [mark for mark in _LIST_MARKS if look.values.texts.str.contains(mark, literal=True).any()]
    if marks in ([], ["|"]):
        return kind, Certainty.CERTAIN, {"listDelimiter": "|"}
    choices = [
        Choice(
            value=mark,
            label=f"items parted by {mark}",
            consequence="Items are parted there.",
            example=look.values.texts.filter(look.values.texts.str.contains(mark, literal=True))[0],
        )
        for mark in marks
    ]
    none = Choice(value=None, label="one item each", consequence="Each value is one item.", example=choices[0].example)
    found = asking.ask(
        QuestionCode.LIST_DELIMITER,
        f"{look.pointer}/list_delimiter",
        f"What parts the items of {look.shown}?",
        [*choices, none],
    )
    # Something has to be named; what no value holds parts nothing.
    free = next(mark for mark in _PARTING_NOTHING if mark not in marks)
    return kind, found.certainty, {"listDelimiter": found.value or free}


def _may_be_list(values: Values, mark: str) -> bool:
    """Whether values are made of items that come again: `news|vip`, `vip`."""
    several = values.texts.filter(values.texts.str.contains(mark, literal=True))
    if several.len() < (1 if mark == "|" else 2):
        return False
    items = several.str.split(mark).explode().str.strip_chars()
    if (items == "").any() or (items.str.len_chars() > 40).any():
        return False
    singles = values.texts.filter(~values.texts.str.contains(mark, literal=True))
    known = items.n_unique()
    return (
        known <= items.len() / 2 or (mark == "|" and known < items.len()) or bool(singles.is_in(items.to_list()).any())
    )


def counted(look: Look, kind: PropertyType, notation: dict[str, Any]) -> tuple[ValueCount, ...]:
    """The values of what may be a choice, or the items of a list; with how often they come."""
    values = look.values
    is_choice = look.wanted is not None and look.wanted.is_choice
    if kind is PropertyType.LIST or (is_choice and "listDelimiter" in notation):
        return _items(values, notation.get("listDelimiter", "|"))
    is_few = len(values) <= _MAX_CHOICES and values.filled >= max(_ROWS_OF_CHOICES, _REPEATED * len(values))
    if not is_choice and (kind is not PropertyType.TEXT or not is_few):
        return ()
    pairs = zip(values.texts.head(1_000).to_list(), values.rows.head(1_000).to_list(), strict=True)
    return tuple(ValueCount(value=text, rows=rows) for text, rows in pairs)


def _items(values: Values, mark: str) -> tuple[ValueCount, ...]:
    counts: dict[str, int] = {}
    for text, rows in zip(values.texts.to_list(), values.rows.to_list(), strict=True):
        for item in dict.fromkeys(map(str.strip, text.split(mark))):
            if item:
                counts[item] = counts.get(item, 0) + rows
    ordered = sorted(counts.items(), key=lambda each: -each[1])[:1_000]
    return tuple(ValueCount(value=item, rows=rows) for item, rows in ordered)
