"""Whether the files of an export would meet another active goal of its connection. Pure.

Asked by goal_checks.py before a goal is saved, and by runtime/judging.py before a segment is renamed that files are
named after.

Two exports whose files have the same names in one directory replace each other's: the one that runs later wins, and
nobody is told. An export into a directory that an import watches comes back as that import's file. Names with a time
are compared at one moment, since goals of a connection are also asked for together. What goals of other connections do
in the same place is not known here; nor which files of items an export has, or of events where it takes all types; nor
what is saved in the very moment in which a segment is renamed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.domain.export_goal import ExportGoal, delivered_names
from shared.domain.goal import AnyImport, Goal
from shared.domain.packing import MOST_PIECES
from shared.domain.watched import watches
from shared.processing.goal_flaws import Flaw, Surroundings
from shared.processing.patterns import taken

_A_MOMENT = datetime(2026, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def clash_flaws(goal: Goal, around: Surroundings) -> Iterator[Flaw]:
    """What would become of files that a goal writes, or takes, because of the goals beside it."""
    if not goal.active:
        return
    for sibling in around.siblings:
        if not sibling.active:
            continue
        if isinstance(goal, ExportGoal) and isinstance(sibling, ExportGoal):
            yield from _replaced(goal, sibling, around)
        elif isinstance(goal, ExportGoal) and isinstance(sibling, AnyImport):
            name = _taken(goal, sibling, around)
            if name is not None:
                detail = (
                    f"The goal {sibling.name!r} would import {name!r} from {goal.target.directory!r}; expected a "
                    "directory that no import watches, or a name that none takes."
                )
                yield Flaw("/target", "export_watched", detail)
        elif isinstance(goal, AnyImport) and isinstance(sibling, ExportGoal):
            name = _taken(sibling, goal, around)
            if name is not None:
                detail = (
                    f"The goal {sibling.name!r} exports {name!r} to {goal.source.directory!r}, and it would be "
                    "imported again; expected another directory or pattern."
                )
                yield Flaw("/source", "export_watched", detail)


def _replaced(goal: ExportGoal, sibling: ExportGoal, around: Surroundings) -> Iterator[Flaw]:
    if goal.target.directory != sibling.target.directory:
        return
    both = set(_names(goal, around, MOST_PIECES)).intersection(_names(sibling, around, MOST_PIECES))
    if both:
        detail = (
            f"The goal {sibling.name!r} writes {min(both)!r} to {goal.target.directory!r} as well, so that one would "
            "replace the other's; expected another name or directory."
        )
        yield Flaw("/target/file_name", "same_file_name", detail)


def _taken(export: ExportGoal, goal: AnyImport, around: Surroundings) -> str | None:
    """A file of the export that the import would take."""
    if not watches(goal, export.target.directory):
        return None
    names = _names(export, around)
    return next((name for name, fits in zip(names, taken(goal.source.pattern, names), strict=True) if fits), None)


def _names(goal: ExportGoal, around: Surroundings, pieces: int = 2) -> list[str]:
    segment = None if goal.named_after is None else around.segment_names.get(goal.named_after, str(goal.named_after))
    return delivered_names(goal, _A_MOMENT, pieces, segment=segment, parts=goal.parts)
