"""Of which type the values of a column are: proved on all that were looked at, or asked.

Text takes any value, so it is never wrong; another type is found only where every value fits it and loses nothing. What
fits nearly always, or in two ways, is a question. The type of a property that the column is meant for settles most
of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.asking import Asking
from shared.domain.findings import Certainty, Choice, Excluded, Found, FoundColumn, QuestionCode, ValueCount
from shared.domain.property import PropertyType
from shared.processing.boolean_words import words_of
from shared.processing.dates_found import ask_century, ask_order, date_trials
from shared.processing.numbers_found import ask_decimal, is_exact, number_trials
from shared.processing.trials import Trial, Values, attempt

_NEARLY = 0.8
"""From this share on, the values that do not fit are asked about; below, the column is text."""
_LOOKED = 200
_EXAMPLES = 3
_MAX_CHOICES = 20
_REPEATED = 3
_ROWS_OF_CHOICES = 10
_FEW_DAYS = 3
_NUMERIC = re.compile(r"[-+]?[0-9.,'\u2019 \u00a0\u202f]*[0-9]")
_LIST_MARKS = ("|", ";", ",")
_KEPT_AS_TEXT = frozenset({"postal_code", "phone", "mobile", "customer_id"})
_COUNTED = frozenset({"points", "amount"})
_SAID = frozenset({"opt_in", "member"})
_DATED = frozenset({"birth_date", "created_at", "updated_at"})
_MAX_SPELLINGS = 6
_ZERO_ONE = frozenset({"0", "1"})


@dataclass
class Look:
    """One column while it is looked at."""

    position: int
    name: str | None
    concept: str | None
    """What a column of that name usually holds."""
    values: Values
    distinct: int
    wanted: PropertyType | None = None
    """The type of the property it is meant for."""
    why: list[str] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    fits: dict[PropertyType, int] = field(default_factory=dict)

    @property
    def pointer(self) -> str:
        """Into the findings."""
        return f"/columns/{self.position}"

    @property
    def shown(self) -> str:
        """How people are told of it."""
        return repr(self.name) if self.name else f"column {self.position + 1}"

    def note(self, trial: Trial) -> None:
        """Keep what a trial came to as evidence."""
        self.fits[trial.type] = max(trial.fitting, self.fits.get(trial.type, 0))
        if trial.unfit:
            example = self.values.texts.filter(trial.canonical.is_null())[0]
            self.excluded.append(Excluded(type=trial.type, values=trial.unfit, example=example))


def find_column(look: Look, asking: Asking) -> FoundColumn:
    """The column's type and notation."""
    kind, certainty, notation = PropertyType.TEXT, Certainty.CERTAIN, dict[str, Any]()
    if look.wanted is PropertyType.TEXT:
        look.why.append("The property is text, which takes any value.")
    elif not len(look.values):
        kind = look.wanted or PropertyType.TEXT
        look.why.append("The column has no value.")
    else:
        kind, certainty, notation = _typed(look, asking)
    return FoundColumn(
        position=look.position,
        name=look.name,
        type=Found(value=kind, certainty=certainty, why=tuple(look.why)),
        filled=look.values.filled,
        distinct=look.distinct,
        examples=tuple(look.values.texts.head(_EXAMPLES).to_list()),
        fits=look.fits,
        excluded=tuple(look.excluded),
        notation=notation,
        choices=_choices(look, kind, notation),
    )


Verdict = tuple[PropertyType, Certainty, dict[str, Any]]


def _typed(look: Look, asking: Asking) -> Verdict:
    trials = _candidates(look)
    for group in trials:
        look.note(group[0])
    if look.wanted is not None:
        return _as_wanted(look, trials, asking)
    whole = [group for group in trials if not group[0].unfit]
    if whole:
        return _chosen(look, whole, asking)
    nearly = [group for group in trials if group[0].fitting >= _NEARLY * look.values.filled]
    if nearly:
        return _asked_for_exceptions(look, nearly[0], asking)
    return _text_or_list(look, asking)


def _candidates(look: Look) -> list[list[Trial]]:
    """Types that the values look like, most telling first; of each the readings that differ."""
    values = look.values
    looked = values.texts.head(_LOOKED).to_list()
    half = len(looked) / 2
    found: list[list[Trial]] = []
    if look.wanted is PropertyType.EMAIL or sum("@" in text for text in looked) > half:
        found.append([attempt(values, PropertyType.EMAIL)])
    if look.wanted is PropertyType.URL or sum("://" in text for text in looked) > half:
        found.append([attempt(values, PropertyType.URL)])
    if look.wanted is PropertyType.PHONE or sum(text.startswith("+") for text in looked) > half:
        found.append([attempt(values, PropertyType.PHONE)])
    if look.wanted is PropertyType.BOOLEAN or len(values) <= _MAX_SPELLINGS:
        found.append([attempt(values, PropertyType.BOOLEAN, **words_of(looked))])
    if sum(bool(_NUMERIC.fullmatch(text)) for text in looked) > half:
        numbers = number_trials(values)
        if look.wanted in (PropertyType.INTEGER, PropertyType.NUMBER) or (
            is_exact(values) and look.concept not in _KEPT_AS_TEXT
        ):
            found.append(numbers)
        else:
            look.why.append("Numbers that would lose a leading zero, a sign or digits, or that are names, stay text.")
    dates = date_trials(values)
    if dates and (not found or look.wanted in (PropertyType.DATE, PropertyType.DATETIME) or _are_surely_days(look)):
        found.insert(0, dates)
    return [group for group in found if group[0].fitting]


def _named(look: Look, name: str, looks_so: bool) -> list[list[Trial]]:  # a private shorthand
    if name not in PropertyType._value2member_map_:
        return []
    kind = PropertyType(name)
    return [[attempt(look.values, kind)]] if looks_so or look.wanted is kind else []


def _are_surely_days(look: Look) -> bool:
    """Whether numbers of eight digits are days: many in a row are valid days by no accident."""
    return len(look.values) >= _FEW_DAYS or look.concept in _DATED


def _chosen(look: Look, whole: Sequence[Sequence[Trial]], asking: Asking) -> Verdict:
    if whole[0][0].type is PropertyType.BOOLEAN and set(look.values.texts.to_list()) <= _ZERO_ONE and len(whole) > 1:
        return _zero_or_one(look, asking)
    return _read(look, whole[0], asking)


def _read(look: Look, readings: Sequence[Trial], asking: Asking) -> Verdict:
    """One reading, asked for where several differ."""
    trial, is_open = readings[0], False
    if len(readings) > 1:
        ask = ask_order if trial.type in (PropertyType.DATE, PropertyType.DATETIME) else ask_decimal
        trial, is_open = ask(look.pointer, look.shown, readings, look.values, asking)
    if trial.type is PropertyType.DATE and not is_open:
        century = ask_century(look.pointer, look.shown, trial, look.values, asking)
        if century is not None and century.value is None:
            return PropertyType.TEXT, century.certainty, {}
        is_open = century is not None and century.certainty is Certainty.OPEN
    look.why.append(f"All {trial.fitting} values fit." if not trial.unfit else f"{trial.fitting} values fit.")
    # Plain digits are read alike in every notation, so they say nothing about the file's.
    notation = {} if trial.type is PropertyType.INTEGER and "groupChar" not in trial.notation else dict(trial.notation)
    return trial.type, Certainty.OPEN if is_open else Certainty.CERTAIN, notation


def _as_wanted(look: Look, trials: Sequence[Sequence[Trial]], asking: Asking) -> Verdict:
    assert look.wanted is not None
    same = [[trial for trial in group if _suits(trial.type, look.wanted)] for group in trials]
    readings = next((group for group in same if group), [])
    if look.wanted.is_many:
        return _as_list(look, look.wanted, asking)
    if not readings:
        look.why.append("The property's type; no value fits it." if not look.wanted.is_choice else "A choice.")
        return look.wanted, Certainty.CERTAIN, {}
    _, certainty, notation = _read(look, readings, asking)
    return look.wanted, certainty, notation


def _suits(found: PropertyType, wanted: PropertyType) -> bool:
    pairs = {
        (PropertyType.INTEGER, PropertyType.NUMBER),
        (PropertyType.NUMBER, PropertyType.INTEGER),
        (PropertyType.DATE, PropertyType.DATETIME),
    }
    return found is wanted or (found, wanted) in pairs


def _zero_or_one(look: Look, asking: Asking) -> Verdict:
    if look.concept in _SAID:
        look.why.append("A column of that name says yes or no.")
        return PropertyType.BOOLEAN, Certainty.CERTAIN, {}
    if look.concept in _COUNTED:
        look.why.append("A column of that name counts.")
        return PropertyType.INTEGER, Certainty.CERTAIN, {}
    example = ", ".join(look.values.texts.to_list())
    found = asking.ask(
        QuestionCode.COLUMN_TYPE,
        f"{look.pointer}/type",
        f"{look.shown} holds only 0 and 1. Does it say no and yes, or does it count?",
        [
            Choice(value="boolean", label="no and yes", consequence="Other numbers are refused.", example=example),
            Choice(value="integer", label="a number", consequence="It can be added up.", example=example),
        ],
    )
    return PropertyType(str(found.value)), found.certainty, {}


def _asked_for_exceptions(look: Look, readings: Sequence[Trial], asking: Asking) -> Verdict:
    trial = readings[0]
    unfit = look.values.texts.filter(trial.canonical.is_null())
    found = asking.ask(
        QuestionCode.COLUMN_TYPE,
        f"{look.pointer}/type",
        f"Nearly all values of {look.shown} are of type {trial.type.value}; {trial.unfit} are not. Which shall it be?",
        [
            Choice(
                value=trial.type.value,
                label=trial.type.value,
                consequence=f"{trial.unfit} of {look.values.filled} rows would be handed back.",
                example=unfit[0],
            ),
            Choice(value="text", label="text", consequence="Every value is kept as it is.", example=unfit[0]),
        ],
    )
    if found.value == "text":
        look.why.append("A person has said so.")
        return PropertyType.TEXT, found.certainty, {}
    _, certainty, notation = _read(look, readings, asking)
    return trial.type, max(certainty, found.certainty, key=_doubt), notation


def _doubt(certainty: Certainty) -> int:
    return (Certainty.CERTAIN, Certainty.ANSWERED, Certainty.OPEN).index(certainty)


def _text_or_list(look: Look, asking: Asking) -> Verdict:
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


def _as_list(look: Look, kind: PropertyType, asking: Asking) -> Verdict:
    marks = [mark for mark in _LIST_MARKS if look.values.texts.str.contains(mark, literal=True).any()]
    if len(marks) > 1:
        found = asking.ask(
            QuestionCode.LIST_DELIMITER,
            f"{look.pointer}/list_delimiter",
            f"What parts the items of {look.shown}?",
            [
                Choice(
                    value=mark,
                    label=mark,
                    consequence="Items are parted there.",
                    example=look.values.texts.filter(look.values.texts.str.contains(mark, literal=True))[0],
                )
                for mark in marks
            ],
        )
        return kind, found.certainty, {"listDelimiter": found.value}
    return kind, Certainty.CERTAIN, {"listDelimiter": marks[0] if marks else "|"}


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


def _choices(look: Look, kind: PropertyType, notation: dict[str, Any]) -> tuple[ValueCount, ...]:
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
