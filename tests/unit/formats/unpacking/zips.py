"""Write zips byte by byte, right ones and ones that contradict themselves (PKWARE's APPNOTE.TXT, section 4.3)."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import Any


@dataclass
class Part:
    """One file of a zip. `local`, `central` and `behind` say other things than are true in that one place."""

    name: bytes = b"a.csv"
    content: bytes = b"a,b\n1,2\n"
    flags: int = 0
    method: int = 0
    crc: int | None = None
    size: int | None = None
    extra: bytes = b""
    attributes: int = 0
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)
    behind: bytes = b""
    before: bytes = b""

    def facts(self) -> dict[str, Any]:
        """What both headers say of it."""
        return {
            "mark": None,
            "name": self.name,
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.content) if self.crc is None else self.crc,
            "packed": len(self.content),
            "size": len(self.content) if self.size is None else self.size,
            "extra": self.extra,
        }


def zip_of(parts: Sequence[Part], *, gap: bytes = b"", end: dict[str, Any] | None = None, tail: bytes = b"") -> bytes:
    """A zip of these files. `gap` lies before the directory; `end` says other things in the end record."""
    written = bytearray()
    directory = bytearray()
    for part in parts:
        written += part.before
        offset = len(written)
        written += _local(part.facts() | part.local) + part.content + part.behind
        directory += _central({"offset": offset, "disk": 0} | part.facts() | part.central, part.attributes)
    written += gap
    told = {"disk": 0, "first": 0, "here": len(parts), "entries": len(parts), "comment": b""}
    told |= {"length": len(directory), "offset": len(written)} | (end or {})
    record = pack(
        "<4s4H2IH",
        b"PK\5\6",
        *(told[key] for key in ("disk", "first", "here", "entries", "length", "offset")),
        len(told["comment"]),
    )
    return bytes(written + directory + record + told["comment"] + tail)


def descriptor(part: Part, *, marked: bool = True, large: bool = False, **other: int) -> bytes:
    """What is written behind a content whose size was not known before it."""
    told = part.facts() | other
    form = "<IQQ" if large else "<III"
    return (b"PK\7\x08" if marked else b"") + pack(form, told["crc"], told["packed"], told["size"])


def described(part: Part, **settings: Any) -> Part:
    """The same file with its figures behind it and not before it."""
    part.flags |= 1 << 3
    part.behind = descriptor(part, **settings)
    part.local |= {"crc": 0, "packed": 0, "size": 0}
    return part


def extra(number: int, data: bytes) -> bytes:
    """An extra field."""
    return pack("<2H", number, len(data)) + data


def zipcrypto(data: bytes, password: bytes, proof: int) -> bytes:
    """PKWARE's old encryption (section 6.1); the twelfth byte proves the password."""
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(value: int, byte: int) -> int:
        return zlib.crc32(bytes([byte]), value ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    for byte in password:
        update(byte)
    found = bytearray()
    for byte in bytes(range(11)) + bytes([proof]) + data:
        mask = (keys[2] | 2) & 0xFFFF
        found.append(byte ^ (mask * (mask ^ 1) >> 8 & 0xFF))
        update(byte)
    return bytes(found)


def _local(told: dict[str, Any]) -> bytes:
    return (
        pack(
            "<4s5H3I2H",
            told["mark"] or b"PK\3\4",
            20,
            told["flags"],
            told["method"],
            0x6C00,
            0x5000,
            told["crc"],
            told["packed"],
            told["size"],
            len(told["name"]),
            len(told["extra"]),
        )
        + told["name"]
        + told["extra"]
    )


def _central(told: dict[str, Any], attributes: int) -> bytes:
    return (
        pack(
            "<4s6H3I5H2I",
            told["mark"] or b"PK\1\2",
            3 << 8 | 20,
            20,
            told["flags"],
            told["method"],
            0x6C00,
            0x5000,
            told["crc"],
            told["packed"],
            told["size"],
            len(told["name"]),
            len(told["extra"]),
            0,
            told["disk"],
            0,
            attributes,
            told["offset"],
        )
        + told["name"]
        + told["extra"]
    )
