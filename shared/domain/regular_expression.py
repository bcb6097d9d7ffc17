r"""Regular expressions as customers write them: the part of the notation that all engines read alike.

    abc  \.  é       themselves; a sign is taken literally behind \       a|b     one or the other
    .                any character but a line feed                        (a)     a group, numbered from 1
    [a-z_]  [^a-z]   one of these, one of all others                      (?:a)   a group without number
    \d \w \s         [0-9], [A-Za-z0-9_], white space of ASCII            ^  $    start and end of the value
    \D \W \S         all others                                           *  +  ?  {2}  {2,}  {2,5}
    \t \n \r \f \v \x41 \u00e9   a character by its code                  *?  +?  ??   as few as possible

Without anchors an expression is looked for anywhere. There are no back-references, no look-around, no word boundaries,
no flags, and no anchor is repeated: engines read these differently, or not in linear time. What is read here is written
out for each engine with every character class spelt out, so that no engine's own idea of a class comes in. What an
expression may cost is bounded: 500 characters, and 1,000 characters and classes when its counts are written out.

Nothing is matched here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, NoReturn

from pydantic import AfterValidator, Field

from shared.domain.case_folding import folding

MAX_LENGTH = 500
MAX_WEIGHT = 1_000
MAX_COUNT = 200
MAX_DEPTH = 20
MAX_GROUPS = 20

Ranges = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_CLASSES: dict[str, Ranges] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")


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


@dataclass(frozen=True, slots=True)
class RegularExpression:
    """An expression that was read."""

    root: Node
    groups: int
    """How many groups capture."""

    def for_rust(self) -> str:
        """In the notation of Rust's engine, which is that of polars."""
        return _written(self.root, _RUST)

    def for_postgresql(self) -> str:
        """In PostgreSQL's advanced notation, for asking whether it matches: groups have no numbers, none is lazy."""
        return _written(self.root, _POSTGRESQL)

    @property
    def looks_far(self) -> bool:
        """Whether looking for a match may read on far behind the match that is found.

        To find all matches of such an expression takes time by the square of the text's length, in every engine.
        """
        return not _ends_where_it_looks(self.root)

    def folded(self) -> "RegularExpression":
        """For texts that were folded by `case_folding.fold`: matches them as it would without regard to case."""
        return replace(self, root=_folded(self.root))


@lru_cache(maxsize=256)
def regular_expression(text: str) -> RegularExpression:
    """Read an expression. Raises ValueError with what was found, where, and what was expected."""
    if not text:
        raise ValueError("found an empty regular expression, which would match everything")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"found a regular expression of {len(text)} characters, expected at most {MAX_LENGTH}")
    reader = _Reader(text)
    root = reader.choice(0)
    if reader.place < len(text):
        reader.refuse("found ')' without a group, expected '\\)' for the character")
    return RegularExpression(root, reader.groups)


def _checked(text: str) -> str:
    regular_expression(text)
    return text


RegularExpressionText = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH), AfterValidator(_checked)]
"""A field of a model that holds one."""


class _Reader:
    """Recursive descent over the text; `place` is the next character's."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.place = 0
        self.groups = 0

    def refuse(self, sentence: str) -> NoReturn:
        raise ValueError(f"{sentence} (at character {self.place + 1} of the regular expression)")

    def choice(self, depth: int) -> Node:
        branches = [self._sequence(depth)]
        while self._take("|"):
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.place < len(self._text) and self._text[self.place] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
            self._weigh(Sequence(tuple(parts)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _atom(self, depth: int) -> Node:
        one = self._text[self.place]
        if one in "*+?":
            self.refuse(f"found {one!r} with nothing to repeat")
        if one in "{}]":
            self.refuse(f"found {one!r}, expected '\\{one}' for the character")
        self.place += 1
        if one == "(":
            return self._group(depth)
        if one == "[":
            return self._set()
        if one in "^$":
            return Anchor(is_start=one == "^")
        if one == ".":
            return Characters(((10, 10),), is_negated=True)
        if one == "\\":
            return self._escaped()
        return _one(self._checked(ord(one)))

    def _group(self, depth: int) -> Group:
        if depth >= MAX_DEPTH:
            self.refuse(f"found groups nested deeper than {MAX_DEPTH}")
        number = None
        if self._take("?:"):
            pass
        elif self._peek() == "?":
            self.refuse("found '(?', expected '(' or '(?:': there is no look-around, no flag and no named group")
        else:
            self.groups = number = self.groups + 1
            if number > MAX_GROUPS:
                self.refuse(f"found more than {MAX_GROUPS} groups, expected '(?:' for those that need no number")
        inner = self.choice(depth + 1)
        if not self._take(")"):
            self.refuse("found a group that is never closed")
        return Group(inner, number)

    def _repeated(self, atom: Node) -> Node:
        found = _COUNT.match(self._text, self.place)
        if found:
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else None
            length = found.end() - self.place
        elif self._peek() in {"*", "+", "?"}:
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._peek()]
            length = 1
        else:
            return atom
        if max(least, most or 0) > MAX_COUNT or (most is not None and most < max(least, 1)):
            self.refuse(f"found the count {self._text[self.place : self.place + length]!r}, expected 1 to {MAX_COUNT}")
        if any(isinstance(node, Anchor) for node in _nodes(atom)):
            self.refuse("found '^' or '$' in what is repeated")
        self.place += length
        is_lazy = self._take("?")
        if self._peek() in {"*", "+", "?"} or _COUNT.match(self._text, self.place):
            self.refuse("found a repetition of a repetition, expected a group around the first")
        return Repeat(atom, least, most, is_lazy)

    def _escaped(self) -> Characters:
        one = self._peek()
        if one.lower() in _CLASSES:
            self.place += 1
            return Characters(_CLASSES[one.lower()], is_negated=one.isupper())
        return _one(self._character_behind_backslash())

    def _character_behind_backslash(self) -> int:
        one = self._peek()
        if one in _CONTROLS:
            self.place += 1
            return _CONTROLS[one]
        if code := _CODE.match(self._text, self.place):
            self.place = code.end()
            return self._checked(int(code[1] or code[2], 16))
        if not one or one.isalnum() or not one.isascii():
            self.refuse(
                f"found '\\{one}', expected one of \\d \\w \\s \\D \\W \\S \\t \\n \\r \\f \\v \\x41 \\u00e9, or a "
                "sign behind the backslash: there are no back-references and no word boundaries"
            )
        self.place += 1
        return self._checked(ord(one))

    def _set(self) -> Characters:
        is_negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            if self.place >= len(self._text):
                self.refuse("found a set that is never closed, expected ']'")
            ranges += self._set_item()
        if not ranges:
            self.refuse("found an empty set; expected '\\]' where the sign itself is meant")
        return Characters(merged(ranges), is_negated)

    def _set_item(self) -> Ranges:
        behind = self._text[self.place + 1 : self.place + 2]
        if self._peek() == "\\" and behind.lower() in _CLASSES:
            self.place += 2
            return _complement(_CLASSES[behind.lower()]) if behind.isupper() else _CLASSES[behind]
        first = self._set_character()
        if self._peek() != "-" or self._text[self.place + 1 : self.place + 2] in ("]", ""):
            return ((first, first),)
        self.place += 1
        last = self._set_character()
        if last < first:
            self.refuse("found a range that ends before it starts")
        return ((first, last),)

    def _set_character(self) -> int:
        one = self._peek()
        if one in ("[", ""):
            self.refuse("found '[' in a set, expected '\\[' for the character")
        self.place += 1
        return self._character_behind_backslash() if one == "\\" else self._checked(ord(one))

    def _checked(self, code: int) -> int:
        if code == 0 or 0xD800 <= code < 0xE000:
            self.refuse(f"found U+{code:04X}, which no value holds")
        return code

    def _weigh(self, node: Node) -> None:
        if _weight(node) > MAX_WEIGHT:
            self.refuse(f"found more than {MAX_WEIGHT} characters and classes when counts are written out")

    def _peek(self) -> str:
        return self._text[self.place : self.place + 1]

    def _take(self, text: str) -> bool:
        is_there = self._text.startswith(text, self.place)
        self.place += len(text) * is_there
        return is_there


def merged(ranges: list[tuple[int, int]]) -> Ranges:
    """The same code points in ascending ranges that do not touch."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def _complement(ranges: Ranges) -> Ranges:
    starts = (1, *(last + 1 for _, last in ranges))
    ends = (*(first - 1 for first, _ in ranges), _LAST)
    return tuple((first, last) for first, last in zip(starts, ends, strict=True) if first <= last)


def _one(code: int) -> Characters:
    return Characters(((code, code),))


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Group(inner=inner) | Repeat(inner=inner):
            return (inner,)
        case Sequence(parts=parts) | Choice(branches=parts):
            return parts
    return ()


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _weight(node: Node) -> int:
    match node:
        case Characters(ranges=ranges):
            return len(ranges)
        case Repeat(inner=inner, least=least, most=most):
            return max(least, most or 0, 1) * max(_weight(inner), 1)
    return sum(map(_weight, _children(node))) or 1


def _is_bounded(node: Node) -> bool:
    return all(each.most is not None for each in _nodes(node) if isinstance(each, Repeat))


def _ends_where_it_looks(node: Node) -> bool:
    """Bounded in length, but for one class at the end that takes all it can: what was read of it is the match."""
    match node:
        case Repeat(inner=Characters(), most=None):
            return True
        case Choice(branches=branches):
            return all(map(_ends_where_it_looks, branches))
        case Group(inner=inner):
            return _ends_where_it_looks(inner)
        case Sequence(parts=(*bounded, last)):
            return all(map(_is_bounded, bounded)) and _ends_where_it_looks(last)
    return _is_bounded(node)


def _folded(node: Node) -> Node:
    match node:
        case Characters(ranges=ranges):
            more = [
                ord(to) for one, to in folding().items() if any(first <= ord(one) <= last for first, last in ranges)
            ]
            return replace(node, ranges=merged([*ranges, *((code, code) for code in more)])) if more else node
        case Group(inner=inner) | Repeat(inner=inner):
            return replace(node, inner=_folded(inner))
        case Sequence(parts=parts):
            return Sequence(tuple(map(_folded, parts)))
        case Choice(branches=branches):
            return Choice(tuple(map(_folded, branches)))
    return node


@dataclass(frozen=True, slots=True)
class _Notation:
    """How an engine writes what differs."""

    code: Callable[[int], str]
    start: str
    end: str
    captures: bool
    is_greedy_said: bool


_RUST = _Notation(lambda code: f"\\x{{{code:X}}}", r"\A", r"\z", captures=True, is_greedy_said=True)
_POSTGRESQL = _Notation(
    lambda code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}",
    r"\A",
    r"\Z",
    captures=False,
    is_greedy_said=False,
)


def _written(node: Node, notation: _Notation) -> str:
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
            return f"({'' if number and notation.captures else '?:'}{_written(inner, notation)})"
        case Repeat(inner=inner, is_lazy=is_lazy):
            lazy = "?" if is_lazy and notation.is_greedy_said else ""
            return f"{_written(inner, notation)}{_count(node)}{lazy}"
        case Sequence(parts=parts):
            return "".join(_written(part, notation) for part in parts)
        case Choice(branches=branches):
            # In a group of its own, since an anchor or a neighbour may stand beside it.
            return f"(?:{'|'.join(_written(branch, notation) or '(?:)' for branch in branches)})"


def _count(node: Repeat) -> str:
    if node.most is None:
        return {0: "*", 1: "+"}.get(node.least, f"{{{node.least},}}")
    return "?" if (node.least, node.most) == (0, 1) else f"{{{node.least},{node.most}}}"


def _character(code: int, notation: _Notation) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else notation.code(code)
