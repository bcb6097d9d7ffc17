"""Write regular expressions for an engine. See regular_expression.py.

Every class is spelt out in code points, so that no engine's own idea of a class comes in.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.expression_tree import Anchor, Characters, Choice, Group, Node, Repeat, Sequence


@dataclass(frozen=True, slots=True)
class Notation:
    """How an engine writes what differs."""

    code: Callable[[int], str]
    start: str
    end: str
    captures: bool
    is_greedy_said: bool


RUST = Notation(lambda code: f"\\x{{{code:X}}}", r"\A", r"\z", captures=True, is_greedy_said=True)
POSTGRESQL = Notation(
    lambda code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}",
    r"\A",
    r"\Z",
    captures=False,
    is_greedy_said=False,
)


def written(node: Node, notation: Notation) -> str:
    """The expression in an engine's notation."""
    match node:
        case Anchor(is_start=is_start):
            return notation.start if is_start else notation.end
        case Characters(ranges=((first, last),), is_negated=False) if first == last:
            return _character(first, notation)
        case Characters(ranges=ranges, is_negated=is_negated):
            inside = "".join(
                _character(first, notation) + (f"-{_character(last, notation)}" if last > first else "")
                for first, last in ranges
            )
            return f"[{'^' if is_negated else ''}{inside}]"
        case Group(inner=inner, number=number):
            return f"({'' if number and notation.captures else '?:'}{written(inner, notation)})"
        case Repeat(inner=inner, is_lazy=is_lazy):
            lazy = "?" if is_lazy and notation.is_greedy_said else ""
            return f"{written(inner, notation)}{_count(node)}{lazy}"
        case Sequence(parts=parts):
            return "".join(written(part, notation) for part in parts)
        case Choice(branches=branches):
            # In a group of its own, since an anchor or a neighbour may stand beside it.
            return f"(?:{'|'.join(written(branch, notation) or '(?:)' for branch in branches)})"


def _count(node: Repeat) -> str:
    if node.most is None:
        return {0: "*", 1: "+"}.get(node.least, f"{{{node.least},}}")
    return "?" if (node.least, node.most) == (0, 1) else f"{{{node.least},{node.most}}}"


def _character(code: int, notation: Notation) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else notation.code(code)
