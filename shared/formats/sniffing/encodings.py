"""In which encoding a file is written: what `encoding.detect` finds, or a question with words of the file.

That one judges by what texts are like, and a sample may be short. So where it is not proved (by a mark, by UTF-8), few
words are not believed as long as another usual encoding makes words of them too, and none that make no sense.
Whether it is a text at all is judged here as well, as some encodings give every byte a meaning.
"""

import re
from collections.abc import Sequence
from itertools import islice

from pydantic import ValidationError

from shared.domain.asking import Asking
from shared.domain.dialect import AUTO, Dialect
from shared.domain.failures import InvalidRequest, UnknownFormat
from shared.domain.findings import Certainty, Choice, Found, QuestionCode, Value
from shared.formats.encoding import FoundEncoding, Opener, detect
from shared.formats.sniffing.words import is_plausible
from shared.formats.text import as_utf8

POINTER = "/encoding"
_LOOKED_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 16
_HIGH_LINE = re.compile(rb"[^\r\n]{0,200}[\x80-\xff][^\r\n]{0,200}")
_HIGH_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\s,;|\"']*")
_MAX_LINES = 200
_JUDGED = (
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
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
    "mac-roman",
    "mac-latin2",
    "mac-cyrillic",
    "cp850",
    "cp437",
    "cp852",
    "cp866",
)
"""Encodings that other bytes are valid in too: which one it is can only be judged."""
_WORD = re.compile(r"[^\s,;|\"'0-9()@.:/^~\\]+")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x7f-\x9f\ue000-\uf8ff]")
_MANY_WORDS = 40
_FEW_ODD = 0.1
_MAX_RIVALS = 5
_CONTROL = re.compile(r"[\x00\x02-\x06\x08\x0b\x0e-\x1a\x1c\x1d\x7f]")
"""Separators of ASCII may part fields, and a terminal's sequences may stand in any text."""
_TOLERATED, _ALWAYS_TOLERATED = 0.01, 10
"""A NUL here and there costs its row; more is no text."""


def find_encoding(opener: Opener, asking: Asking) -> tuple[Found[str], float]:
    """The encoding, and how sure that is, 0 to 1. Raises UnknownFormat and UndecodableFile where there is none."""
    detected = detect(opener)
    found = Found[str](value=detected.encoding, why=_reasons(detected))
    confidence = detected.confidence
    rivals = detected.rivals
    if detected.encoding in _JUDGED and not rivals:
        rivals = _rivals(opener, detected.encoding)
    if rivals:
        answer = asking.ask(
            QuestionCode.ENCODING,
            POINTER,
            "Which of these readings is right?",
            _choices(opener, (detected.encoding, *rivals)),
            why=found.why,
            is_free=True,
        )
        found = Found(value=_known(answer.value), certainty=answer.certainty, why=answer.why)
        confidence = 1.0 if answer.certainty is Certainty.ANSWERED else confidence
    _require_text(opener, found.value)
    return found, confidence


def _known(answer: Value) -> str:
    """The encoding that was answered, as Python names it. Raises InvalidRequest."""
    try:
        name = Dialect(encoding=answer if isinstance(answer, str) else "").encoding
    except ValidationError:
        name = AUTO
    if name == AUTO:
        raise InvalidRequest(
            f"Found an answer to {QuestionCode.ENCODING.value} that names no encoding of a text, such as utf-8."
        )
    return name


def _reasons(detected: FoundEncoding) -> tuple[str, ...]:
    alike = f"{', '.join(detected.alike)} would read the same text."
    return (detected.why, alike) if detected.alike else (detected.why,)


def _rivals(opener: Opener, name: str) -> tuple[str, ...]:
    """Usual encodings that read the same lines differently, and as well; none where there are many words."""
    lines = _high_lines(opener)
    reading = _decoded(lines, name)
    words = _words(reading or ())
    odd = sum(not is_plausible(word) for word in words)
    if len(words) >= _MANY_WORDS and odd <= _FEW_ODD * len(words):
        return ()
    others = {other: _decoded(lines, other) for other in _JUDGED if other != name}
    found: dict[tuple[str, ...], str] = {}
    for other, texts in others.items():
        if texts is not None and texts != reading and all(map(is_plausible, _words(texts))):
            found.setdefault(texts, other)
    return tuple(found.values())[:_MAX_RIVALS]


def _decoded(lines: Sequence[bytes], name: str) -> tuple[str, ...] | None:
    try:
        texts = tuple(line.decode(name) for line in lines)
    except UnicodeDecodeError:
        return None
    return None if any(_NO_TEXT.search(text) for text in texts) else texts


def _words(texts: Sequence[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text) if not word.isascii()}


def _choices(opener: Opener, names: Sequence[str]) -> list[Choice]:
    lines = _high_lines(opener)
    readings = {name: [line.decode(name, "replace") for line in lines] for name in names}
    differing = [place for place in range(len(lines)) if len({readings[name][place] for name in names}) > 1]
    return [
        Choice(
            value=name,
            label=name,
            consequence="Rows with bytes that are not UTF-8 are handed back."
            if name == "utf-8"
            else "Text is read so.",
            example=" ".join(word for place in differing[:3] for word in _HIGH_WORD.findall(readings[name][place])[:2]),
        )
        for name in names
    ]


def _high_lines(opener: Opener) -> list[bytes]:
    lines: list[bytes] = []
    seen = 0
    with opener() as source:
        while seen < _LOOKED_BYTES and len(lines) < _MAX_LINES and (data := source.read(_CHUNK_BYTES)):
            seen += len(data)
            lines += [match[0] for match in islice(_HIGH_LINE.finditer(data), _MAX_LINES)]
    return lines[:_MAX_LINES]


def _require_text(opener: Opener, encoding: str) -> None:
    with opener() as source:
        head = as_utf8(source, encoding).read(_CHUNK_BYTES).decode("utf-8", "replace")
    controls = len(_CONTROL.findall(head))
    if controls > _TOLERATED * len(head) + _ALWAYS_TOLERATED:
        raise UnknownFormat(f"Found {controls} control characters among the first {len(head)}, expected text.")
