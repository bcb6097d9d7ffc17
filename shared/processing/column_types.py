"""Of which type the values of a column are: proved on all that were looked at, or asked.

Text takes any value, so it is never wrong; another type is found only where every value fits it and loses nothing. What
fits nearly always, or in two ways, is a question. The type of a property that the column is meant for settles most
of them.
"""

import re
from collections.abc import Sequence
from typing import Any

from shared.domain.asking import Asking
from shared.domain.findings import Certainty, Choice, Found, FoundColumn, QuestionCode
from shared.domain.property import PropertyType
from shared.processing.boolean_words import words_of
from shared.processing.column_look import Look, Verdict
from shared.processing.dates_found import ask_century, ask_order, date_trials
from shared.processing.lists_found import as_list, counted, text_or_list
from shared.processing.numbers_found import ask_decimal, is_exact, number_trials
from shared.processing.trials import Trial, attempt

_NEARLY = 0.8
"""From this share on, the values that do not fit are asked about; below, the column is text."""
_LOOKED = 200
_EXAMPLES = 3
_NUMERIC = re.compile(r"[-+]?[0-9.,'\u2019 \u00a0\u202f]*[0-9]")
_KEPT_AS_TEXT = frozenset({"postal_code", "phone", "mobile", "customer_id"})
_COUNTED = frozenset({"points", "amount"})
_SAID = frozenset({"opt_in", "member"})
_DATED = frozenset({"birth_date", "created_at", "updated_at"})
_MAX_SPELLINGS = 6
_ZERO_ONE = frozenset({"0", "1"})


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
        choices=counted(look, kind, notation),
    )


def _typed(look: Look, asking: Asking) -> Verdict:
    if look.list_mark is not None and look.wanted in (None, PropertyType.LIST, PropertyType.MULTI_CHOICE):
        look.why.append("The file says that it is a list.")
        return look.wanted or PropertyType.LIST, Certainty.CERTAIN, {"listDelimiter": look.list_mark}
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
    return text_or_list(look, asking)


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
    may_be_truth = len(values) <= _MAX_SPELLINGS and look.concept not in _KEPT_AS_TEXT
    if look.wanted is PropertyType.BOOLEAN or may_be_truth:
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
    if dates and _may_be_days(look):
        found.insert(0, dates)
    return [group for group in found if group[0].fitting]


def _may_be_days(look: Look) -> bool:
    """Whether values that can be read as dates or epochs may be meant so; digits alone may be anything."""
    if look.wanted is not None:
        return look.wanted in (PropertyType.DATE, PropertyType.DATETIME)
    return not _are_digits(look) or look.concept not in _KEPT_AS_TEXT | _COUNTED


def _are_digits(look: Look) -> bool:
    return bool(look.values.texts.str.contains(r"\A[0-9]+\z").all())


def _chosen(look: Look, whole: Sequence[Sequence[Trial]], asking: Asking) -> Verdict:
    if whole[0][0].type is PropertyType.BOOLEAN and set(look.values.texts.to_list()) <= _ZERO_ONE and len(whole) > 1:
        return _zero_or_one(look, asking)
    is_day = whole[0][0].type in (PropertyType.DATE, PropertyType.DATETIME)
    if is_day and _are_digits(look) and look.concept not in _DATED:
        return _days_or_numbers(look, whole, asking)
    return _read(look, whole[0], asking)


def _days_or_numbers(look: Look, whole: Sequence[Sequence[Trial]], asking: Asking) -> Verdict:
    """Digits that are valid dates or epochs, in a column whose name does not say that they are."""
    number = next((group for group in whole if group[0].type is PropertyType.INTEGER), None)
    other = "text" if number is None else "integer"
    kind = whole[0][0].type.value
    example = f"{look.values.texts[0]} is {whole[0][0].canonical[0]}"
    found = asking.ask(
        QuestionCode.COLUMN_TYPE,
        f"{look.pointer}/type",
        f"Are the digits of {look.shown} dates?",
        [
            Choice(value=kind, label=kind, consequence="They are read as dates.", example=example),
            Choice(value=other, label=other, consequence="They are kept.", example=look.values.texts[0]),
        ],
    )
    if found.value == kind:
        _, certainty, notation = _read(look, whole[0], asking)
        return whole[0][0].type, max(certainty, found.certainty, key=_doubt), notation
    return PropertyType(other), found.certainty, {}


def _read(look: Look, readings: Sequence[Trial], asking: Asking) -> Verdict:
    """One reading, asked for where several differ."""
    trial, is_open = readings[0], False
    pivot: dict[str, int] = {}
    if len(readings) > 1:
        ask = ask_order if trial.type in (PropertyType.DATE, PropertyType.DATETIME) else ask_decimal
        trial, is_open = ask(look.pointer, look.shown, readings, look.values, asking)
    if trial.type in (PropertyType.DATE, PropertyType.DATETIME) and not is_open:
        century = ask_century(look.pointer, look.shown, trial, look.values, asking)
        if century is not None and century.value is None:
            return PropertyType.TEXT, century.certainty, {}
        if century is not None:
            pivot = {"pivotYear": int(century.value or 0)}
        is_open = century is not None and century.certainty is Certainty.OPEN
    look.why.append(f"All {trial.fitting} values fit." if not trial.unfit else f"{trial.fitting} values fit.")
    # Plain digits are read alike in every notation, so they say nothing about the file's.
    notation = {} if trial.type is PropertyType.INTEGER and "groupChar" not in trial.notation else dict(trial.notation)
    return trial.type, Certainty.OPEN if is_open else Certainty.CERTAIN, notation | pivot


def _as_wanted(look: Look, trials: Sequence[Sequence[Trial]], asking: Asking) -> Verdict:
    assert look.wanted is not None
    same = [[trial for trial in group if _suits(trial.type, look.wanted)] for group in trials]
    readings = next((group for group in same if group), [])
    if look.wanted.is_many:
        return as_list(look, look.wanted, asking)
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
