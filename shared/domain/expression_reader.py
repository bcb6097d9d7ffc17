"""Read the notation of regular expressions. See regular_expression.py, which says what there is."""

import re
from typing import NoReturn

from shared.domain.expression_tree import (
    Anchor,
    Characters,
    Choice,
    Group,
    Node,
    Ranges,
    Repeat,
    Sequence,
    merged,
    nodes_of,
    skips_of,
    weight_of,
)

MAX_WEIGHT = 1_000
MAX_SKIPS = 200
MAX_COUNT = 200
MAX_DEPTH = 20
MAX_GROUPS = 20

_LAST = 0x10FFFF
_CLASSES: dict[str, Ranges] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")


class Reader:
    """Recursive descent over the text; `place` is the next character's."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.place = 0
        self.groups = 0

    def refuse(self, sentence: str) -> NoReturn:
        """Raises ValueError."""
        raise ValueError(f"{sentence} (at character {self.place + 1} of the regular expression)")

    def choice(self, depth: int) -> Node:
        """Read up to the end of a group, or of the text. Raises ValueError."""
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
        if any(isinstance(node, Anchor) for node in nodes_of(atom)):
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
        if weight_of(node) > MAX_WEIGHT:
            self.refuse(f"found more than {MAX_WEIGHT} characters and classes when counts are written out")
        if skips_of(node) > MAX_SKIPS:
            self.refuse(f"found more than {MAX_SKIPS} parts that may be left out when counts are written out")

    def _peek(self) -> str:
        return self._text[self.place : self.place + 1]

    def _take(self, text: str) -> bool:
        is_there = self._text.startswith(text, self.place)
        self.place += len(text) * is_there
        return is_there


def _complement(ranges: Ranges) -> Ranges:
    starts = (1, *(last + 1 for _, last in ranges))
    ends = (*(first - 1 for first, _ in ranges), _LAST)
    return tuple((first, last) for first, last in zip(starts, ends, strict=True) if first <= last)


def _one(code: int) -> Characters:
    return Characters(((code, code),))
