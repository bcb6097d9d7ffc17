"""The parts that a regular expression is made of, and what can be told from them alone. See regular_expression.py."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.domain.case_folding import folding

Ranges = tuple[tuple[int, int], ...]
"""Code points from and to, both taken in; ascending, and not touching each other."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of these ranges of code points, or of all others."""

    ranges: Ranges
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """The start or the end of the value."""

    is_start: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group, with a number where it captures."""

    inner: "Node"
    number: int | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Something several times; `most` is None where there is no end."""

    inner: "Node"
    least: int
    most: int | None
    is_lazy: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these, the first that fits."""

    branches: tuple["Node", ...]


Node = Characters | Anchor | Group | Repeat | Sequence | Choice


def merged(ranges: list[tuple[int, int]]) -> Ranges:
    """The same code points in ascending ranges that do not touch."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def children(node: Node) -> tuple[Node, ...]:
    """What a part is made of."""
    match node:
        case Group(inner=inner) | Repeat(inner=inner):
            return (inner,)
        case Sequence(parts=parts) | Choice(branches=parts):
            return parts
    return ()


def nodes_of(node: Node) -> Iterator[Node]:
    """A part and all that it is made of."""
    yield node
    for child in children(node):
        yield from nodes_of(child)


def weight_of(node: Node) -> int:
    """How many characters and ranges there are when counts are written out."""
    match node:
        case Characters(ranges=ranges):
            return len(ranges)
        case Repeat(inner=inner, least=least, most=most):
            return max(least, most or 0, 1) * max(weight_of(inner), 1)
    return sum(map(weight_of, children(node))) or 1


def skips_of(node: Node) -> int:
    """How many parts may be left out, one by one, when counts are written out.

    PostgreSQL works out every way past them before it begins: a minute for 900 in each other, a tenth of a second for
    200.
    """
    match node:
        case Repeat(inner=inner, least=least, most=most):
            return max(least, most or 0, 1) * skips_of(inner) + (least == 0)
        case Sequence(parts=()):
            return 1
    return sum(map(skips_of, children(node)))


def _is_bounded(node: Node) -> bool:
    return all(each.most is not None for each in nodes_of(node) if isinstance(each, Repeat))


def ends_where_it_looks(node: Node) -> bool:
    """Bounded in length, but for one class at the end that takes all it can: what was read of it is the match."""
    match node:
        case Repeat(inner=Characters(), most=None):
            return True
        case Choice(branches=branches):
            return all(map(ends_where_it_looks, branches))
        case Group(inner=inner):
            return ends_where_it_looks(inner)
        case Sequence(parts=(*bounded, last)):
            return all(map(_is_bounded, bounded)) and ends_where_it_looks(last)
    return _is_bounded(node)


def folded(node: Node) -> Node:
    """The same for texts that were folded by `case_folding.fold`."""
    match node:
        case Characters(ranges=ranges):
            more = [
                ord(to) for one, to in folding().items() if any(first <= ord(one) <= last for first, last in ranges)
            ]
            return replace(node, ranges=merged([*ranges, *((code, code) for code in more)])) if more else node
        case Group(inner=inner) | Repeat(inner=inner):
            return replace(node, inner=folded(inner))
        case Sequence(parts=parts):
            return Sequence(tuple(map(folded, parts)))
        case Choice(branches=branches):
            return Choice(tuple(map(folded, branches)))
    return node
