"""Whether a pattern takes nothing but names under which files are put away. Pure.

Such names are no goal's files, on the whole connection, so that a goal like that would never take any, in silence.
"""

from collections.abc import Iterable

from shared.domain.expression_tree import Anchor, Characters, Choice, Group, Node, Sequence
from shared.domain.names import is_free_name


def never_taken(pattern: Node, suffixes: Iterable[str]) -> str | None:
    """The suffix that all names of a pattern end with, numbered or not; None where some may end otherwise."""
    return next((suffix for suffix in suffixes if _ends_all(pattern, suffix)), None)


def _ends_all(node: Node, suffix: str) -> bool:
    match node:
        case Group(inner=inner):
            return _ends_all(inner, suffix)
        case Choice(branches=branches):
            return all(_ends_all(each, suffix) for each in branches)
        case Sequence(parts=parts):
            return is_free_name(_end(parts), suffix)
    return False


def _end(parts: tuple[Node, ...]) -> str:
    """The characters that come last, whatever is before them."""
    found = ""
    for part in reversed(parts):
        match part:
            case Anchor():
                continue
            case Characters(ranges=((first, last),), is_negated=False) if first == last:
                found = chr(first) + found
            case _:
                break
    return found
