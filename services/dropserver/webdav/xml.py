"""The XML of requests and answers (RFC 4918, 14). Pure.

A request has no use for a document type declaration, so one is refused and with it every entity; nothing outside is
ever loaded, and size, depth and number of elements have an end. Answers hold nothing of a file's name but its
percent-encoded path, so they are well-formed whatever files are called.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from services.dropserver.webdav.answers import NotDone

DAV = "DAV:"
MAX_BYTES = 64 * 1024
_MAX_DEPTH = 32
_MAX_ELEMENTS = 1_000
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'

Name = tuple[str, str]
"""Of an element: its namespace and its local name."""


@dataclass(slots=True)
class Element:
    """An element of a request; its attributes mean nothing to us."""

    name: Name
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def child(self, *names: str) -> "Element | None":
        """The first element that is reached by these local names of DAV."""
        found: Element | None = self
        for name in names:
            found = next((each for each in found.children if each.name == (DAV, name)), None) if found else None
        return found


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an answer, with what is inside its element, as XML."""

    name: Name
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Properties that share a status."""

    code: str
    """With its reason, such as `200 OK`."""
    properties: Sequence[Property]


def read(body: bytes) -> Element | None:
    """The root of a request's body; None where there is no body. Raises NotDone, 400."""
    if not body:
        return None
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refused
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise NotDone(400, f"The body is no well-formed XML, line {error.lineno}.") from error
    except (ValueError, LookupError) as error:
        raise NotDone(400, "The body is XML in an encoding that cannot be read.") from error
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise NotDone(400, f"Found more than {_MAX_DEPTH} elements within each other or {_MAX_ELEMENTS} in all.")
        namespace, _, local = name.rpartition(" ")
        element = Element((namespace, local))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def text(self, text: str) -> None:
        self._open[-1].text += text

    def end(self, _name: str) -> None:
        self._open.pop()


def _refused(*_declaration: object) -> NoReturn:
    raise NotDone(400, "Found a document type declaration, which is never read.")


def multistatus(entries: Iterable[tuple[str, Sequence[Status]]]) -> Iterator[bytes]:
    """An answer about many things, each by its percent-encoded path, in pieces."""
    yield f'{_HEAD}<D:multistatus xmlns:D="{DAV}">\n'.encode()
    for href, statuses in entries:
        told = "".join(map(_propstat, statuses))
        yield f"<D:response><D:href>{escape(href)}</D:href>{told}</D:response>\n".encode()
    yield b"</D:multistatus>\n"


def prop(properties: Iterable[Property]) -> bytes:
    """An answer that is properties alone."""
    return f'{_HEAD}<D:prop xmlns:D="{DAV}">{"".join(map(_property, properties))}</D:prop>\n'.encode()


def _propstat(status: Status) -> str:
    inside = "".join(map(_property, status.properties))
    return f"<D:propstat><D:prop>{inside}</D:prop><D:status>HTTP/1.1 {status.code}</D:status></D:propstat>"


def _property(each: Property) -> str:
    namespace, local = each.name
    if namespace == DAV:
        return f"<D:{local}>{each.inside}</D:{local}>" if each.inside else f"<D:{local}/>"
    return f"<{local} xmlns={quoteattr(namespace)}/>"
