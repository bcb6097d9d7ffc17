"""The texts that a workbook's cells share, on disk: there may be more of them than fit into memory."""

import mmap
import re
from array import array
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

from shared.domain.failures import DamagedWorkbook
from shared.formats.source import ByteSource
from shared.formats.xml_part import Attributes, local, parse

_KEPT = 1 << 15
_SHORT = 100
"""Of a column of countries every text is asked for again and again."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """Read once, then looked up by number. The files have no names and vanish with the stack."""

    def __init__(self, source: ByteSource | None, workspace: Path, max_text_bytes: int, stack: ExitStack) -> None:
        """Raises `DamagedWorkbook`. A longer text is cut behind its limit, so that whoever judges it sees it."""
        self._texts: mmap.mmap | bytes = b""
        self._ends: memoryview[int] = memoryview(array("Q"))
        self._recent: dict[int, str] = {}
        if source is not None:
            self._read(source, workspace, max_text_bytes, stack)

    def text(self, number: int) -> str:
        """One text. Raises `DamagedWorkbook` where there is none of that number."""
        found = self._recent.get(number)
        if found is not None:
            return found
        if not 0 <= number < len(self._ends):
            raise DamagedWorkbook(f"Found a cell with the shared text {number}, of which there are {len(self._ends)}.")
        begin = self._ends[number - 1] if number else 0
        text = self._texts[begin : self._ends[number]].decode("utf-8", "surrogatepass")
        if len(text) <= _SHORT:
            if len(self._recent) >= _KEPT:
                self._recent.clear()
            self._recent[number] = text
        return text

    def _read(self, source: ByteSource, workspace: Path, max_text_bytes: int, stack: ExitStack) -> None:
        texts = stack.enter_context(TemporaryFile(dir=workspace))  # noqa: SIM115  # the stack is its manager
        ends = stack.enter_context(TemporaryFile(dir=workspace))  # noqa: SIM115  # the stack is its manager
        gathering = _Texts(max_text_bytes)
        place = 0
        for _ in parse(source, "sharedStrings", start=gathering.start, end=gathering.end, text=gathering.text):
            pending = array("Q")
            for found in gathering.taken():
                place += texts.write(found.encode("utf-8", "surrogatepass"))
                pending.append(place)
            ends.write(pending.tobytes())
        texts.flush()
        ends.flush()
        # An empty file cannot be mapped.
        if place:
            self._texts = stack.enter_context(mmap.mmap(texts.fileno(), 0, access=mmap.ACCESS_READ))
        if ends.tell():
            mapped = stack.enter_context(mmap.mmap(ends.fileno(), 0, access=mmap.ACCESS_READ))
            bare = stack.enter_context(memoryview(mapped))
            self._ends = stack.enter_context(bare.cast("Q"))


class _Texts:
    """The items of the part: a text, or runs of formatted text. How it is pronounced is left out."""

    def __init__(self, max_text_bytes: int) -> None:
        self._max = max_text_bytes
        self._done: list[str] = []
        self._parts: list[str] = []
        self._size = 0
        self._is_text = False
        self._spoken = 0

    def start(self, name: str, _attributes: Attributes) -> None:
        name = local(name)
        if name == "si":
            self._parts, self._size = [], 0
        elif name == "rPh":
            self._spoken += 1
        elif name == "t":
            self._is_text = self._spoken == 0

    def end(self, name: str) -> None:
        name = local(name)
        if name == "si":
            self._done.append(unescaped("".join(self._parts)))
        elif name == "rPh":
            self._spoken -= 1
        elif name == "t":
            self._is_text = False

    def text(self, data: str) -> None:
        if self._is_text and self._size <= self._max:
            self._parts.append(data)
            self._size += len(data)

    def taken(self) -> list[str]:
        done, self._done = self._done, []
        return done


def unescaped(text: str) -> str:
    """A text whose `_x000D_` are the characters that XML cannot hold (ECMA-376-1, 22.9.2.19, ST_Xstring)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
