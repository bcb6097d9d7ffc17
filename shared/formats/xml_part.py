"""Read a part of a workbook as XML, as a stream, with nothing in it that could harm.

Parts have no document type declaration (ECMA-376-2, 8.1.4), so one is refused and with it every entity; nothing outside
is ever loaded. What a single tag may take has an end. Names are as they are written: almost every program writes those
of sheets without a prefix, and to look up namespaces for each cell would cost a quarter more. `local` is for others.
"""

from collections.abc import Callable, Iterator
from typing import NoReturn
from xml.parsers import expat

from shared.domain.failures import DamagedWorkbook
from shared.formats.source import ByteSource

Attributes = dict[str, str]

_CHUNK_BYTES = 1 << 16
_MAX_PENDING_BYTES = 4 << 20
"""What the parser may hold back, waiting for the end of a tag."""
_MAX_NAMES = 10_000


def parse(
    source: ByteSource,
    part: str,
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> Iterator[None]:
    """Parse a part and call back; gives control after each piece, so that what was called back can be taken.

    Raises `DamagedWorkbook`, and whatever the functions raise.
    """
    parser = expat.ParserCreate()
    # Without this, texts come in pieces at every line end.
    parser.buffer_text = True

    def refused(*_declaration: object) -> NoReturn:
        raise DamagedWorkbook(f"Found a document type declaration in {part}, which no workbook has.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refused
    fed = 0
    is_last = False
    while not is_last:
        data = source.read(_CHUNK_BYTES)
        is_last = not data
        fed += len(data)
        try:
            parser.Parse(data, is_last)
        except expat.ExpatError as error:
            raise DamagedWorkbook(f"Found no well-formed XML in {part}, line {error.lineno}.") from error
        if len(parser.intern) > _MAX_NAMES:
            raise DamagedWorkbook(f"Found more than {_MAX_NAMES} names of elements and attributes in {part}.")
        if fed - parser.CurrentByteIndex > _MAX_PENDING_BYTES:
            raise DamagedWorkbook(f"Found a tag of more than {_MAX_PENDING_BYTES} bytes in {part}.")
        yield


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def attribute(attributes: Attributes, name: str) -> str | None:
    """An attribute by its local name, whatever its prefix."""
    if name in attributes:
        return attributes[name]
    return next((value for key, value in attributes.items() if local(key) == name), None)
