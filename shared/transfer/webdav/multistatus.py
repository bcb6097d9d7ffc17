"""Read the answer to a PROPFIND (RFC 4918, 13): as a stream, and with nothing in it that could harm.

An answer has no use for a document type declaration, so one is refused and with it every entity; nothing outside is
ever loaded. What a tag, a text and an entry may take has an end. An entry is told as the server has it: what its href
means is judged by who asked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NoReturn
from xml.parsers import expat

from shared.domain.failures import WebDavRefused

_DAV = "DAV: "
_MAX_TEXT = 16 * 1024
_MAX_DEPTH = 100
_MAX_NAMES = 10_000
_MAX_PENDING_BYTES = 1 << 20
"""What the parser may hold back, waiting for the end of a tag."""
_MAX_DATE = 64

ASKED = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>"
)
"""The body of a PROPFIND."""


@dataclass(slots=True)
class Entry:
    """One `response`: where it says it lies, and its properties as the server has them."""

    href: str = ""
    status: int | None = None
    """Of the whole entry, where it has one instead of properties."""
    is_collection: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    """Those of ASKED that there are, by their local names."""

    @property
    def size_bytes(self) -> int | None:
        """None where the server gives no size, or none that is one."""
        text = self.properties.get("getcontentlength", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    @property
    def modified(self) -> float | None:
        """Seconds since 1970, whole ones; None where the server gives no time, or none that is one."""
        text = self.properties.get("getlastmodified", "")
        if not text or len(text) > _MAX_DATE:
            return None
        try:
            found = parsedate_to_datetime(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, IndexError, TypeError):
            return None

    @property
    def etag(self) -> str | None:
        """What tells two versions of a file apart, where the server knows that."""
        return self.properties.get("getetag") or None


class Multistatus:
    """Reads an answer piece by piece."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _refused
        self._fed = 0
        self._open: list[str] = []
        """The paths of the elements we are in, by their local names; empty below what is no matter of ours."""
        self._texts: list[str] = []
        self._text_length = 0
        self._entry: Entry | None = None
        self._found: dict[str, str] = {}
        """Of the present `propstat`, whose status comes last."""
        self._is_collection = False
        self._status: int | None = None
        self._done: list[Entry] = []

    def feed(self, data: bytes) -> Iterator[Entry]:
        """The entries that are complete with this piece. Raises WebDavRefused."""
        self._parse(data, is_last=False)
        if self._fed - self._parser.CurrentByteIndex > _MAX_PENDING_BYTES:
            raise WebDavRefused(f"Found a tag of more than {_MAX_PENDING_BYTES} bytes in its answer.")
        if len(self._parser.intern) > _MAX_NAMES:
            raise WebDavRefused(f"Found more than {_MAX_NAMES} names of elements in its answer.")
        done, self._done = self._done, []
        yield from done

    def end(self) -> None:
        """There is no more. Raises WebDavRefused where something is missing."""
        self._parse(b"", is_last=True)

    def _parse(self, data: bytes, *, is_last: bool) -> None:
        self._fed += len(data)
        try:
            self._parser.Parse(data, is_last)
        except expat.ExpatError as error:
            raise WebDavRefused(f"Its answer is no well-formed XML, line {error.lineno}.") from error
        except (ValueError, LookupError) as error:
            raise WebDavRefused("Its answer is XML in an encoding that cannot be read.") from error

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if not self._open and name != _DAV + "multistatus":
            raise WebDavRefused("Its answer is XML, but no multistatus.")
        if len(self._open) >= _MAX_DEPTH:
            raise WebDavRefused(f"Found elements within each other, more than {_MAX_DEPTH} deep, in its answer.")
        path = self._below(name)
        self._open.append(path)
        self._texts, self._text_length = [], 0
        if path == "/response":
            self._entry = Entry()
        elif path == "/response/propstat":
            self._found, self._is_collection, self._status = {}, False, None
        elif path == "/response/propstat/prop/resourcetype/collection":
            self._is_collection = True

    def _text(self, text: str) -> None:
        self._text_length += len(text)
        if self._text_length > _MAX_TEXT:
            raise WebDavRefused(f"Found a text of more than {_MAX_TEXT} characters in its answer.")
        self._texts.append(text)

    def _end(self, _name: str) -> None:
        path, text = self._open.pop(), "".join(self._texts).strip()
        self._texts, self._text_length = [], 0
        entry = self._entry
        if entry is None:
            return
        match path:
            case "/response":
                self._done.append(entry)
                self._entry = None
            case "/response/href":
                entry.href = text
            case "/response/status":
                entry.status = _status(text)
            case "/response/propstat":
                self._take(entry)
            case "/response/propstat/status":
                self._status = _status(text)
            case "/response/propstat/prop/getcontentlength":
                self._found["getcontentlength"] = text
            case "/response/propstat/prop/getlastmodified":
                self._found["getlastmodified"] = text
            case "/response/propstat/prop/getetag":
                self._found["getetag"] = text

    def _take(self, entry: Entry) -> None:
        """Properties that a `propstat` has turned out to have found."""
        if self._status == 200:
            entry.properties.update(self._found)
            entry.is_collection = entry.is_collection or self._is_collection

    def _below(self, name: str) -> str:
        if not self._open:
            return "."
        above = self._open[-1]
        return f"{above.removeprefix('.')}/{name.removeprefix(_DAV)}" if above and name.startswith(_DAV) else ""


def _refused(*_declaration: object) -> NoReturn:
    raise WebDavRefused("Found a document type declaration in its answer, which is never read.")


def _status(line: str) -> int | None:
    """The code of a status line, as `HTTP/1.1 200 OK`."""
    found = re.match(r"HTTP/\S+ +([1-5][0-9]{2})\b", line, re.ASCII)
    return None if found is None else int(found[1])
