"""In which encoding a whole file is written, where its goal says `auto`.

One pass over the file counts its bytes, tries it as UTF-8 and gathers words with letters beyond ASCII. A byte order
mark settles the matter; UTF-8 and UTF-16 prove themselves. Of the encodings that give every byte of the file a
meaning, chardet says how well each one's reading of the words looks like a language; the best is taken only if it
leaves every other reading well behind, and otherwise there is no answer but those readings. Encodings that read the
file alike are one reading.

Nothing here is replaced or repaired, and no person is asked: that is for whoever has one.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import chardet
import numpy as np

from shared.domain.failures import AmbiguousEncoding, UndecodableFile
from shared.formats.source import ByteSource

Opener = Callable[[], AbstractContextManager[ByteSource]]

_CHUNK_BYTES = 1 << 20
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Longer ones first: that of UTF-16 begins that of UTF-32."""

# Weights say how common an encoding is among files that are exchanged today; the others are not looked for.
_SINGLE = {
    "cp1252": 1.3, "iso8859-15": 1.0, "cp1250": 1.0, "iso8859-2": 1.0, "cp1251": 1.0, "koi8-r": 1.0, "koi8-u": 1.0,
    "cp1253": 1.0, "iso8859-7": 1.0, "cp1254": 1.0, "iso8859-9": 1.0, "cp1255": 1.0, "iso8859-8": 1.0, "cp1256": 1.0,
    "cp874": 1.0, "cp1257": 0.6, "cp1258": 0.6, "iso8859-4": 0.6, "iso8859-5": 0.6, "iso8859-13": 0.6,
    "mac-roman": 0.6, "mac-latin2": 0.6, "mac-cyrillic": 0.6, "mac-greek": 0.6, "mac-turkish": 0.6, "cp850": 0.6,
    "cp437": 0.6, "cp852": 0.6, "cp866": 0.6,
}  # fmt: skip  # a table
_MULTIPLE = ("cp932", "euc_jp", "gb18030", "big5hkscs", "cp949")
_ESCAPING = ("iso2022_jp", "iso2022_kr", "hz")
_DETECTED_AS = {
    "shift_jis": "cp932", "shift_jis_2004": "cp932", "euc_jis_2004": "euc_jp", "big5": "big5hkscs",
    "cp950": "big5hkscs", "euc_kr": "cp949", "iso8859-1": "cp1252", "tis-620": "cp874",
}  # fmt: skip  # a table
"""What a wider encoding reads as well."""

_MANY_WORDS = 5
"""Fewer words look like any language."""
_AHEAD = 1.5
"""How far the best reading must be ahead. With so many words, among 465 files of names in 18 languages and 31
encodings, no reading that was this far ahead was a wrong one."""
_KEPT_WORDS = 4_000
_WORDS_OF_A_CHUNK = 200
_UTF8_SHARE = 20
"""So many characters of UTF-8 for each byte that is none make a file UTF-8 with mistakes."""
_ACCIDENTS = 0.5
"""So many for each byte that is none come about in no other encoding: in text of GB 2312 it is one for thirteen."""
_HIGH = range(0x80, 0x100)


@dataclass(frozen=True, slots=True)
class FoundEncoding:
    """What the bytes of a whole file say about its encoding."""

    encoding: str
    """As Python names it; the likeliest, where `rivals` are left."""
    confidence: float
    """0 to 1."""
    why: str
    alike: tuple[str, ...] = ()
    """Other encodings that read the same text."""
    rivals: tuple[str, ...] = ()
    """Encodings that read another text and are not excluded: a person must choose."""

    def settled(self) -> str:
        """The encoding. Raises `AmbiguousEncoding` where others are as good."""
        if self.rivals:
            choices = ", ".join((self.encoding, *self.rivals))
            raise AmbiguousEncoding(f"Each of these would read the file, and each differently: {choices}. {self.why}")
        return self.encoding


@dataclass(slots=True)
class _Seen:
    """What one pass over the file told."""

    size_bytes: int = 0
    mark: str | None = None
    counts: "np.ndarray[tuple[int], np.dtype[np.int64]]" = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    odd_nuls: int = 0
    utf8_characters: int = 0
    """Beyond ASCII."""
    faults: int = 0
    """Bytes that are no UTF-8."""
    words: dict[bytes, None] = field(default_factory=dict)

    @property
    def high(self) -> bytes:
        """The bytes beyond ASCII that occur."""
        return bytes(value for value in _HIGH if self.counts[value])


def detect(opener: Opener) -> FoundEncoding:
    """The encoding of a file that is opened anew for each pass. Raises `UndecodableFile` where none fits."""
    with opener() as source:
        seen = _look(source)
    if seen.mark is not None:
        return FoundEncoding(seen.mark, 1.0, f"The file begins with the byte order mark of {seen.mark}.")
    if seen.counts[0] and (wide := _wide(seen, opener)) is not None:
        return wide
    if not seen.high:
        return _of_ascii(seen, opener)
    if not seen.faults:
        why = f"All {seen.utf8_characters} characters beyond ASCII are valid UTF-8."
        return FoundEncoding("utf-8", 1.0, why)
    if seen.utf8_characters >= _UTF8_SHARE * seen.faults:
        share = seen.utf8_characters / (seen.utf8_characters + seen.faults)
        why = f"All but {seen.faults} bytes beyond ASCII are valid UTF-8; rows with the others cannot be read."
        return FoundEncoding("utf-8", min(round(share, 2), 0.99), why)
    return _by_language(seen, opener)


def contradicting_mark(head: bytes, encoding: str) -> str | None:
    """The encoding whose byte order mark a file begins with, where that is plainly another than the one given."""
    mark, found = next(((mark, name) for mark, name in _MARKS.items() if head.startswith(mark)), (b"", ""))
    name = codecs.lookup(encoding).name.removesuffix("-sig")
    if not found or name == found:
        return None
    # Of utf-16-le the mark is one of utf-16, if it is that of this order.
    return None if name.startswith(found) and "\ufeff".encode(name) == mark else found


def other_than(expected: str, opener: Opener, found: FoundEncoding | None = None) -> str | None:
    """What a file is written in, where its bytes say that it is not the encoding that was expected; else None.

    `found` is what `detect` said, where it was asked. A file of ASCII is in any. Reads the file once.
    """
    name = codecs.lookup(expected).name.removesuffix("-sig")
    usual = _DETECTED_AS.get(name, name)
    if found is not None and found.encoding != "utf-8":
        same = (found.encoding, *found.alike)
        return None if usual in same or name in same or name.startswith(found.encoding) else found.encoding
    if name.startswith(("utf-16", "utf-32")):
        return None if found is None else found.encoding
    with opener() as source:
        seen = _look(source)
    if name == "utf-8":
        return "bytes that are none" if seen.utf8_characters < _UTF8_SHARE * seen.faults else None
    return "utf-8" if not seen.faults and seen.utf8_characters >= _PROOF else None


_PROOF = 3
"""So many characters that are valid UTF-8, and not a byte that is none, are no accident of another encoding."""


def _look(source: ByteSource) -> _Seen:
    seen = _Seen()
    cut = b""
    words_of_a_chunk = _WORDS_OF_A_CHUNK
    while data := source.read(_CHUNK_BYTES):
        if not seen.size_bytes:
            while len(data) < 4 and (more := source.read(4)):
                data += more
            seen.mark = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
        values = np.frombuffer(data, dtype=np.uint8)
        seen.counts += np.bincount(values, minlength=256)
        if b"\0" in data:
            seen.odd_nuls += int(np.count_nonzero(values[1 - seen.size_bytes % 2 :: 2] == 0))
        seen.size_bytes += len(data)
        if data.isascii() and not cut:
            continue
        cut = _judge(cut + data, seen, is_last=False)
        _keep_words(data, values, words_of_a_chunk, seen)
        if len(seen.words) > _KEPT_WORDS:
            # The later chunks count for as much as the first ones.
            seen.words = dict.fromkeys(list(seen.words)[::2])
            words_of_a_chunk = max(words_of_a_chunk // 2, 1)
    _judge(cut, seen, is_last=True)
    return seen


def _judge(data: bytes, seen: _Seen, *, is_last: bool) -> bytes:
    """Count what is UTF-8 and what is not; gives back what is cut at the end."""
    try:
        text, used = codecs.utf_8_decode(data, "strict", is_last)
    except UnicodeDecodeError:
        text, used = codecs.utf_8_decode(data, "surrogateescape", is_last)
        seen.faults += sum(match.end() - match.start() for match in _ESCAPED.finditer(text))
        seen.utf8_characters += sum(match.end() - match.start() for match in _BEYOND.finditer(text))
    else:
        # Each character beyond ASCII has one byte that begins it.
        seen.utf8_characters += int(np.count_nonzero(np.frombuffer(data[:used], dtype=np.uint8) >= 0xC0))
    return data[used:]


_ESCAPED = re.compile("[\udc80-\udcff]+")
_BEYOND = re.compile("[^\x00-\x7f\udc80-\udcff]+")
_CONTROLS = [value for value in range(32) if value not in b"\t\n\f\r\x1a\x1b\x1e\x1f"]


def _keep_words(data: bytes, values: "np.ndarray[tuple[int], np.dtype[np.uint8]]", limit: int, seen: _Seen) -> None:
    """Words around bytes beyond ASCII, so many at most."""
    end = 0
    for place in np.flatnonzero(values >= 0x80).tolist():
        if place < end:
            continue
        before = _LETTERS_BEFORE.search(data, max(place - _MAX_LETTERS, end), place)
        begin = place if before is None else before.start()
        behind = _LETTERS.match(data, place)
        end = place + 1 if behind is None else behind.end()
        seen.words[data[begin : min(end, place + _MAX_LETTERS)]] = None
        limit -= 1
        if not limit:
            return


_MAX_LETTERS = 40
_LETTERS = re.compile(rb"[^\x00-\x20,;|\"'=<>@/()0-9]+")
_LETTERS_BEFORE = re.compile(rb"[^\x00-\x20,;|\"'=<>@/()0-9]+\Z")


def _wide(seen: _Seen, opener: Opener) -> FoundEncoding | None:
    """UTF-32 or UTF-16 without a mark: by where the NULs stand, and by reading the file whole."""
    nuls = int(seen.counts[0])
    if seen.size_bytes % 2 or nuls * 100 < seen.size_bytes:
        return None
    wide = ["utf-32-le", "utf-32-be"] if seen.size_bytes % 4 == 0 and nuls * 2 > seen.size_bytes else []
    wide.append("utf-16-le" if seen.odd_nuls * 2 > nuls else "utf-16-be")
    for name in wide:
        if _has_meaning(opener, name):
            return FoundEncoding(name, 0.95, f"{nuls} bytes are NUL, as in {name}, and the whole file is valid in it.")
    return None


def _of_ascii(seen: _Seen, opener: Opener) -> FoundEncoding:
    if seen.counts[0x1B] or (seen.counts[ord("~")] and seen.counts[ord("{")]):
        for name in _ESCAPING:
            if _has_meaning(opener, name, beyond_ascii=True):
                why = f"All bytes are ASCII, but the file has escape sequences of {name} and is valid in it."
                return FoundEncoding(name, 0.9, why)
    return FoundEncoding("utf-8", 1.0, "All bytes are ASCII, which the usual encodings read alike.")


def _by_language(seen: _Seen, opener: Opener) -> FoundEncoding:
    words = tuple(seen.words)
    if int(seen.counts[_CONTROLS].sum()) * 100 > seen.size_bytes:
        raise UndecodableFile("Found more control characters than any text has.")
    readings = [each for each in _weighed(words) if each[1] in _MULTIPLE or _all_have_meaning(seen.high, each[1])]
    while True:
        kept = _without_nonsense(readings, words)
        unfit = [each for each in kept if each[1] in _MULTIPLE and not _has_meaning(opener, each[1])]
        if not unfit:
            break
        readings = [each for each in readings if each not in unfit]
    readings = kept
    if not readings:
        raise UndecodableFile("Found no encoding in which every byte of it has a meaning.")
    alike: dict[tuple[str, ...] | str, list[str]] = {}
    weights: dict[tuple[str, ...] | str, float] = {}
    for weight, name in readings:
        # What a single-byte encoding makes of the file follows from the bytes in use.
        key = seen.high.decode(name) if name in _SINGLE else tuple(_read(word, name) for word in words)
        alike.setdefault(key, []).append(name)
        weights.setdefault(key, weight)
    order = sorted(weights, key=lambda key: -weights[key])
    first = alike[order[0]]
    ahead = weights[order[0]] / max(weights[order[1]], 1e-9) if len(order) > 1 else 99.0
    why = f"Judged by {len(words)} words with letters beyond ASCII."
    if seen.utf8_characters > _ACCIDENTS * seen.faults:
        return FoundEncoding("utf-8", 0.5, f"{why} UTF-8 reads most of them.", rivals=tuple(first[:1]))
    if len(order) == 1 or (ahead >= _AHEAD and len(words) >= _MANY_WORDS):
        return FoundEncoding(first[0], round(ahead / (1 + ahead), 2), why, alike=tuple(first[1:]))
    rivals = tuple(alike[key][0] for key in order[1:4])
    return FoundEncoding(first[0], round(ahead / (1 + ahead), 2), why, alike=tuple(first[1:]), rivals=rivals)


def _weighed(words: Sequence[bytes]) -> Iterator[tuple[float, str]]:
    """How much each encoding's reading of the words is like a language, best first."""
    found: dict[str, float] = dict.fromkeys((*_SINGLE, *_MULTIPLE), 0.0)
    for each in chardet.detect_all(b" ".join(words), ignore_threshold=True):
        if each["encoding"] is None:
            continue
        name = codecs.lookup(each["encoding"]).name
        name = _DETECTED_AS.get(name, name)
        weight = each["confidence"] * _SINGLE.get(name, 1.0)
        if name in found:
            found[name] = max(found[name], weight)
    for weight, name in sorted(((weight, name) for name, weight in found.items()), reverse=True):
        yield weight, name


def _without_nonsense(readings: Sequence[tuple[float, str]], words: Sequence[bytes]) -> list[tuple[float, str]]:
    """The readings but those in which more words than need be hold what no word holds."""
    odd = {name: sum(_is_odd(_read(word, name)) for word in words) for _, name in readings}
    least = min(odd.values(), default=0)
    return [each for each in readings if odd[each[1]] <= least + len(words) // 10]


def _is_odd(word: str) -> bool:
    """Whether the word has what none has: symbols between letters, a capital beyond ASCII behind a small letter,
    several scripts. Marks at its ends are its sentence's."""
    are_letters = [unicodedata.category(c)[0] in "LM" and c not in _LIGATURES for c in word]
    if not any(are_letters):
        return False
    first, behind = are_letters.index(True), len(word) - are_letters[::-1].index(True)
    inner = zip(word[first:behind], are_letters[first:behind], strict=True)
    if any(not is_letter and not c.isascii() and not _may_join(c) for c, is_letter in inner):
        return True
    letters = [c for c, is_letter in zip(word, are_letters, strict=True) if is_letter]
    if any(one.islower() and next_.isupper() and not next_.isascii() for one, next_ in pairwise(letters)):
        return True
    return len({_script(c) for c in letters} - {""}) > 1


def _may_join(character: str) -> bool:
    """Whether it stands between letters in some language: apostrophes, dashes, all punctuation of East Asia."""
    return character in "–—’‘´·…" or "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uff60"


_LIGATURES = "ﬀﬁﬂﬃﬄﬅﬆ"
"""What some encodings have for type-setters, and nobody types."""


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    """The script that a letter is of; those that stand beside each other in East Asia are one."""
    name = unicodedata.name(character, "").split(" ")[0]
    if unicodedata.category(character).startswith("M") or name in ("MODIFIER", "FEMININE", "MASCULINE"):
        return ""
    return "EAST" if name in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC") else name


def _read(word: bytes, name: str) -> str:
    """A word; its last character may be cut, where it is long or where its second byte is that of a delimiter."""
    return word.decode(name, "replace").rstrip("\ufffd")


def _all_have_meaning(high: bytes, name: str) -> bool:
    try:
        text = high.decode(name)
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(c) in ("Cc", "Cn", "Co") for c in text)


def _has_meaning(opener: Opener, name: str, *, beyond_ascii: bool = False) -> bool:
    """Whether the whole file can be decoded, and gives no NULs; with `beyond_ascii`, whether that is worth it."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    is_beyond = False
    with opener() as source:
        try:
            while data := source.read(_CHUNK_BYTES):
                text = decoder.decode(data)
                is_beyond |= not text.isascii()
                if "\0" in text:
                    return False
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return is_beyond or not beyond_ascii
