"""Open and seal small messages where GnuPG is not installed, by the same rules: whole, protected, signed as demanded.

Packets are walked through here and unpacked in bounded steps, since the library would unpack a bomb in one. All of a
message is held in memory; who calls sees to its size.
"""

import bz2
import zlib
from collections.abc import Iterator
from typing import Any

from shared.domain.failures import (
    DamagedMessage,
    DecryptionFailed,
    GnupgNeeded,
    NoDecryptionKey,
    SignatureExpired,
    SignatureMissing,
    SignatureRefused,
    UnsupportedEncryption,
    WrongPassword,
)
from shared.domain.openpgp_key import Bundle, OwnKey, PartnerKey
from shared.formats.openpgp import library, packets
from shared.formats.openpgp.armor import dearmored
from shared.formats.openpgp.detect import Message
from shared.formats.openpgp.library import Session
from shared.formats.openpgp.packets import NotPackets, Packet, packet_at
from shared.formats.openpgp.quarantine import Quarantine
from shared.formats.openpgp.status import CIPHERS, Verdict, no_key

_STEP = 1 << 18
_MOST_UNPACKED = 128 << 20
"""In memory; GnuPG streams."""
_DEEPEST = 16
_MOST_PACKETS = 20_000
"""One for each of very many recipients; a packet takes hundreds of times its two bytes in memory."""
_TAKES_GNUPG = "Have the operator install GnuPG."


def unseal(
    data: bytes,
    message: Message,
    keys: tuple[OwnKey, ...],
    bundle: Bundle,
    signers: frozenset[str],
    quarantine: Quarantine,
) -> Verdict:
    """Put the content of a message into quarantine. Raises what message.decrypt does; what was kept is then void."""
    if message.is_cleartext:
        raise UnsupportedEncryption(f"Found a text with a signature below it. {_TAKES_GNUPG}")
    try:
        found = list(_outer(dearmored(data) if message.is_armored else data))
        if not message.is_encrypted:
            return Verdict(None, None, _hand_over(found, bundle, signers, quarantine))
        inner, session, key = _decrypted(found, keys, bundle.passwords)
        signed_by = _hand_over(_inner(inner), bundle, signers, quarantine)
    except NotPackets as error:
        raise DamagedMessage("Its content ends too early, or other content follows it.") from error
    return Verdict(CIPHERS.get(session.number, "unknown"), key, signed_by)


def _outer(data: bytes) -> Iterator[Packet]:
    """The packets of a message, or of a layer of it. Raises DamagedMessage for more than any message has."""
    at = count = 0
    while at < len(data):
        count += 1
        if count > _MOST_PACKETS:
            raise DamagedMessage(f"It consists of more than {_MOST_PACKETS} parts.")
        packet = packet_at(data, at)
        yield packet
        at = packet.end


def _inner(data: bytes) -> list[Packet]:
    """What was encrypted, but for its modification detection code, which was judged before."""
    return list(_outer(data[:-22]))


def _decrypted(
    found: list[Packet], keys: tuple[OwnKey, ...], passwords: tuple[str, ...]
) -> tuple[bytes, Session, str | None]:
    """The content of the encrypted data, by the first session key that opens it."""
    *before, data = found or [Packet(0, b"", 0)]
    if data.tag == packets.AEAD:
        raise UnsupportedEncryption(f"Found encrypted data of GnuPG's own kind (OCB). {_TAKES_GNUPG}")
    if data.tag != packets.SEIPD or any(each.tag == packets.SEIPD for each in before):
        raise DamagedMessage("Its encrypted data cannot be found, or other content follows it.")
    sealed = _written(data)
    failure: DecryptionFailed | None = None
    tried = False
    for session, key in _sessions(before, keys, passwords):
        tried = True
        try:
            return library.opened(sealed, session), session, key
        except DecryptionFailed as found_failure:
            # A session key that only a password vouches for is a guess; one of a private key proved right.
            failure = found_failure if key is not None or failure is None else failure
            failure = WrongPassword() if key is None and isinstance(failure, DamagedMessage) else failure
    if tried and failure is not None:
        raise failure
    if any(each.tag == packets.SKESK for each in before):
        raise WrongPassword()
    raise NoDecryptionKey(no_key([each.body[1:9].hex().upper() for each in before if each.tag == packets.PKESK]))


def _sessions(
    before: list[Packet], keys: tuple[OwnKey, ...], passwords: tuple[str, ...]
) -> Iterator[tuple[Session, str | None]]:
    for packet in before:
        written = _written(packet)
        if packet.tag == packets.PKESK:
            for key in keys:
                session = library.session_of(key, dearmored(key.material.encode()), written)
                if session is not None:
                    yield session, key.facts.fingerprint
        elif packet.tag == packets.SKESK:
            for password in passwords:
                session = library.session_of_password(written, password)
                if session is not None:
                    yield session, None


def _written(packet: Packet) -> bytes:
    """A packet with a header of the plainest kind: new format, a length of five bytes."""
    return bytes((0xC0 | packet.tag, 0xFF)) + len(packet.body).to_bytes(4, "big") + packet.body


# What is within: compressed or not, signed or not, one content.


def _hand_over(
    found: list[Packet], bundle: Bundle, signers: frozenset[str], quarantine: Quarantine, depth: int = 0
) -> str | None:
    """Keep the one content among packets, and say who signed it, where somebody must have."""
    relevant = [each for each in found if each.tag not in (packets.MARKER, packets.PADDING)]
    if len(relevant) == 1 and relevant[0].tag == packets.COMPRESSED:
        if depth >= _DEEPEST:
            raise DamagedMessage(f"It is compressed more than {_DEEPEST} times over.")
        return _hand_over(list(_outer(_unpacked(relevant[0].body, quarantine))), bundle, signers, quarantine, depth + 1)
    contents = [each for each in relevant if each.tag == packets.LITERAL]
    others = {each.tag for each in relevant} - {packets.LITERAL, packets.ONE_PASS, packets.SIGNATURE}
    if len(contents) != 1 or others:
        raise DamagedMessage("Found other content than one file.")
    content = _content(contents[0].body)
    signed_by = _signer(relevant, content, bundle, signers) if signers else None
    quarantine.keep(content)
    return signed_by


def _content(body: bytes) -> bytes:
    """What a literal packet holds: format, length of a name, the name, a time, then the content. RFC 9580, 5.9."""
    if len(body) < 6 or len(body) < 6 + body[1]:
        raise DamagedMessage("Its content is cut off.")
    return body[6 + body[1] :]


def _unpacked(body: bytes, quarantine: Quarantine) -> bytes:
    """Compressed data, counted as it grows. RFC 9580, section 5.6."""
    if body[:1] == b"\x00":
        return body[1:]
    unpacker: Any
    if body[:1] in (b"\x01", b"\x02"):
        unpacker = zlib.decompressobj(-15 if body[0] == 1 else 15)
    elif body[:1] == b"\x03":
        unpacker = bz2.BZ2Decompressor()
    else:
        raise UnsupportedEncryption(f"Found compression number {body[0] if body else 0}.")
    parts, size, rest = [], 0, body[1:]
    try:
        while not unpacker.eof:
            part = unpacker.decompress(rest, _STEP)
            rest = b"" if isinstance(unpacker, bz2.BZ2Decompressor) else unpacker.unconsumed_tail
            if not (part or rest or unpacker.eof):
                raise DamagedMessage("Its compressed content is cut off.")
            size += len(part)
            quarantine.check(size)
            if size > _MOST_UNPACKED:
                raise GnupgNeeded(f"Found more than {_MOST_UNPACKED} bytes when it was unpacked.")
            parts.append(part)
    except (zlib.error, OSError, EOFError) as error:
        raise DamagedMessage("Its compressed content is damaged.") from error
    return b"".join(parts)


def _signer(found: list[Packet], content: bytes, bundle: Bundle, signers: frozenset[str]) -> str:
    signatures = [each for each in found if each.tag == packets.SIGNATURE]
    if not signatures:
        raise SignatureMissing
    partners = bundle.public(signers)
    materials = {each.facts.fingerprint: dearmored(each.material.encode()) for each in partners}
    found_by = [library.signed_by(_written(each), content, materials) for each in signatures]
    known = [each for each in found_by if each is not None]
    if not known:
        raise SignatureRefused(f"Found a signature by another key, expected one by {' or '.join(sorted(signers))}.")
    if any(each.is_late for each in known):
        raise SignatureExpired("The signature or its key has expired, or the key was revoked.")
    if len(known) < len(signatures):
        raise SignatureRefused("Beside a valid signature it has one that cannot be verified.")
    return known[0].fingerprint


def seal(content: bytes, recipients: tuple[PartnerKey | OwnKey, ...], sign_with: OwnKey | None) -> bytes:
    """A message of that content. Raises WrongPassphrase, UnsupportedOpenPgpKey."""
    materials = [dearmored(each.material.encode()) for each in recipients]
    signer = None if sign_with is None else dearmored(sign_with.material.encode())
    return library.sealed(content, materials, signer, None if sign_with is None else sign_with.passphrase)
