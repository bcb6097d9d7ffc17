"""In which pattern the dates of a column are written, if they are dates: what `date_columns` finds, tried and asked."""

from collections.abc import Sequence

from shared.domain.asking import Asking
from shared.domain.findings import Choice, QuestionCode
from shared.domain.property import PropertyType
from shared.processing.date_columns import DateSurvey, Outcome, Verdict
from shared.processing.trials import Trial, Values, attempt

_NEARLY = 0.8


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


def _example(trial: Trial, trials: Sequence[Trial], values: Values) -> str:
    for place, text in enumerate(values.texts.to_list()):
        if len({other.canonical[place] for other in trials}) > 1:
            return f"{text} is {trial.canonical[place]}"
    return ""
