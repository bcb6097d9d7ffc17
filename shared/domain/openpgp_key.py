"""OpenPGP keys: what one can do, and the bundle of keys and passwords that a file may be opened or sealed with.

Pure values. Reading keys is the business of `shared/formats/openpgp`, keeping them that of `shared/storage`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.domain.model import Model

FINGERPRINT_PATTERN = r"^[0-9A-F]{40}\z"


class KeyUse(StrEnum):
    """What a key can do."""

    DECRYPT = "decrypt"
    SIGN = "sign"
    ENCRYPT = "encrypt"
    VERIFY = "verify"


class OpenPgpKey(Model):
    """What a key says of itself, as far as its own signatures hold."""

    fingerprint: str
    """40 hexadecimal digits in capitals."""
    key_ids: tuple[str, ...]
    """Of the key and its subkeys, 16 digits each: messages name whom they are for by these."""
    user_ids: tuple[str, ...]
    algorithm: str
    """Such as `rsa3072`, `ed25519`, with that of the subkey for encryption behind a plus sign."""
    created_at: datetime
    expires_at: datetime | None
    """When the first of its uses ends; None where it does not expire."""
    is_revoked: bool
    is_private: bool
    uses: tuple[KeyUse, ...]

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def uses_at(self, now: datetime) -> tuple[KeyUse, ...]:
        """What can be done with it then: an expired key still opens what was encrypted to it before."""
        return tuple(use for use in self.uses if use is KeyUse.DECRYPT or not self.expired(now))


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A private key, ready to be used; lives in memory only."""

    facts: OpenPgpKey
    material: str = field(repr=False)
    """Armored, as it was imported or made."""
    passphrase: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """A public key: of who signs, or of whom a file is for."""

    facts: OpenPgpKey
    material: str = field(repr=False)
    """Armored."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Every key and password that a file may be opened with, and the keys that its signature is held against."""

    own: tuple[OwnKey, ...] = ()
    partners: tuple[PartnerKey, ...] = ()
    passwords: tuple[str, ...] = field(default=(), repr=False)

    def public(self, fingerprints: Iterable[str]) -> tuple[PartnerKey, ...]:
        """Partners' keys of these fingerprints."""
        wanted = set(fingerprints)
        return tuple(key for key in self.partners if key.facts.fingerprint in wanted)
