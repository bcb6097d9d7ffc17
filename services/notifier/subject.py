"""The Subject header, written by ourselves.

Python's `email` reads a text that looks like an encoded word as one, even where a program sets it: a file called
`=?utf-8?b?DQpCY2M6...?=` would become a line break and a header of its own. It also loses blanks where it folds. So
the whole text is encoded here as soon as it holds anything but plain ASCII.
"""

from base64 import b64encode
from email.policy import Policy

_WORD_BYTES = 39
"""52 characters of base64 and the 12 around them: with `Subject: ` before it 73, where RFC 2047 allows 76 on a line."""


class Subject(str):
    """A subject that a message takes as it is (`EmailPolicy.header_store_parse`: a value that has a name)."""

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: Policy) -> str:
        """The header as it goes on the wire. Expects one line of text (`shown`); whoever reads it sees just that."""
        plain = self.isascii() and self.isprintable() and "=?" not in self
        lines = [str(self)] if plain else [f"=?utf-8?b?{b64encode(word).decode('ascii')}?=" for word in _words(self)]
        return f"{self.name}: {f'{policy.linesep} '.join(lines)}{policy.linesep}"


def _words(text: str) -> list[bytes]:
    """The text in UTF-8, cut between characters into pieces that fit into an encoded word."""
    words = [b""]
    for char in text:
        encoded = char.encode()
        if len(words[-1]) + len(encoded) > _WORD_BYTES:
            words.append(b"")
        words[-1] += encoded
    return words
