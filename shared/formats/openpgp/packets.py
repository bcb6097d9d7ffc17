"""The outermost layer of OpenPGP data: where packets begin and end. RFC 9580, section 4.

Bounded and without cryptography: enough to tell a message from other content, to see whom it is for, and to walk
through what has been decrypted. Nothing here judges what a packet says.
"""

from dataclasses import dataclass

PKESK, SIGNATURE, SKESK, ONE_PASS, COMPRESSED, SED, MARKER, LITERAL = 1, 2, 3, 4, 8, 9, 10, 11
SEIPD, PADDING, AEAD = 18, 21, 20
"""Tags. SEIPD has integrity protection, AEAD is GnuPG's own (OCB), SED has none."""
ENCRYPTED = frozenset({SED, SEIPD, AEAD})
SESSION_KEYS = frozenset({PKESK, SKESK})

_PARTIAL = range(224, 255)


class NotPackets(ValueError):
    """These bytes are not a sequence of OpenPGP packets."""


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a packet."""

    tag: int
    body_at: int
    length: int | None
    """Of the body, or of its first part; None where it goes on to the end of the data."""
    is_partial: bool = False
    """Whether further parts follow, each with a length of its own."""


def header_at(data: bytes, at: int) -> Header:
    """The header that begins at a place. Raises NotPackets, also where the data ends within it."""
    try:
        first = data[at]
        if not first & 0x80:
            raise NotPackets(f"byte {at} begins no packet")
        if first & 0x40:
            length, is_partial, behind = _new_length(data, at + 1)
            return Header(first & 0x3F, behind, length, is_partial)
        size = (1, 2, 4, 0)[first & 3]
        if len(data) < at + 1 + size:
            raise NotPackets(f"the data ends within the header at byte {at}")
        known = int.from_bytes(data[at + 1 : at + 1 + size], "big") if size else None
        return Header((first >> 2) & 0x0F, at + 1 + size, known)
    except IndexError as error:
        raise NotPackets(f"the data ends within the header at byte {at}") from error


def _new_length(data: bytes, at: int) -> tuple[int, bool, int]:
    first = data[at]
    if first < 192:
        return first, False, at + 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, False, at + 2
    if first in _PARTIAL:
        return 1 << (first & 0x1F), True, at + 1
    if len(data) < at + 5:
        raise NotPackets(f"the data ends within a length at byte {at}")
    return int.from_bytes(data[at + 1 : at + 5], "big"), False, at + 5


@dataclass(frozen=True, slots=True)
class Packet:
    """A whole packet."""

    tag: int
    body: bytes
    end: int
    """Where the next one begins."""


def packet_at(data: bytes, at: int) -> Packet:
    """The packet that begins at a place, its parts put together. Raises NotPackets where it is not all there."""
    header = header_at(data, at)
    if header.length is None:
        return Packet(header.tag, data[header.body_at :], len(data))
    parts, place, length, is_partial = [], header.body_at, header.length, header.is_partial
    while True:
        if place + length > len(data):
            raise NotPackets(f"the packet at byte {at} is cut off")
        parts.append(data[place : place + length])
        place += length
        if not is_partial:
            return Packet(header.tag, parts[0] if len(parts) == 1 else b"".join(parts), place)
        try:
            length, is_partial, place = _new_length(data, place)
        except IndexError as error:
            raise NotPackets(f"the packet at byte {at} is cut off") from error
