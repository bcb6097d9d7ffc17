"""Whether an export's settings make sense. Asked by goal_checks.py, which says what all goals have in common. Pure."""

from shared.domain.dialect import AUTO
from shared.domain.export_goal import ExportGoal, ExportProfiles
from shared.processing.goal_flaws import Flaw, Surroundings


def export_flaws(goal: ExportGoal, around: Surroundings) -> list[Flaw]:
    """What is wrong with an export, in the order of its fields."""
    flaws = _column_flaws(goal, around) if isinstance(goal, ExportProfiles) else []
    if goal.dialect.encoding == AUTO:
        flaws.append(Flaw("/dialect/encoding", "encoding_open", "Found 'auto', expected an encoding such as utf-8."))
    return flaws


def _column_flaws(goal: ExportProfiles, around: Surroundings) -> list[Flaw]:
    return [
        Flaw(f"/columns/{number}/property", "unknown_property", f"The account has no property {column.property!r}.")
        for number, column in enumerate(goal.columns)
        if column.property not in around.properties
    ]
