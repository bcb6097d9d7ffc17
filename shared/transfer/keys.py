"""SSH keys as texts: read, judged, fingerprinted, made. Nothing here connects or stores.

ssh-dss (1,024 bits and SHA-1) is refused but where `legacy` says that the operator allows it.
"""

import base64
import re
from dataclasses import dataclass, field
from typing import Literal

import asyncssh
from asyncssh.asn1 import der_decode

from shared.domain.failures import UnsupportedKey

ALGORITHMS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
"""Types of keys that are taken. ssh-rsa is a type here, and not the signature of that name, which is SHA-1."""
MAX_KEY_CHARACTERS = 64 * 1024
_ED25519_BITS = 256
MAX_BCRYPT_ROUNDS = 1_000
MAX_PKCS8_ITERATIONS = 10_000_000
"""Each some seconds of a processor's time. A key's author chooses the number, up to hours, and we open it in a thread
that nothing can stop. ssh-keygen takes 16 rounds, OpenSSL 2,048 iterations unless told otherwise."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: in OpenSSH's one-line format without a comment, its algorithm, its SHA-256 fingerprint."""

    line: str
    algorithm: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair: its public half, its size, and its private half in OpenSSH's format without a passphrase."""

    public: PublicKey
    bits: int
    private_key: str = field(repr=False)


def public_key(line: str, *, legacy: bool = False) -> PublicKey:
    """Read a public key in OpenSSH's one-line format (or PEM). Raises UnsupportedKey."""
    return described(loaded_public_key(line, legacy=legacy))


def loaded_public_key(line: str, *, legacy: bool = False) -> asyncssh.SSHKey:
    """A public key as the driver wants it. Raises UnsupportedKey."""
    if len(line) > MAX_KEY_CHARACTERS:
        raise UnsupportedKey("Found a text that is too long for a key.")
    try:
        key = asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise UnsupportedKey("Expected a public key such as 'ssh-ed25519 AAAA...'.") from error
    return _allowed(key, legacy=legacy)


def loaded_private_key(text: str, passphrase: str | None, *, legacy: bool = False) -> asyncssh.SSHKey:
    """A private key as the driver wants it, OpenSSH or PEM. Slow for RSA or with a passphrase: call it in a thread.

    Raises UnsupportedKey; what is wrong is told without a word of the key.
    """
    if len(text) > MAX_KEY_CHARACTERS:
        raise UnsupportedKey("Found a text that is too long for a key.")
    if text.lstrip().startswith("PuTTY-User-Key-File"):
        raise UnsupportedKey("Found PuTTY's own format; PuTTYgen writes it as an OpenSSH key (Conversions, Export).")
    if _bcrypt_rounds(text) > MAX_BCRYPT_ROUNDS or _pkcs8_iterations(text) > MAX_PKCS8_ITERATIONS:
        raise UnsupportedKey("Its passphrase was made too slow to open ; use fewer rounds or iterations.")
    try:
        key = asyncssh.import_private_key(text, passphrase)
    except asyncssh.KeyEncryptionError as error:
        raise UnsupportedKey(
            "The passphrase does not open it, or its encryption is not supported."
            if passphrase
            else "It is protected by a passphrase, and none is given."
        ) from error
    except (asyncssh.KeyImportError, ValueError) as error:
        said = "passphrase" in str(error).lower()
        raise UnsupportedKey(
            "It is protected by a passphrase, and none is given." if said and not passphrase else "It cannot be read."
        ) from error
    return _allowed(key, legacy=legacy)


def described(key: asyncssh.SSHKey) -> PublicKey:
    """What may be shown and stored of a key: its public half."""
    algorithm, blob = key.export_public_key("openssh").decode("ascii").split()[:2]
    return PublicKey(line=f"{algorithm} {blob}", algorithm=algorithm, fingerprint=key.get_fingerprint())


def generated(algorithm: Literal["ed25519", "rsa4096"]) -> KeyPair:
    """A new key pair. RSA takes seconds: call it in a thread."""
    if algorithm == "rsa4096":
        return _pair(asyncssh.generate_private_key("ssh-rsa", key_size=4096))
    return _pair(asyncssh.generate_private_key("ssh-ed25519"))


def imported(text: str, passphrase: str | None, *, legacy: bool = False) -> KeyPair:
    """The key pair of a private key. As slow as loaded_private_key, and raises what that raises."""
    return _pair(loaded_private_key(text, passphrase, legacy=legacy))


def _pair(key: asyncssh.SSHKey) -> KeyPair:
    key.set_comment(None)
    size: int = getattr(key.pyca_key, "key_size", _ED25519_BITS)
    return KeyPair(described(key), size, key.export_private_key("openssh").decode("ascii"))


def make_private_key(algorithm: str = "ssh-ed25519") -> str:
    """A new private key in OpenSSH's format, for instance a host key."""
    return asyncssh.generate_private_key(algorithm).export_private_key("openssh").decode("ascii")


def _bcrypt_rounds(text: str) -> int:
    """How often an OpenSSH key has its passphrase hashed; 0 for others.

    The format: "openssh-key-v1" NUL, then strings with four bytes of length: cipher, kdf, and the kdf's options,
    which are a salt and the rounds (OpenSSH, PROTOCOL.key).
    """
    armour = re.search(r"-----BEGIN OPENSSH PRIVATE KEY-----(.+?)-----END", text, re.DOTALL)
    try:
        rest = base64.b64decode(armour[1])[len(b"openssh-key-v1\0") :] if armour else b""
    except ValueError:
        return 0  # the driver says what is wrong with it
    for _ in ("cipher", "kdf"):
        rest = rest[4 + int.from_bytes(rest[:4]) :]
    options = rest[4 : 4 + int.from_bytes(rest[:4])]
    return int.from_bytes(options[-4:])


def _pkcs8_iterations(text: str) -> int:
    """The largest number in the header of an encrypted PKCS #8 key (RFC 5958, RFC 8018); 0 for others."""
    armour = re.search(r"-----BEGIN ENCRYPTED PRIVATE KEY-----(.+?)-----END", text, re.DOTALL)
    try:
        return _largest(der_decode(base64.b64decode(armour[1]))) if armour else 0
    except ValueError:
        return 0  # the driver says what is wrong with it


def _largest(value: object) -> int:
    if isinstance(value, int):
        return value
    return max((_largest(part) for part in value), default=0) if isinstance(value, tuple) else 0


def _allowed(key: asyncssh.SSHKey, *, legacy: bool) -> asyncssh.SSHKey:
    algorithm = key.get_algorithm()
    if algorithm == "ssh-dss" and legacy:
        return key
    if algorithm == "ssh-dss":
        raise UnsupportedKey(
            "Found an ssh-dss key, which is too weak; the operator may allow it (TIDEGATE_LEGACY_SSH_KEYS)."
        )
    if algorithm not in ALGORITHMS:
        raise UnsupportedKey(f"Found a key of the type {algorithm}.")
    return key
