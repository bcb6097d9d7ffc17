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
expression may cost is bounded: 500 characters; when its counts are written out, 1,000 characters and classes, of which
200 parts may be left out.

Nothing is matched here.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.domain.expression_notation import POSTGRESQL, RUST, written
from shared.domain.expression_reader import Reader
from shared.domain.expression_tree import Node, ends_where_it_looks, folded

MAX_LENGTH = 500


@dataclass(frozen=True, slots=True)
class RegularExpression:
    """An expression that was read."""

    root: Node
    groups: int
    """How many groups capture."""

    def for_rust(self) -> str:
        """In the notation of Rust's engine, which is that of polars."""
        return written(self.root, RUST)

    def for_postgresql(self) -> str:
        """In PostgreSQL's advanced notation, for asking whether it matches: groups have no numbers, none is lazy."""
        return written(self.root, POSTGRESQL)

    @property
    def looks_far(self) -> bool:
        """Whether looking for a match may read on far behind the match that is found.

        To find all matches of such an expression takes time by the square of the text's length, in every engine.
        """
        return not ends_where_it_looks(self.root)

    def folded(self) -> "RegularExpression":
        """For texts that were folded by `case_folding.fold`: matches them as it would without regard to case."""
        return replace(self, root=folded(self.root))


@lru_cache(maxsize=256)
def regular_expression(text: str) -> RegularExpression:
    """Read an expression. Raises ValueError with what was found, where, and what was expected."""
    if not text:
        raise ValueError("found an empty regular expression, which would match everything")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"found a regular expression of {len(text)} characters, expected at most {MAX_LENGTH}")
    reader = Reader(text)
    root = reader.choice(0)
    if reader.place < len(text):
        reader.refuse("found ')' without a group, expected '\\)' for the character")
    return RegularExpression(root, reader.groups)


def _checked(text: str) -> str:
    regular_expression(text)
    return text


RegularExpressionText = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH), AfterValidator(_checked)]
"""A field of a model that holds one."""
