"""Secrets are sealed before they reach the database: AES-256-GCM, bound to the very place where they are stored.

A sealed value is: one byte of format, eight of the key's identity, twelve of nonce, then ciphertext and tag. The
associated data name account, table, row and column, so that a value copied elsewhere does not open. Writes
`secret_keys` (as rotation.py does), which holds identities of keys and never a key: those that something may be
sealed with. Nothing here logs or shows a secret.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.domain.failures import SecretKeyMissing
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database, Tx

KEY_BYTES = 32
_FORMAT = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12


class UnusableKey(ValueError):
    """TIDEGATE_SECRET_KEY cannot be used; the text says what was found, what was expected and what to do."""


class SealBroken(Exception):
    """A sealed value does not open although its key is there: it was changed or moved."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value is stored."""

    account_id: UUID
    table: str
    row_id: UUID
    column: str

    @property
    def associated_data(self) -> bytes:
        """What the seal is bound to."""
        return f"tidegate:{self.account_id}:{self.table}:{self.row_id}:{self.column}".encode()


class KeyRing:
    """One or more keys: the first seals, all of them open."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise UnusableKey(f"TIDEGATE_SECRET_KEY: expected base64 of {KEY_BYTES} bytes; several separated by commas")
        self._sealing_id = _identity(keys[0])
        self._ciphers = {_identity(key): AESGCM(key) for key in keys}
        self._marking_key = hashlib.sha256(b"tidegate marks:" + keys[0]).digest()

    @property
    def sealing_id(self) -> bytes:
        """The identity of the key that seals."""
        return self._sealing_id

    @property
    def ids(self) -> frozenset[bytes]:
        """The identities of all keys of the ring."""
        return frozenset(self._ciphers)

    def seal(self, secret: str, place: Place) -> bytes:
        """Seal a text for the place where it will be stored."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._sealing_id].encrypt(nonce, secret.encode(), place.associated_data)
        return _FORMAT + self._sealing_id + nonce + sealed

    def mark(self, text: str) -> bytes:
        """A keyed hash by which a text is known again, and from which nobody without the key can try to guess it."""
        return hmac.digest(self._marking_key, text.encode(), "sha256")

    def open(self, sealed: bytes, place: Place) -> str:
        """The text again. Raises SecretKeyMissing, SealBroken."""
        if sealed[:1] != _FORMAT:
            raise SealBroken(f"{place.table}.{place.column} of {place.row_id} has an unknown format")
        cipher, rest = self._ciphers.get(sealed_with(sealed)), sealed[1 + _ID_BYTES :]
        if cipher is None:
            # Not the value's fault: another service may have been started with a newer key already.
            raise SecretKeyMissing(f"Its identity is {sealed_with(sealed).hex()}.")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place.associated_data).decode()
        except InvalidTag as error:
            raise SealBroken(f"{place.table}.{place.column} of {place.row_id} does not open") from error


def new_key() -> str:
    """A new key in the notation of TIDEGATE_SECRET_KEY."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def sealed_with(sealed: bytes) -> bytes:
    """The identity of the key that a value was sealed with."""
    return sealed[1 : 1 + _ID_BYTES]


async def keep(tx: Tx, ring: KeyRing) -> None:
    """Record that the transaction seals something with the ring's first key: services then do not start without it.

    Said in the same transaction as the sealed value, and after it, since it holds the record until the end.
    """
    if await tx.value("secrets.held", ring.sealing_id) is None:
        await tx.execute("secrets.record", ring.sealing_id)


async def check_keys(database: Database, ring: KeyRing) -> None:
    """Raises UnusableKey when a key is missing that something may be sealed with."""
    async with database.account(OPERATOR, read_only=True) as tx:
        missing = {bytes(row["key_id"]) for row in await tx.fetch("secrets.recorded")} - ring.ids
    if missing:
        raise UnusableKey(
            "TIDEGATE_SECRET_KEY lacks a key that this database's secrets are sealed with "
            f"(identity {', '.join(sorted(key.hex() for key in missing))}). Give the original key; to begin with a new "
            "one, write it in front, keep the old one behind a comma, and run `tidegate secrets rotate`"
        )


def _identity(key: bytes) -> bytes:
    return hashlib.sha256(b"tidegate key identity:" + key).digest()[:_ID_BYTES]
