"""What an export's files are called, from the name that its run was given. Pure, and the same for every attempt."""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from shared.domain.packing import MOST_PIECES, Packing

NUMBER = "{number}"
"""Where the number of a piece stands in a name."""
SEGMENT = "{segment}"
"""Where the name of the segment stands that an export is about."""
MAX_SEGMENT_BYTES = 120
"""In a file's name; a longer name of a segment is cut."""
MAX_ALIKE = 1_000
"""How many files with one name are counted through."""
SEALED = ".pgp"
"""What a name of an encrypted file ends with, unless it says so already."""
_ALSO_SEALED = (SEALED, ".gpg")
_AWKWARD = frozenset('/\\:*?"<>|{}.')
"""What servers take for something else in a name; a dot would begin an extension, or hide the file."""
_WITH_SIGN = re.compile(r"[-_. ]?\{number\}")
_PACKED = {"gzip": ".gz", "zip": ".zip", "zstd": ".zst", "none": ""}


class ExportName(NamedTuple):
    """The name of an export's file, in its parts."""

    stem: str
    """May hold {number}."""
    extension: str
    """Such as `.csv`; empty where there is none."""
    endings: str
    """What packing and encryption add: `.gz.pgp`."""

    @classmethod
    def of(cls, name: str, packing: Packing, *, is_sealed: bool) -> "ExportName":
        """From target.file_name, or from a whole name; what it ends with already is not added once more."""
        seal = next((each for each in _ALSO_SEALED if name.endswith(each)), SEALED) if is_sealed else ""
        name = name.removesuffix(seal)
        packed = _PACKED[packing.compression]
        name = name.removesuffix(packed)
        stem, dot, extension = name.rpartition(".")
        return cls(stem, dot + extension, packed + seal) if stem else cls(name, "", packed + seal)

    def beside(self, part: str) -> "ExportName":
        """The name of a further file of the run: `all_order.csv` beside `all.csv`; for the main one, its own."""
        return self._replace(stem=f"{self.stem}_{part}") if part else self

    def alike(self, last: object) -> Iterator[str]:
        """Names for runs that would have the same, in their order: itself, with `_2` and so on, and with `last`."""
        yield self.whole
        for sign in (*range(2, MAX_ALIKE), last):
            yield self._replace(stem=f"{self.stem}_{sign}").whole

    @property
    def whole(self) -> str:
        """The name where nothing is split. {number} stands in it, if it stands in the goal's."""
        return f"{self.stem}{self.extension}{self.endings}"

    @property
    def announced(self) -> str:
        """What the names of the manifest and of the done file begin with: they have no number."""
        if NUMBER not in self.whole:
            return self.whole
        bare = _WITH_SIGN.sub("", self.whole).lstrip("-_. ")
        return bare if self.stem.replace(NUMBER, "").strip("-_. ") else f"files.{bare}"

    @property
    def inner(self) -> str:
        """The name of what is packed, as an archive tells it."""
        # `contacts.zip` says what the archive is, and not what it holds.
        extension = self.extension or (".csv" if self.endings.startswith(".zip") else "")
        return f"{self.stem}{extension}"

    def piece(self, number: int) -> "ExportName":
        """The name of one of the files that a file is split into; the first is 1."""
        if NUMBER in self.stem + self.extension:
            digits = f"{number:03}"
            return ExportName(self.stem.replace(NUMBER, digits), self.extension.replace(NUMBER, digits), self.endings)
        return self._replace(stem=f"{self.stem}_{number:03}")

    def pieces_behind(self, last: int) -> Iterator[str]:
        """The names of pieces with higher numbers."""
        return (self.piece(number).whole for number in range(last + 1, MOST_PIECES + 1))


def in_file_name(name: str) -> str:
    """What somebody called a thing, as part of a file's name that every server takes: one line, no path, no extension.

    Awkward characters become `_`, invisible ones are left out. Two names that differ in nothing else come to the same.
    What is cut ends with eight digits of the whole name's SHA-256, so that long names stay different.
    """
    plain = "".join(map(_in_file_name, unicodedata.normalize("NFC", name)))
    plain = " ".join(plain.split()).lstrip("- ") or "_"
    content = plain.encode()
    if len(content) <= MAX_SEGMENT_BYTES:
        return plain
    digits = "-" + sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return content[: MAX_SEGMENT_BYTES - len(digits)].decode(errors="ignore").rstrip() + digits


def _in_file_name(char: str) -> str:
    kind = unicodedata.category(char)
    if kind == "Cf":
        return ""
    return "_" if char in _AWKWARD or kind[0] == "C" or kind in ("Zl", "Zp") else char
