"""In which notation the numbers of a column are written."""

import re
from collections.abc import Sequence

from shared.domain.asking import Asking
from shared.domain.findings import Choice, QuestionCode
from shared.domain.property import PropertyType
from shared.processing.trials import Trial, Values, attempt

LEADING_ZERO = r"\A[+-]?0[0-9]"
_GROUPS = ("'", "\u2019", " ", "\u00a0", "\u202f")
_MAX_DIGITS = 18
_PUNCTUATION = re.compile(r"[.,'\u2019 \u00a0\u202f]")


def number_trials(values: Values) -> list[Trial]:
    """The notations that read the most values as numbers, each with another meaning; the plainest first."""
    text = "".join(values.texts.head(2_000).to_list())
    marks = set(_PUNCTUATION.findall(text))
    notations: list[tuple[str, str | None]] = [(".", None)]
    if "," in marks:
        notations += [(",", None), (".", ",")]
    if "." in marks:
        notations.append((",", "."))
    for group in _GROUPS:
        if group in marks:
            notations += [(".", group), (",", group)]
    trials = [_trial(values, decimal, group) for decimal, group in notations]
    most = max(trial.fitting for trial in trials)
    best: list[Trial] = []
    for trial in trials:
        if trial.fitting == most and not any(trial.reads_like(other) for other in best):
            best.append(trial)
    return best


def _trial(values: Values, decimal: str, group: str | None) -> Trial:
    notation = {"decimalChar": decimal} | ({"groupChar": group} if group else {})
    whole = attempt(values, PropertyType.INTEGER, **notation)
    if not whole.unfit:
        return whole
    number = attempt(values, PropertyType.NUMBER, **notation)
    return whole if whole.fitting == number.fitting else number


def ask_decimal(
    pointer: str, shown: str, trials: Sequence[Trial], values: Values, asking: Asking
) -> tuple[Trial, bool]:
    """The notation that a person means, and whether that is open."""
    choices = [
        Choice(
            value=_key(trial),
            label=_label(trial),
            consequence=f"The column is read as {trial.type.value}.",
            example=_example(trial, trials, values),
        )
        for trial in trials
    ]
    found = asking.ask(
        QuestionCode.DECIMAL_CHAR,
        f"{pointer}/decimal_char",
        f"How are the numbers of {shown} written? Their marks can be read in more than one way.",
        choices,
    )
    return next(trial for trial in trials if _key(trial) == found.value), found.certainty == "open"


def is_exact(values: Values) -> bool:
    """Whether nothing is lost where the values are kept as numbers: leading zeros, signs of plus, very many digits."""
    texts = values.texts
    return not (
        texts.str.contains(LEADING_ZERO).any()
        or texts.str.starts_with("+").any()
        or (texts.str.count_matches("[0-9]") > _MAX_DIGITS).any()
    )


def _key(trial: Trial) -> str:
    return f"{trial.notation['decimalChar']}{trial.notation.get('groupChar', '')}"


def _label(trial: Trial) -> str:
    group = trial.notation.get("groupChar")
    decimal = "comma" if trial.notation["decimalChar"] == "," else "point"
    return f"decimal {decimal}" + (f", thousands parted by {group!r}" if group else "")


def _example(trial: Trial, trials: Sequence[Trial], values: Values) -> str:
    for place, text in enumerate(values.texts.to_list()):
        if len({str(other.canonical[place]) for other in trials}) > 1:
            return f"{text} is {trial.canonical[place]}"
    return ""
