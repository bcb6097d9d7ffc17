"""In which encoding a text is written, by its whole content.

An encoding is excluded by bytes that have no meaning in it, or that would be control characters. UTF-8 proves itself,
as no other text is valid in it by accident. Of the others, several may remain; where they all read the same text it
does not matter, and else a person is asked, with words of the file as each would read them.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.domain.asking import Asking
from shared.domain.findings import Certainty, Choice, Found, QuestionCode
from shared.formats.sniffing.words import is_plausible
from shared.formats.source import ByteSource

POINTER = "/encoding"
CHUNK_BYTES = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SINGLE = (
    "cp1252",
    "iso8859-15",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "iso8859-5",
    "cp1253",
    "cp1254",
    "cp1257",
    "cp1255",
    "cp1256",
    "cp874",
    "mac-roman",
    "cp850",
    "cp437",
    "cp852",
    "cp866",
)
_MULTIPLE = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_CONTROLS = frozenset(range(0x80, 0xA0)) | frozenset(range(0x20)) - {9, 10, 12, 13} | {0x7F}
_MAX_WORDS = 300
_MAX_CHOICES = 6
_IMPLAUSIBLE = 0.1


@dataclass(frozen=True)
class Seen:
    """What one pass over the whole file told."""

    size_bytes: int
    counts: npt.NDArray[np.int64]
    """How often each byte value occurs."""
    odd_nuls: int
    mark: str | None
    """The encoding whose byte order mark the file begins with."""
    bad_utf8: int
    """Stretches that are not UTF-8."""
    good_utf8: int
    """Characters beyond ASCII that are valid UTF-8."""
    lines: tuple[bytes, ...]
    """Some lines with bytes beyond ASCII."""

    @property
    def is_ascii(self) -> bool:
        """Whether no byte is beyond ASCII."""
        return not self.counts[0x80:].any()


Open = Callable[[], ByteSource]


def look(source: ByteSource) -> Seen:
    """Read the whole file once."""
    counts = np.zeros(256, dtype=np.int64)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    size = odd_nuls = bad = good = 0
    lines: list[bytes] = []
    mark: str | None = None
    while data := source.read(CHUNK_BYTES):
        if not size:
            mark = next((name for mark, name in _MARKS if data.startswith(mark)), None)
        values = np.frombuffer(data, dtype=np.uint8)
        counts += np.bincount(values, minlength=256)
        if b"\0" in data:
            odd_nuls += int(np.count_nonzero(values[(size + 1) % 2 :: 2] == 0))
        size += len(data)
        if not data.isascii() or decoder.getstate()[0]:
            text = decoder.decode(data)
            bad_here = len(_SURROGATES.findall(text))
            bad += bad_here
            good += sum(map(len, _BEYOND.findall(text)))
            if len(lines) < _MAX_WORDS:
                lines += _high_lines(data)[: _MAX_WORDS - len(lines)]
    bad += len(_SURROGATES.findall(decoder.decode(b"", final=True)))
    return Seen(size, counts, odd_nuls, mark, bad, good, tuple(lines))


_SURROGATES = re.compile("[\udc80-\udcff]+")
_BEYOND = re.compile("[^\x00-\x7f\udc80-\udcff]+")
_HIGH = re.compile(rb"[^\r\n]{0,200}[\x80-\xff][^\r\n]{0,200}")


def _high_lines(data: bytes) -> list[bytes]:
    return [match[0] for match in _limited(_HIGH.finditer(data), _MAX_WORDS)]


def _limited(matches: Iterator[re.Match[bytes]], count: int) -> Iterator[re.Match[bytes]]:
    for _ in range(count):
        match = next(matches, None)
        if match is None:
            return
        yield match


@dataclass(frozen=True)
class FoundEncoding:
    """The encoding and how sure that is, 0 to 1."""

    found: Found[str]
    confidence: float


def find_encoding(seen: Seen, again: Open, asking: Asking) -> FoundEncoding | None:
    """The encoding of a text; None where it is none in any that is known. `again` opens the file for another pass."""
    if seen.mark is not None:
        if _is_valid(again(), seen.mark):
            return _certain(seen.mark, f"The file begins with the byte order mark of {seen.mark.upper()}.")
        if seen.mark != "utf-8":
            return None
    if seen.counts[0]:
        return _wide(seen, again)
    if not seen.bad_utf8:
        if seen.is_ascii:
            return _plain(seen, again, asking)
        why = f"All {seen.good_utf8} characters beyond ASCII are valid UTF-8, which they would not be by accident."
        return _certain("utf-8", why)
    return _other(seen, again, asking)


def _certain(name: str, *why: str) -> FoundEncoding:
    return FoundEncoding(Found(value=name, why=why), 1.0)


def _wide(seen: Seen, again: Open) -> FoundEncoding | None:
    """Text with NULs: UTF-16 without a mark, by where the NULs stand, or no text."""
    nuls = int(seen.counts[0])
    if seen.size_bytes % 2 == 0:
        for name, share in (("utf-16-le", seen.odd_nuls / nuls), ("utf-16-be", 1 - seen.odd_nuls / nuls)):
            if share > 1 - _IMPLAUSIBLE and nuls > seen.size_bytes * 0.05 and _is_text(again(), name):
                return _certain(name, "Every second byte is NUL, and the file is valid in it.")
    # A few NULs in a text: its rows are rejected one by one, so they do not make it a binary file.
    controls = sum(int(seen.counts[value]) for value in range(32) if value not in (9, 10, 12, 13, 27))
    if controls <= seen.size_bytes * 0.001 + 1 and not seen.bad_utf8:
        return _certain("utf-8", f"The file is valid UTF-8, but for {nuls} NUL bytes.")
    return None


def _plain(seen: Seen, again: Open, asking: Asking) -> FoundEncoding | None:
    controls = sum(int(seen.counts[value]) for value in range(32) if value not in (1, 9, 10, 12, 13, 26, 27, 30, 31))
    if controls > seen.size_bytes * 0.02 + 2:
        return None
    if seen.counts[27] and _is_valid(again(), "iso2022_jp"):
        words = [line for line in _escaped_lines(again()) if line]
        return _ask({"iso2022_jp": _decoded(words, "iso2022_jp"), "utf-8": _decoded(words, "utf-8")}, [], asking)
    return _certain("utf-8", "All bytes are ASCII, which all usual encodings read alike.")


def _escaped_lines(source: ByteSource) -> list[bytes]:
    return [line for line in source.read(CHUNK_BYTES).splitlines() if b"\x1b" in line][:_MAX_WORDS]


def _other(seen: Seen, again: Open, asking: Asking) -> FoundEncoding | None:
    controls = sum(int(seen.counts[value]) for value in range(32) if value not in (1, 9, 10, 12, 13, 26, 27, 30, 31))
    if controls > seen.size_bytes * 0.01 + 2:
        return None
    used = bytes(value for value in range(0x80, 0x100) if seen.counts[value])
    single = [name for name in _SINGLE if _has_meaning(used, name)]
    multiple = [name for name in _MULTIPLE if _is_valid(again(), name)]
    readings = {name: _decoded(seen.lines, name) for name in (*multiple, *single)}
    doubtful = {name: _implausible(texts) for name, texts in readings.items()}
    best = min(doubtful.values(), default=0.0)
    left = {name: readings[name] for name, share in doubtful.items() if share <= best + _IMPLAUSIBLE / 2}
    excluded = [name for name in (*_MULTIPLE, *_SINGLE) if name not in left]
    if seen.good_utf8 > seen.bad_utf8:
        left = {"utf-8": _decoded(seen.lines, "utf-8"), **left}
    if not left:
        return None
    left = dict(sorted(left.items(), key=lambda each: doubtful.get(each[0], 0.0)))
    return _ask(left, excluded, asking, used=used)


def _ask(left: dict[str, tuple[str, ...]], excluded: Sequence[str], asking: Asking, used: bytes = b"") -> FoundEncoding:
    """One encoding where all that are left read the same; else a question of those that differ."""
    groups: dict[tuple[str, ...] | str, list[str]] = {}
    for name, texts in left.items():
        # The lines are some; of a single-byte encoding the bytes in use tell about all.
        reading = used.decode(name) if name in _SINGLE else texts
        groups.setdefault(reading, []).append(name)
    names = [group[0] for group in groups.values()]
    why = (
        [f"Excluded, by bytes without meaning or words that make no sense: {', '.join(excluded)}."] if excluded else []
    )
    if len(names) == 1:
        alike = next(iter(groups.values()))[1:]
        if alike:
            why.insert(0, f"{', '.join(alike)} would read the same text.")
        return FoundEncoding(Found(value=names[0], why=tuple(why)), 1.0 if alike or not excluded else 0.9)
    choices = [
        Choice(
            value=name,
            label=name,
            consequence="Text is read so."
            if name != "utf-8"
            else "Rows with bytes that are not UTF-8 are handed back.",
            example=_example(left[name], [left[other] for other in names if other != name]),
        )
        for name in names[:_MAX_CHOICES]
    ]
    found = asking.ask(
        QuestionCode.ENCODING, POINTER, "Which of these readings is right?", choices, why=why, is_free=True
    )
    confidence = 1.0 if found.certainty is Certainty.ANSWERED else 1 / len(names)
    return FoundEncoding(Found(value=str(found.value), certainty=found.certainty, why=found.why), confidence)


def _example(texts: Sequence[str], others: Sequence[Sequence[str]]) -> str:
    """The word that shows best how this reading differs."""
    for place, text in enumerate(texts):
        mine = _HIGH_WORDS.findall(text)
        if mine and any(place < len(other) and other[place] != text for other in others):
            return " ".join(mine[:3])[:80]
    return ""


_HIGH_WORDS = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\s,;|\"]*")


def _has_meaning(used: bytes, name: str) -> bool:
    try:
        text = used.decode(name)
    except UnicodeDecodeError:
        return False
    return not any(ord(c) in _CONTROLS or unicodedata.category(c) in ("Co", "Cn") for c in text)


def _is_valid(source: ByteSource, name: str) -> bool:
    """Whether the whole file has a meaning in an encoding."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    try:
        while data := source.read(CHUNK_BYTES):
            decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _is_text(source: ByteSource, name: str) -> bool:
    """Whether the whole file has a meaning in an encoding, and none of it is a control character."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    try:
        while data := source.read(CHUNK_BYTES):
            if _CONTROL.search(decoder.decode(data)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1d\x7f-\x9f\ufffe\uffff]")


def _decoded(lines: Sequence[bytes], name: str) -> tuple[str, ...]:
    return tuple(line.decode(name, "replace") for line in lines)


def _implausible(texts: Sequence[str]) -> float:
    words = [word for text in texts for word in _WORDS.findall(text) if not word.isascii()]
    return sum(not is_plausible(word) for word in words) / len(words) if words else 0.0


_WORDS = re.compile(r"[^\s,;|\"'0-9()@.:/]+")
