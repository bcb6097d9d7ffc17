"""Tell by its first bytes whether a file is an OpenPGP message, and whom it is for.

A claim must be borne out: a text that mentions OpenPGP, or begins with a byte that could begin a packet, is not taken
for a message. Nothing here decrypts, and only the beginning of a file is read.
"""

import bz2
import zlib
from dataclasses import dataclass
from pathlib import Path

from shared.formats.openpgp import armor, packets
from shared.formats.openpgp.packets import NotPackets, header_at

BEGINNING_BYTES = 1 << 16
"""Where the session keys of a message stand; with a hundred recipients it is 50 KB."""

_HIDDEN = "0" * 16
_KNOWN_PUBLIC = frozenset({1, 2, 3, 16, 18, 20, 25, 26})
_KNOWN_CIPHERS = range(1, 14)
_KNOWN_S2K = frozenset({0, 1, 3, 4})


@dataclass(frozen=True, slots=True)
class Message:
    """An OpenPGP message, as its beginning tells."""

    is_encrypted: bool
    """Else it is signed at most."""
    is_armored: bool
    recipients: tuple[str, ...] = ()
    """Key ids of 16 hexadecimal digits in capitals; zeros where the sender hid one."""
    has_passwords: bool = False
    is_cleartext: bool = False
    """A text with a signature below it, RFC 9580 section 7."""
    data: str = ""
    """What its encrypted data is, where that is no use: `unprotected`, or `version 2` of RFC 9580's."""

    @property
    def hides_recipients(self) -> bool:
        """Whether any key may be meant."""
        return _HIDDEN in self.recipients


def detect(path: Path) -> Message | None:
    """The message that a file is; None for any other content."""
    with path.open("rb") as file:
        return message_of(file.read(BEGINNING_BYTES))


def message_of(beginning: bytes) -> Message | None:
    """The same of a file's first bytes."""
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")
    if _begins_with_line(text, armor.CLEARTEXT_LINE):
        return Message(is_encrypted=False, is_armored=True, is_cleartext=True)
    if _begins_with_line(text, armor.MESSAGE_LINE):
        try:
            inner = armor.dearmored(text)
        except NotPackets:
            # It says what it is; that it is damaged is for the one to tell who opens it.
            return Message(is_encrypted=True, is_armored=True)
        return _message(inner, is_armored=True)
    return _message(beginning, is_armored=False) if _begins_message(beginning) else None


def _begins_with_line(text: bytes, line: bytes) -> bool:
    return text.startswith(line) and text[len(line) : len(line) + 1] in (b"\n", b"\r", b" ", b"\t")


def _message(data: bytes, *, is_armored: bool) -> Message:
    """Read up to the encrypted data, or to what stands in its place."""
    at, recipients, has_passwords, tag, kind = 0, [], False, packets.SEIPD, ""
    try:
        while True:
            header = header_at(data, at)
            tag = header.tag
            if tag not in packets.SESSION_KEYS | {packets.MARKER, packets.PADDING} or header.length is None:
                kind = _kind_of_data(tag, data[header.body_at : header.body_at + 1])
                break
            body = data[header.body_at : header.body_at + header.length]
            if tag == packets.PKESK:
                # Version 6 names keys by fingerprints of another kind: any key may be meant.
                recipients.append(body[1:9].hex().upper() if body[:1] == b"\x03" else _HIDDEN)
            has_passwords = has_passwords or tag == packets.SKESK
            at = header.body_at + header.length
    except NotPackets:
        # Cut off, or nonsense behind session keys: what it is was said before.
        tag = packets.SEIPD
    is_encrypted = tag in packets.ENCRYPTED or bool(recipients) or has_passwords
    return Message(is_encrypted, is_armored, tuple(recipients), has_passwords, data=kind)


def _kind_of_data(tag: int, version: bytes) -> str:
    if tag == packets.SED:
        return "unprotected"
    return "version 2" if tag == packets.SEIPD and version == b"\x02" else ""


def _begins_message(data: bytes) -> bool:
    try:
        header = header_at(data, 0)
    except NotPackets:
        return False
    body = data[header.body_at : header.body_at + min(header.length or 64, 64)]
    if header.tag == packets.MARKER:
        return body == b"PGP" and _begins_message(data[header.body_at + 3 :])
    if header.tag == packets.COMPRESSED:
        return _begins_with_signature(_unpacked(body))
    if header.is_partial or header.length is None or header.length > BEGINNING_BYTES:
        return False
    if header.tag == packets.PKESK:
        return _is_session_key_for_key(body)
    if header.tag == packets.SKESK:
        return _is_session_key_for_password(body)
    return _begins_with_signature(data)


def _is_session_key_for_key(body: bytes) -> bool:
    """RFC 9580, section 5.1. Version 6 tells the size of what names the key, the version of that key, ..."""
    if len(body) > 12 and body[0] == 3:
        return body[9] in _KNOWN_PUBLIC
    return len(body) > 3 and body[0] == 6 and (body[1] == 0 or (body[1], body[2]) in ((21, 4), (33, 6)))


def _is_session_key_for_password(body: bytes) -> bool:
    """RFC 9580, section 5.3."""
    if len(body) >= 4 and body[0] == 4:
        return body[1] in _KNOWN_CIPHERS and body[2] in _KNOWN_S2K
    return len(body) > 6 and body[0] in (5, 6) and body[2] in _KNOWN_CIPHERS


def _begins_with_signature(data: bytes) -> bool:
    """Whether a one-pass signature begins here: as a message's first packet it has one form only. RFC 9580, 5.4."""
    return data[:3] in (b"\x90\x0d\x03", b"\xc4\x0d\x03") and data[3:4] in (b"\x00", b"\x01")


def _unpacked(body: bytes) -> bytes:
    """The first bytes of compressed data; none where it is not."""
    try:
        if body[:1] in (b"\x01", b"\x02"):
            return zlib.decompressobj(-15 if body[0] == 1 else 15).decompress(body[1:], 16)
        if body[:1] == b"\x03":
            return bz2.BZ2Decompressor().decompress(body[1:], 16)
    except (zlib.error, OSError):
        return b""
    return body[1:17] if body[:1] == b"\x00" else b""
