"""pgpy, met here alone: it reads and makes keys, and does the cryptography of small messages where GnuPG is not there.

What it leaves out is done here: it believes what a key says of itself without looking at the signatures, and would read
a message that nothing protects. Its parsers meet hostile bytes with every kind of exception; all of them mean the same.
"""

import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pgpy
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
from pgpy.constants import (
    CompressionAlgorithm,
    EllipticCurveOID,
    HashAlgorithm,
    KeyFlags,
    PubKeyAlgorithm,
    SignatureType,
    String2KeyType,
    SymmetricKeyAlgorithm,
)
from pgpy.errors import PGPDecryptionError, PGPEncryptionError, PGPError, PGPInsecureCipherError
from pgpy.packet import Packet

from shared.domain.failures import (
    DamagedMessage,
    SignatureRefused,
    UnsupportedEncryption,
    UnsupportedOpenPgpKey,
    WrongPassphrase,
)
from shared.domain.openpgp_key import KeyUse, OpenPgpKey, OwnKey

# It names old ciphers where cryptography had them before, with each use of any; there is nothing that we could mend.
warnings.filterwarnings("ignore", message=".* has been moved to cryptography.hazmat.decrepit", category=UserWarning)

BROKEN = (
    PGPError,
    PGPDecryptionError,
    PGPEncryptionError,
    PGPInsecureCipherError,
    UnsupportedAlgorithm,
    InvalidSignature,
    InvalidUnwrap,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    ArithmeticError,
    AssertionError,
    StopIteration,
    struct.error,
)
"""What pgpy raises for bytes and keys that it cannot take."""

ALGORITHMS = {
    "rsa3072": (PubKeyAlgorithm.RSAEncryptOrSign, 3072),
    "rsa4096": (PubKeyAlgorithm.RSAEncryptOrSign, 4096),
    "curve25519": (PubKeyAlgorithm.EdDSA, EllipticCurveOID.Ed25519),
}
"""What can be generated. RSA is read by every program, Curve25519 by those of the last ten years."""

_MOST_BITS = 16_384
# GnuPG's mark for a private part that is kept elsewhere; pgpy knows it with a zero before its name only.
_STUB = re.compile(rb"([\xfe\xff].\x65).(GNU[\x01\x02])", re.DOTALL)
_CERTIFICATIONS = (
    SignatureType.Generic_Cert,
    SignatureType.Persona_Cert,
    SignatureType.Casual_Cert,
    SignatureType.Positive_Cert,
)
_ENCRYPTS = {KeyFlags.EncryptCommunications, KeyFlags.EncryptStorage}
_CURVES = {
    EllipticCurveOID.Curve25519: "cv25519",
    EllipticCurveOID.Ed25519: "ed25519",
    EllipticCurveOID.NIST_P256: "nistp256",
    EllipticCurveOID.NIST_P384: "nistp384",
    EllipticCurveOID.NIST_P521: "nistp521",
}
_NAMES = {
    PubKeyAlgorithm.RSAEncryptOrSign: "rsa",
    PubKeyAlgorithm.RSAEncrypt: "rsa",
    PubKeyAlgorithm.RSASign: "rsa",
    PubKeyAlgorithm.DSA: "dsa",
    PubKeyAlgorithm.ElGamal: "elgamal",
    PubKeyAlgorithm.FormerlyElGamalEncryptOrSign: "elgamal",
}


def read(material: bytes) -> OpenPgpKey:
    """What a key in binary form says of itself. Raises UnsupportedOpenPgpKey."""
    return _facts(_parsed(material))


def public_half(material: bytes) -> bytes:
    """The public part of a key in binary form. Raises UnsupportedOpenPgpKey."""
    try:
        return bytes(_parsed(material).pubkey)
    except BROKEN as error:
        raise UnsupportedOpenPgpKey("Its public part cannot be taken out.") from error


def require_opens(material: bytes, passphrase: str | None) -> None:
    """Raises WrongPassphrase, UnsupportedOpenPgpKey where a private key does not open with that passphrase."""
    key = _parsed(material)
    protected = [each for each in (key, *key.subkeys.values()) if each.is_protected and not _is_stub(each)]
    if protected and passphrase is None:
        raise WrongPassphrase("The key has a passphrase, and none was sent.")
    with _unlocked(key, passphrase):
        pass


def generate(user_id: str, algorithm: str, expires_at: datetime | None, passphrase: str) -> bytes:
    """A new private key under a passphrase, in binary form, with a subkey for encryption. RSA takes up to seconds."""
    kind, size = ALGORITHMS[algorithm]
    now = datetime.now(UTC).replace(microsecond=0)
    lifetime = {} if expires_at is None else {"key_expiration": expires_at - now}
    key = pgpy.PGPKey.new(kind, size, created=now)
    key.add_uid(
        pgpy.PGPUID.new(user_id),
        usage={KeyFlags.Certify, KeyFlags.Sign},
        hashes=[HashAlgorithm.SHA512, HashAlgorithm.SHA256],
        ciphers=[SymmetricKeyAlgorithm.AES256, SymmetricKeyAlgorithm.AES128],
        compression=[CompressionAlgorithm.ZLIB, CompressionAlgorithm.ZIP, CompressionAlgorithm.Uncompressed],
        **lifetime,
    )
    if kind is PubKeyAlgorithm.EdDSA:
        kind, size = PubKeyAlgorithm.ECDH, EllipticCurveOID.Curve25519
    subkey = pgpy.PGPKey.new(kind, size, created=now)
    key.add_subkey(subkey, usage=_ENCRYPTS, **lifetime)
    key.protect(passphrase, SymmetricKeyAlgorithm.AES256, HashAlgorithm.SHA256)
    return bytes(key)


# Reading a key.


def _parsed(material: bytes) -> Any:
    try:
        key, others = pgpy.PGPKey.from_blob(_STUB.sub(lambda found: found[1] + b"\x00" + found[2], material))
        primaries = {each.fingerprint for each in (key, *others.values()) if each.is_primary}
        bits = [each.key_size for each in (key, *key.subkeys.values()) if isinstance(each.key_size, int)]
    except BROKEN as error:
        raise UnsupportedOpenPgpKey("It cannot be read.") from error
    if len(primaries) != 1 or not key.is_primary:
        raise UnsupportedOpenPgpKey(f"Found {len(primaries)} keys, expected one.")
    if max(bits, default=0) > _MOST_BITS:
        raise UnsupportedOpenPgpKey(f"Found a key of {max(bits)} bits, expected at most {_MOST_BITS}.")
    return key


@dataclass(frozen=True, slots=True)
class _Part:
    """The key itself or a subkey of it, as its newest signature that holds describes it."""

    key: Any
    encrypts: bool
    signs: bool
    expires_at: datetime | None
    is_revoked: bool


def _facts(key: Any) -> OpenPgpKey:
    public = key.pubkey
    user_ids = tuple(
        uid.userid for uid in public.userids if any(_holds(public, sig, uid) for sig in _own(public, uid.__sig__))
    )
    main = _main_part(public)
    subs = [part for sub in public.subkeys.values() if (part := _sub_part(public, sub)) is not None]
    if main is None:
        raise UnsupportedOpenPgpKey("No signature of its own on it holds.")
    parts = [main, *(part for part in subs if not part.is_revoked)]
    encrypting = [part for part in parts if part.encrypts]
    signing = [part for part in parts if part.signs]
    uses = _uses(bool(encrypting), bool(signing), is_private=not key.is_public, is_revoked=main.is_revoked)
    ends = [main.expires_at, *(_last(group) for group in (encrypting, signing) if group)]
    names = [_name(public)] + ([_name(encrypting[-1].key)] if encrypting and encrypting[-1] is not main else [])
    return OpenPgpKey(
        fingerprint=_digits(public.fingerprint),
        key_ids=tuple(_digits(each.fingerprint)[-16:] for each in (public, *public.subkeys.values())),
        user_ids=user_ids,
        algorithm="+".join(names),
        created_at=_aware(public.created),
        expires_at=min((end for end in ends if end is not None), default=None),
        is_revoked=main.is_revoked,
        is_private=not key.is_public,
        uses=uses,
    )


def _uses(encrypts: bool, signs: bool, *, is_private: bool, is_revoked: bool) -> tuple[KeyUse, ...]:
    """A revoked key still opens what was encrypted to it before."""
    found = [
        (KeyUse.DECRYPT, is_private),
        (KeyUse.SIGN, is_private and signs and not is_revoked),
        (KeyUse.ENCRYPT, encrypts and not is_revoked),
        (KeyUse.VERIFY, signs and not is_revoked),
    ]
    return tuple(use for use, can in found if can)


def _last(parts: list[_Part]) -> datetime | None:
    """When the last of several ends; None where one does not."""
    ends = [part.expires_at for part in parts]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


def _main_part(public: Any) -> _Part | None:
    signatures = [(sig, public) for sig in public.__sig__ if sig.type is SignatureType.DirectlyOnKey]
    signatures += [(sig, uid) for uid in public.userids for sig in uid.__sig__ if sig.type in _CERTIFICATIONS]
    revoked = any(
        _holds(public, sig, public) for sig in _own(public, public.__sig__) if sig.type is SignatureType.KeyRevocation
    )
    valid = [sig for sig, subject in signatures if _is_own(public, sig) and _holds(public, sig, subject)]
    return _part(public, valid, is_revoked=revoked)


def _sub_part(public: Any, sub: Any) -> _Part | None:
    own = list(_own(public, sub.__sig__))
    bindings = [sig for sig in own if sig.type is SignatureType.Subkey_Binding and _holds(public, sig, sub)]
    revoked = any(sig.type is SignatureType.SubkeyRevocation and _holds(public, sig, sub) for sig in own)
    return _part(sub, bindings, is_revoked=revoked)


def _part(key: Any, signatures: list[Any], *, is_revoked: bool) -> _Part | None:
    if not signatures:
        return None
    newest = max(signatures, key=lambda sig: sig.created)
    flags, kind = set(newest.key_flags), key.key_algorithm
    if not flags:
        # No flags at all: whatever its algorithm can do. RFC 4880, section 5.2.3.21.
        flags = (_ENCRYPTS if kind.can_encrypt else set()) | ({KeyFlags.Sign} if kind.can_sign else set())
    life = newest.key_expiration
    expires_at = _aware(key.created) + life if life else None
    return _Part(key, bool(flags & _ENCRYPTS), KeyFlags.Sign in flags, expires_at, is_revoked)


def _own(public: Any, signatures: Any) -> Iterator[Any]:
    return (sig for sig in signatures if _is_own(public, sig))


def _is_own(public: Any, sig: Any) -> bool:
    return bool(sig.signer == public.fingerprint.keyid)


def _holds(public: Any, sig: Any, subject: Any) -> bool:
    """Whether a signature is the key's own work."""
    try:
        digest = getattr(hashes, sig.hash_algorithm.name)()
        return bool(public._key.verify(sig.hashdata(subject), sig.__sig__, digest))
    except BROKEN:
        return False


def _name(key: Any) -> str:
    size = key.key_size
    if isinstance(size, EllipticCurveOID):
        return _CURVES.get(size, str(size.name).lower())
    return f"{_NAMES.get(key.key_algorithm, key.key_algorithm.name.lower())}{size}"


def _digits(fingerprint: Any) -> str:
    return str(fingerprint).replace(" ", "").upper()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


# The cryptography of a message.


@dataclass(frozen=True, slots=True)
class Session:
    """What encrypted data is encrypted with."""

    cipher: Any
    key: bytes

    @property
    def number(self) -> int:
        """The cipher's number, RFC 9580 section 9.3."""
        return int(self.cipher)


@contextmanager
def _unlocked(key: Any, passphrase: str | None) -> Iterator[None]:
    """Raises WrongPassphrase, UnsupportedOpenPgpKey. Parts that are kept elsewhere stay shut."""
    locked = [each._key for each in (key, *key.subkeys.values()) if each.is_protected and not _is_stub(each)]
    try:
        for each in locked:
            each.unprotect(passphrase or "")
        yield
    except PGPDecryptionError as error:
        raise WrongPassphrase(f"Key {_digits(key.fingerprint)}.") from error
    except BROKEN as error:
        raise UnsupportedOpenPgpKey("Its private part cannot be read.") from error
    finally:
        for each in locked:
            each.keymaterial.clear()


def _is_stub(key: Any) -> bool:
    return bool(key._key.keymaterial.s2k.specifier is String2KeyType.GNUExtension)


def session_of(own: OwnKey, material: bytes, packet: bytes) -> Session | None:
    """The session key of a PKESK packet, if it is for that key. Raises WrongPassphrase, UnsupportedEncryption."""
    key = _parsed(material)
    found = None
    with _unlocked(key, own.passphrase):
        for each in (key, *key.subkeys.values()):
            found = found or _session(each, packet)
    return found


def _session(key: Any, packet: bytes) -> Session | None:
    try:
        parsed = Packet(bytearray(packet))
        if parsed.encrypter.strip("0") and parsed.encrypter != key.fingerprint.keyid:
            return None
    except BROKEN as error:
        raise DamagedMessage("Its session key cannot be read.") from error
    if parsed.pkalg not in (PubKeyAlgorithm.RSAEncryptOrSign, PubKeyAlgorithm.ECDH):
        raise UnsupportedEncryption(f"Found a key of kind {parsed.pkalg.name}, which takes GnuPG: have it installed.")
    try:
        cipher, session_key = parsed.decrypt_sk(key._key)
    except BROKEN:
        return None
    return Session(cipher, bytes(session_key))


def session_of_password(packet: bytes, password: str) -> Session | None:
    """The session key of a SKESK packet under a password; of a wrong password often none, at times nonsense."""
    try:
        parsed = Packet(bytearray(packet))
        cipher, session_key = parsed.decrypt_sk(password)
    except BROKEN:
        return None
    return Session(cipher, bytes(session_key))


def opened(packet: bytes, session: Session) -> bytes:
    """What a SEIPD packet holds, with the packet of its modification detection code. Raises DamagedMessage."""
    if session.cipher is SymmetricKeyAlgorithm.Twofish256 or not session.cipher.is_supported:
        raise UnsupportedEncryption(f"Found the cipher {session.cipher.name}, which takes GnuPG: have it installed.")
    try:
        return bytes(Packet(bytearray(packet)).decrypt(session.key, session.cipher))
    except BROKEN as error:
        raise DamagedMessage(
            "Its modification detection code does not fit: it was changed or cut off after it was encrypted."
        ) from error


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds."""

    fingerprint: str
    """Of the primary key."""
    is_late: bool
    """Whether it, or its key, has expired or was revoked."""


def signed_by(packet: bytes, data: bytes, materials: dict[str, bytes]) -> Signed | None:
    """Who made a signature of that data, of the keys given by fingerprint; None where it is nobody of them.

    Raises SignatureRefused for a signature that claims to be of one of them and is not.
    """
    try:
        signature = pgpy.PGPSignature.from_blob(packet)
        signer = signature.signer
        is_weak = signature.hash_algorithm is HashAlgorithm.MD5
    except BROKEN as error:
        raise DamagedMessage("Its signature cannot be read.") from error
    for fingerprint, material in materials.items():
        public = _parsed(material)
        parts = [(public, _main_part(public)), *((sub, _sub_part(public, sub)) for sub in public.subkeys.values())]
        for key, part in parts:
            if part is None or not part.signs or key.fingerprint.keyid != signer:
                continue
            if is_weak or not _holds(key, signature, data):
                raise SignatureRefused("Its signature does not fit its content.")
            main = parts[0][1]
            ends = [each.expires_at for each in (part, main) if each is not None and each.expires_at is not None]
            is_revoked = part.is_revoked or main is None or main.is_revoked
            is_late = is_revoked or signature.is_expired or any(end <= datetime.now(UTC) for end in ends)
            return Signed(fingerprint, is_late)
    return None


def sealed(content: bytes, materials: list[bytes], signer: bytes | None, passphrase: str | None) -> bytes:
    """A message of that content, not compressed, for several keys, signed by another where one is given.

    Raises WrongPassphrase, UnsupportedOpenPgpKey.
    """
    message = pgpy.PGPMessage.new(content, compression=CompressionAlgorithm.Uncompressed, format="b")
    if signer is not None:
        key = _parsed(signer)
        with _unlocked(key, passphrase):
            message |= key.sign(message)
    cipher = SymmetricKeyAlgorithm.AES256
    session_key = cipher.gen_key()
    try:
        for material in materials:
            public = _parsed(material).pubkey
            message = public.encrypt(message, cipher=cipher, sessionkey=session_key)
    except BROKEN as error:
        raise UnsupportedOpenPgpKey("A key of this kind takes GnuPG: have it installed.") from error
    return bytes(message)
