"""Armor: OpenPGP data as lines of text. RFC 9580, section 6.2. Its checksum is neither demanded nor believed."""

import base64
import binascii

from shared.formats.openpgp.packets import NotPackets

MESSAGE_LINE = b"-----BEGIN PGP MESSAGE-----"
CLEARTEXT_LINE = b"-----BEGIN PGP SIGNED MESSAGE-----"


def dearmored(text: bytes) -> bytes:
    """The packets of an armored message, as far as the text goes; its checksum is not looked at. Raises NotPackets.

    RFC 9580, section 6.2: a line that begins it, headers, an empty line, base64, perhaps a checksum, an end line.
    """
    lines = text.lstrip(b"\xef\xbb\xbf \t\r\n").splitlines()[1:]
    begin = next((number for number, line in enumerate(lines) if not line.strip()), None)
    if begin is None:
        raise NotPackets("the armor has no empty line before its content")
    kept = []
    for line in lines[begin + 1 :]:
        stripped = line.strip()
        if stripped.startswith((b"-", b"=")):
            break
        kept.append(stripped)
    encoded = b"".join(kept)
    try:
        return base64.b64decode(encoded[: len(encoded) - len(encoded) % 4], validate=True)
    except binascii.Error as error:
        raise NotPackets("the armor's content is not base64") from error


def armored(data: bytes, what: str) -> str:
    """Packets as text; `what` is such as `PUBLIC KEY BLOCK`. With a checksum: GnuPG 2.2 misreads some text without."""
    encoded = base64.b64encode(data).decode()
    lines = [encoded[at : at + 64] for at in range(0, len(encoded), 64)]
    checksum = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    return "\n".join((f"-----BEGIN PGP {what}-----", "", *lines, f"={checksum}", f"-----END PGP {what}-----", ""))


def _crc24(data: bytes) -> int:
    """RFC 9580, section 6.1.1."""
    table = []
    for value in range(256):
        rest = value << 16
        for _ in range(8):
            rest = rest << 1 ^ (0x1864CFB if rest & 0x800000 else 0)
        table.append(rest & 0xFFFFFF)
    checksum = 0xB704CE
    for byte in data:
        checksum = (checksum << 8 & 0xFFFFFF) ^ table[checksum >> 16 ^ byte]
    return checksum
