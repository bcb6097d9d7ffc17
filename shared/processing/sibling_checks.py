"""Whether imports of one connection get into each other's way. Pure.

Several goals may take the same files; then they must agree about what becomes of these, and when. What says of one
goal's files that they are complete must be no file of another: it would be put away, or imported, as the one wants
and not the other. Patterns are compared as they are written, within bounds; where that is not enough to tell, the goal
is refused, and the flaw says so.
"""

from collections.abc import Iterator

from shared.domain.expression_overlap import Budget, share_a_text
from shared.domain.expression_tree import Node
from shared.domain.goal import AnyImport
from shared.domain.watched import watches
from shared.processing.companion_names import CompanionNames, companion_names
from shared.processing.goal_flaws import Flaw, Surroundings
from shared.processing.own_names import never_taken

_SHOWN = 3


def sibling_flaws(goal: AnyImport, around: Surroundings, budget: Budget | None = None) -> Iterator[Flaw]:
    """What is wrong with an import because of those beside it, or of how its markers and manifests are called.

    All siblings together may cost one budget.
    """
    yield from _own_companions(goal)
    yield from _never_taken(goal)
    if not goal.active:
        return
    comparing = _Comparing(budget or Budget())
    for sibling in around.siblings:
        if isinstance(sibling, AnyImport) and sibling.active:
            yield from _taken_for_put_away(goal, sibling)
            if _meet(goal, sibling):
                yield from _disagreements(goal, sibling, comparing)
                yield from _passed_over(goal, sibling, comparing)
    if comparing.not_told:
        named = ", ".join(repr(each) for each in comparing.not_told[:_SHOWN])
        more = f" and {len(comparing.not_told) - _SHOWN} more" if len(comparing.not_told) > _SHOWN else ""
        detail = (
            f"Whether this goal gets into the way of {named}{more} takes too long to find out: their patterns leave "
            "too much open. Expected simpler patterns, or other directories."
        )
        yield Flaw("/source/pattern", "patterns_not_compared", detail)


class _Comparing:
    """Compares patterns, all of them within one budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.not_told: list[str] = []
        """Names of goals with which it took too long."""

    def share(self, one: Node, other: Node, sibling: AnyImport) -> bool:
        """Whether some name fits both; False also where that was not found out."""
        found = share_a_text(one, other, self._budget)
        if found is None and sibling.name not in self.not_told:
            self.not_told.append(sibling.name)
        return bool(found)


def _meet(goal: AnyImport, sibling: AnyImport) -> bool:
    """Whether both look into one directory."""
    return watches(goal, sibling.source.directory) or watches(sibling, goal.source.directory)


def _disagreements(goal: AnyImport, sibling: AnyImport, comparing: _Comparing) -> Iterator[Flaw]:
    is_torn = goal.source.afterwards != sibling.source.afterwards
    is_apart = goal.when != sibling.when
    if not (is_torn or is_apart) or not comparing.share(goal.source.pattern.tree, sibling.source.pattern.tree, sibling):
        return
    same = f"The goal {sibling.name!r} takes files of the same names from this directory"
    if is_torn:
        detail = f"{same} and does something else with them afterwards; a file can only be put in one place."
        yield Flaw("/source/afterwards", "conflicting_afterwards", detail)
    if is_apart:
        detail = f"{same} at other times; a file is taken once, by all the goals that want it."
        yield Flaw("/when", "conflicting_when", detail)


def _passed_over(goal: AnyImport, sibling: AnyImport, comparing: _Comparing) -> Iterator[Flaw]:
    """What stands beside files of one of them and is a file of the other."""
    for each in _taken_too(goal, sibling, sibling, comparing):
        detail = (
            f"Found {each.text!r}, and the goal {sibling.name!r} takes files of such names from this directory for its "
            f"own. Expected a {each.kind} of another name, or a narrower pattern there."
        )
        yield Flaw(f"/source/readiness/{each.kind}", "companions_overlap", detail)
    for each in _taken_too(sibling, goal, sibling, comparing):
        detail = (
            f"The pattern takes files that are {each.kind}s of the goal {sibling.name!r}, which are called "
            f"{each.text!r}. Expected a narrower pattern, or another directory."
        )
        yield Flaw("/source/pattern", "companions_overlap", detail)


def _taken_too(one: AnyImport, other: AnyImport, sibling: AnyImport, comparing: _Comparing) -> Iterator[CompanionNames]:
    """What stands beside files of one goal, and is taken by the other for more than that."""
    theirs = list(companion_names(other))
    for mine in companion_names(one):
        is_known = any(_is_among(mine, each) for each in theirs)
        if not is_known and comparing.share(mine.tree, other.source.pattern.tree, sibling):
            yield mine


def _is_among(some: CompanionNames, others: CompanionNames) -> bool:
    """Whether a goal with the others knows all of these for what they are: they are none of its files."""
    if some.ends is None or others.ends is None:
        return some.ends == others.ends and some.text == others.text
    is_any = (
        "{stem}" in others.text and some.ends[0].startswith(others.ends[0]) and some.ends[1].endswith(others.ends[1])
    )
    return is_any or some.text == others.text


def _never_taken(goal: AnyImport) -> Iterator[Flaw]:
    """All that the pattern takes would be a file that the goal has put away."""
    suffix = never_taken(goal.source.pattern.tree, goal.source.afterwards.suffixes)
    if suffix is not None:
        detail = (
            f"Every file that the pattern takes ends with {suffix!r}, which the goal itself puts behind files that it "
            "is done with; none would ever be taken. Expected another suffix, or another pattern."
        )
        yield Flaw("/source/pattern", "own_names_only", detail)


def _taken_for_put_away(goal: AnyImport, sibling: AnyImport) -> Iterator[Flaw]:
    """The same of two goals; in whatever directories, since files keep their names where they are put away."""
    suffix = never_taken(goal.source.pattern.tree, sibling.source.afterwards.suffixes)
    if suffix is not None:
        detail = (
            f"Every file that the pattern takes ends with {suffix!r}, which the goal {sibling.name!r} puts behind "
            "files that it is done with; none would ever be taken. Expected another suffix there, or another pattern."
        )
        yield Flaw("/source/pattern", "own_names_only", detail)
    suffix = never_taken(sibling.source.pattern.tree, goal.source.afterwards.suffixes)
    if suffix is not None:
        detail = (
            f"Found {suffix!r}, and every file that the goal {sibling.name!r} takes ends with that; none would ever be "
            "taken. Expected another suffix, or another pattern there."
        )
        yield Flaw("/source/afterwards", "own_names_only", detail)


def _own_companions(goal: AnyImport) -> Iterator[Flaw]:
    """All that the pattern takes would be a marker or a manifest itself."""
    wildcard = goal.source.pattern.wildcard or ""
    for each in companion_names(goal):
        is_one = each.text == wildcard
        if each.ends is not None:
            is_one = "{stem}" in each.text and wildcard.startswith(each.ends[0]) and wildcard.endswith(each.ends[1])
        if is_one:
            detail = (
                f"Found {each.text!r}, and every file that the pattern takes has such a name itself. Expected a "
                f"{each.kind} of another name."
            )
            yield Flaw(f"/source/readiness/{each.kind}", "companions_overlap", detail)
