"""Which directories a goal watches: its own, those below it where asked, and never where files are put away.

Pure. Depth is counted in levels below `source.directory`.
"""

from collections.abc import Collection, Iterable

from shared.domain.goal import AnyGoal, AnyImport

MAX_LEVELS = 8
"""Of directories below a goal's own; `Source.subdirectories` says how many of them are watched."""


def levels_below(root: str, directory: str) -> int | None:
    """How many levels a directory lies below another; 0 is the same, None is elsewhere."""
    if directory == root:
        return 0
    prefix = f"{root}/" if root else ""
    return directory[len(prefix) :].count("/") + 1 if directory.startswith(prefix) else None


def beneath(root: str, directory: str) -> str:
    """The path of a directory within another; empty for the same, or where it lies elsewhere."""
    if levels_below(root, directory) in (0, None):
        return ""
    return directory[len(root) + 1 :] if root else directory


def put_away(goal: AnyImport) -> set[str]:
    """Where a goal puts files, apart from where it finds them."""
    afterwards = goal.source.afterwards
    places = {afterwards.done.move_to, afterwards.failed.move_to, goal.rejects.return_to if goal.rejects else None}
    return {place for place in places if place is not None} - {goal.source.directory}


def places_apart(goals: Iterable[AnyGoal]) -> frozenset[str]:
    """Where goals of a connection put files away; none of them looks into it as a subdirectory."""
    return frozenset(place for goal in goals if isinstance(goal, AnyImport) for place in put_away(goal))


def watches(goal: AnyImport, directory: str, apart: Collection[str] = ()) -> bool:
    """Whether a goal takes files from a directory. A hidden one is watched only where it is the goal's own."""
    root = goal.source.directory
    levels = levels_below(root, directory)
    if levels is None or levels > goal.source.subdirectories:
        return False
    # Each directory on the way down must be one that is looked into.
    parts = beneath(root, directory).split("/") if levels else []
    on_the_way = [f"{root}/{'/'.join(parts[: n + 1])}".lstrip("/") for n in range(len(parts))]
    mine = {*put_away(goal), *apart}
    return not any(part.startswith(".") for part in parts) and not mine.intersection(on_the_way)
