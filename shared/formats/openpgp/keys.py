"""Keys as people hand them over: text or binary in, what they are and what they can do out. Keeps and logs nothing."""

import base64
import binascii
from datetime import datetime

from shared.domain.failures import UnsupportedOpenPgpKey
from shared.domain.openpgp_key import KeyUse, OwnKey, PartnerKey
from shared.formats.openpgp import library
from shared.formats.openpgp.armor import armored, dearmored
from shared.formats.openpgp.packets import NotPackets

MAX_BYTES = 1 << 17
"""Of a key; what others certified about it makes some long."""
ALGORITHMS = tuple(library.ALGORITHMS)
"""What can be generated."""

_PRIVATE, _PUBLIC = "PRIVATE KEY BLOCK", "PUBLIC KEY BLOCK"


def imported(text: str, passphrase: str | None) -> OwnKey | PartnerKey:
    """A key as it was sent: armored, or base64 of its binary form. Takes a good part of a second with a passphrase.

    Raises UnsupportedOpenPgpKey, WrongPassphrase.
    """
    material = _binary(text)
    facts = library.read(material)
    if not facts.is_private:
        return PartnerKey(facts, armored(material, _PUBLIC))
    library.require_opens(material, passphrase)
    return OwnKey(facts, armored(material, _PRIVATE), passphrase)


def generated(user_id: str, algorithm: str, expires_at: datetime | None, passphrase: str) -> OwnKey:
    """A new key of one of ALGORITHMS, under a passphrase. RSA takes up to seconds."""
    material = library.generate(user_id, algorithm, expires_at, passphrase)
    return OwnKey(library.read(material), armored(material, _PRIVATE), passphrase)


def public_part(key: OwnKey | PartnerKey) -> str:
    """What may be handed to anybody, armored."""
    if isinstance(key, PartnerKey):
        return key.material
    return armored(library.public_half(dearmored(key.material.encode())), _PUBLIC)


def is_own(key: OwnKey | PartnerKey) -> bool:
    """Whether it opens messages."""
    return KeyUse.DECRYPT in key.facts.uses


def _binary(text: str) -> bytes:
    if len(text) > 2 * MAX_BYTES:
        raise UnsupportedOpenPgpKey(f"Found {len(text)} characters, expected at most {2 * MAX_BYTES}.")
    stripped = text.strip()
    try:
        if stripped.startswith("-----BEGIN"):
            return _dearmored_key(stripped)
        return base64.b64decode("".join(stripped.split()), validate=True)
    except (NotPackets, binascii.Error, ValueError) as error:
        raise UnsupportedOpenPgpKey("It is neither armored nor base64.") from error


def _dearmored_key(text: str) -> bytes:
    if not text.startswith((f"-----BEGIN PGP {_PRIVATE}-----", f"-----BEGIN PGP {_PUBLIC}-----")):
        raise UnsupportedOpenPgpKey("Found armor of another kind than that of a key.")
    return dearmored(text.encode("utf-8", "replace"))
