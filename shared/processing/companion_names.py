"""How the files are called that stand beside a goal's files and say of these that they are complete. Pure.

As parts of regular expressions, so that they can be compared with what other goals take.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.expression_tree import Anchor, Characters, Choice, Group, Node, Repeat, Sequence, children
from shared.domain.goal import AnyImport
from shared.domain.pattern import wildcard_tree

_DOT = ord(".")
_ANY = Repeat(Characters((), is_negated=True), 0, None, is_lazy=False)


@dataclass(frozen=True, slots=True)
class CompanionNames:
    """One kind of files beside a goal's: the setting that names them, as it was written, and all their names."""

    kind: str
    text: str
    tree: Node

    @property
    def ends(self) -> tuple[str, str] | None:
        """What a marker's or checksum's name begins and ends with; None of manifests."""
        if self.kind == "manifest":
            return None
        before, _, after = self.text.replace("{stem}", "{name}").partition("{name}")
        return before, after


def companion_names(goal: AnyImport) -> Iterator[CompanionNames]:
    """Those that the goal asks for."""
    readiness, pattern = goal.source.readiness, goal.source.pattern.tree
    for kind, template in (("marker", readiness.marker), ("checksum", readiness.checksum)):
        if kind in readiness.strategies:
            before, slot, after = template.partition("{name}" if "{name}" in template else "{stem}")
            inner = pattern if slot == "{name}" else _stems(pattern)
            yield CompanionNames(kind, template, Sequence((*_literal(before), inner, *_literal(after))))
    if "manifest" in readiness.strategies:
        yield CompanionNames("manifest", readiness.manifest, wildcard_tree(readiness.manifest))


def _literal(text: str) -> tuple[Node, ...]:
    return tuple(Characters(((ord(c), ord(c)),)) for c in text)


def _stems(node: Node) -> Node:
    """What fits before the last dot of a name that fits; anything, where that cannot be told from the end."""
    match node:
        case Group(inner=inner):
            return _stems(inner)
        case Choice(branches=branches):
            return Choice(tuple(_stems(each) for each in branches))
        case Sequence(parts=parts):
            for place in range(len(parts) - 1, -1, -1):
                if parts[place] == Characters(((_DOT, _DOT),)):
                    return Sequence(parts[:place])
                if _may_have_a_dot(parts[place]):
                    return _ANY
    return _ANY if _may_have_a_dot(node) else node


def _may_have_a_dot(node: Node) -> bool:
    match node:
        case Characters(ranges=ranges, is_negated=is_negated):
            return any(first <= _DOT <= last for first, last in ranges) is not is_negated
        case Anchor():
            return False
    return any(_may_have_a_dot(each) for each in children(node))
