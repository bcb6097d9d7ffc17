"""In which pattern the dates of a column are written, if they are dates: what `date_columns` finds, tried and asked."""

from collections.abc import Sequence

import polars as pl

from shared.domain.asking import Asking
from shared.domain.dates import PIVOT_YEAR, date_pattern
from shared.domain.findings import Choice, Found, QuestionCode, Value
from shared.domain.property import PropertyType
from shared.processing.date_columns import DateSurvey, Outcome, Verdict
from shared.processing.trials import Trial, Values, attempt

_NEARLY = 0.8
_FAR = ("2030", "2069")
"""Files hold few dates of these years. A birth in 1961 is more likely, and 61 does not say which."""
_EARLIER_PIVOT = 30
"""Takes just these years into the last century."""


def date_trials(values: Values) -> list[Trial]:
    """The patterns that read the values as dates, or as moments, each with another meaning; none if they are none."""
    for kind in (PropertyType.DATE, PropertyType.DATETIME):
        survey = DateSurvey(kind)
        survey.see(values.texts)
        verdict = survey.verdict()
        if verdict.outcome in (Outcome.DECIDED, Outcome.AMBIGUOUS) and verdict.read >= _NEARLY * verdict.present:
            return _trials(verdict, kind, values)
    return []


def _trials(verdict: Verdict, kind: PropertyType, values: Values) -> list[Trial]:
    readings = verdict.readings if verdict.outcome is Outcome.AMBIGUOUS else verdict.readings[:1]
    trials = [attempt(values, kind, dateFormat=reading.pattern.pattern) for reading in readings]
    best: list[Trial] = []
    for trial in trials:
        if not any(trial.reads_like(other) for other in best):
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


def ask_century(pointer: str, shown: str, trial: Trial, values: Values, asking: Asking) -> Found[Value] | None:
    """From which two digits on years are of the last century, or None for no dates; None where that is no question."""
    if not date_pattern(trial.notation["dateFormat"]).has("short_year"):
        return None
    far = trial.canonical.is_between(pl.lit(_FAR[0]), pl.lit(_FAR[1])).fill_null(value=False)
    if not far.any():
        return None
    place = int(far.arg_max() or 0)
    example = f"{values.texts[place]} is {trial.canonical[place]}"
    return asking.ask(
        QuestionCode.CENTURY,
        f"{pointer}/century",
        f"The years of {shown} have two digits, and some would be far ahead. Are they meant so?",
        [
            Choice(
                value=PIVOT_YEAR,
                label="as the rule says",
                consequence=f"{PIVOT_YEAR} to 99 are of the last century, all others of this one.",
                example=example,
            ),
            Choice(
                value=_EARLIER_PIVOT,
                label="as of the last century",
                consequence=f"{_EARLIER_PIVOT} to 99 are of the last century, all others of this one.",
                example=f"{values.texts[place]} is 19{str(trial.canonical[place])[2:]}",
            ),
            Choice(value=None, label="keep them as text", consequence="Nothing is read into them.", example=example),
        ],
    )


def _example(trial: Trial, trials: Sequence[Trial], values: Values) -> str:
    for place, text in enumerate(values.texts.to_list()):
        if len({other.canonical[place] for other in trials}) > 1:
            return f"{text} is {trial.canonical[place]}"
    return ""
