"""In which pattern the dates of a column are written, if they are dates."""

import re
from collections.abc import Sequence

from shared.domain.asking import Asking
from shared.domain.findings import Choice, QuestionCode
from shared.domain.property import PropertyType
from shared.processing.trials import Trial, Values, attempt

_DAY = re.compile(r"([0-9]{1,4})([-./ ])([0-9]{1,2})\2([0-9]{1,4})(.*)", re.DOTALL)
_COMPACT = re.compile(r"[0-9]{8}(?:T?[0-9]{6}Z?)?")
_LOOKED = 200


def date_trials(values: Values) -> list[Trial]:
    """The patterns that read the most values as dates or moments, each with another meaning."""
    looked = values.texts.head(_LOOKED).to_list()
    days = [match for text in looked if (match := _DAY.fullmatch(text))]
    if 2 * len(days) >= len(looked):
        patterns = _separated(days)
        has_time = any(match[5] for match in days)
    elif 2 * sum(bool(_COMPACT.fullmatch(text)) for text in looked) >= len(looked):
        patterns, has_time = ["YYYYMMDD", "DDMMYYYY", "MMDDYYYY"], any(len(text) > 8 for text in looked)
    else:
        return []
    kind = PropertyType.DATETIME if has_time else PropertyType.DATE
    if has_time:
        patterns += [f"{day} {clock}" for day in patterns for clock in ("H:mm", "H:mm:ss")]
    trials = [attempt(values, kind, dateFormat=pattern) for pattern in patterns]
    most = max((trial.fitting for trial in trials), default=0)
    best: list[Trial] = []
    for trial in trials:
        if trial.fitting == most and most and not any(trial.reads_like(other) for other in best):
            best.append(trial)
    return best


def ask_order(pointer: str, shown: str, trials: Sequence[Trial], values: Values, asking: Asking) -> tuple[Trial, bool]:
    """The pattern that a person means, and whether that is open."""
    choices = [
        Choice(
            value=trial.notation["dateFormat"],
            label=trial.notation["dateFormat"],
            consequence=f"{trial.fitting} values are read so.",
            example=_example(trial, trials, values),
        )
        for trial in trials
    ]
    found = asking.ask(
        QuestionCode.DATE_ORDER,
        f"{pointer}/date_format",
        f"In which order are day, month and year of {shown} written? All its values allow more than one.",
        choices,
    )
    return next(trial for trial in trials if trial.notation["dateFormat"] == found.value), found.certainty == "open"


def _separated(days: Sequence[re.Match[str]]) -> list[str]:
    """Patterns for dates whose parts are parted by one character; none where it is not always the same."""
    if len({match[2] for match in days}) > 1:
        return []
    mark = days[0][2]
    is_short = any(len(part) == 1 for match in days for part in (match[1], match[3], match[4]))
    day, month = ("D", "M") if is_short else ("DD", "MM")
    if all(len(match[1]) == 4 for match in days):
        orders: list[tuple[str, ...]] = [("YYYY", month, day)]
    elif all(len(match[4]) == 4 for match in days):
        orders = [(day, month, "YYYY"), (month, day, "YYYY")]
    else:
        orders = [(day, month, "YY"), (month, day, "YY"), ("YY", month, day)]
    return [mark.join(order) for order in orders]


def _example(trial: Trial, trials: Sequence[Trial], values: Values) -> str:
    for place, text in enumerate(values.texts.to_list()):
        if len({other.canonical[place] for other in trials}) > 1:
            return f"{text} is {trial.canonical[place]}"
    return ""
