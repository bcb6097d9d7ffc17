"""What GnuPG says of a decryption on its status descriptor, and what that means. Pure.

GnuPG's exit code alone says too little: it is 0 for content that was never encrypted, for a message that is cut off
within its session keys, for a missing signature and for one by an expired key. So a message counts as whole only where
exit code *and* DECRYPTION_OKAY say so and nothing speaks against it. The words stand in GnuPG's doc/DETAILS.
"""

from dataclasses import dataclass

from shared.domain.failures import (
    DamagedMessage,
    DecryptionFailed,
    NoDecryptionKey,
    NotIntegrityProtected,
    SignatureExpired,
    SignatureMissing,
    SignatureRefused,
    UnsupportedEncryption,
    WrongPassphrase,
    WrongPassword,
)

CIPHERS = {
    1: "idea", 2: "3des", 3: "cast5", 4: "blowfish", 7: "aes128", 8: "aes192", 9: "aes256", 10: "twofish",
    11: "camellia128", 12: "camellia192", 13: "camellia256",
}  # fmt: skip
"""RFC 9580, section 9.3."""

_AGAINST = ("NODATA", "DECRYPTION_FAILED", "BADMDC", "UNEXPECTED")
_LATE = ("EXPSIG", "EXPKEYSIG", "REVKEYSIG")
_BAD_PASSPHRASE, _CIPHER_UNKNOWN, _KEY_ALGORITHM_UNKNOWN = 11, 12, 4
"""Codes of libgpg-error, in the low 16 bits of what ERROR says."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one run of GnuPG said."""

    exit_code: int
    lines: tuple[tuple[str, tuple[str, ...]], ...]
    """Keyword and words of each line, in order."""

    def has(self, *keywords: str) -> bool:
        """Whether a line has one of these keywords."""
        return any(keyword in keywords for keyword, _ in self.lines)

    def said(self, keyword: str) -> list[tuple[str, ...]]:
        """The words of each line with that keyword."""
        return [words for found, words in self.lines if found == keyword]

    def errors(self) -> set[int]:
        """The codes of all ERROR lines."""
        found = [words[1].partition("_")[0] for words in self.said("ERROR") if len(words) > 1]
        return {int(code) & 0xFFFF for code in found if code.isdigit()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A message that GnuPG opened."""

    cipher: str | None
    """None for a message that is signed and not encrypted."""
    key_fingerprint: str | None
    """Of the primary key that opened it; None where a password did."""
    signed_by: str | None
    """Fingerprint of the primary key, where signatures were asked for."""


def judge(told: Told, *, is_encrypted: bool, signers: frozenset[str]) -> Verdict:
    """What GnuPG's words come to; `signers` are fingerprints of which one must have signed, none: no matter who.

    Raises DecryptionFailed's children, SignatureMissing, SignatureRefused, SignatureExpired.
    """
    info = (told.said("DECRYPTION_INFO") or [()])[-1]
    is_whole = told.has("PLAINTEXT") and not told.has(*_AGAINST)
    is_opened = told.has("DECRYPTION_OKAY") and _is_protected(info) if is_encrypted else not told.has("ENC_TO")
    if not (is_whole and is_opened):
        raise _failure(told, info)
    signed_by = _signer(told, signers) if signers else None
    if told.exit_code != 0:
        raise _failure(told, info)
    keys = [words[1] for words in told.said("DECRYPTION_KEY") if len(words) > 1]
    cipher = CIPHERS.get(_number(info, 1), "unknown") if is_encrypted else None
    return Verdict(cipher, keys[-1] if keys else None, signed_by)


def _is_protected(info: tuple[str, ...]) -> bool:
    """DECRYPTION_INFO: the method of the modification detection code, the cipher, and the mode of AEAD; 0 is none."""
    return _number(info, 0) > 0 or _number(info, 2) > 0


def _number(words: tuple[str, ...], place: int) -> int:
    return int(words[place]) if len(words) > place and words[place].isdigit() else 0


def _failure(told: Told, info: tuple[str, ...]) -> DecryptionFailed:
    errors = told.errors()
    if not info:
        return _never_began(told, errors)
    if _number(info, 1) not in CIPHERS or _CIPHER_UNKNOWN in errors:
        return UnsupportedEncryption(f"Found cipher number {_number(info, 1)}, which GnuPG here does not know.")
    if not _is_protected(info):
        return NotIntegrityProtected(
            "Found encrypted data without a modification detection code, expected MDC or AEAD."
        )
    if _BAD_PASSPHRASE in errors and told.has("NEED_PASSPHRASE_SYM") and not told.has("DECRYPTION_KEY"):
        return WrongPassword()
    if told.has("BADMDC"):
        return DamagedMessage("Its modification detection code does not fit: it was changed after it was encrypted.")
    return DamagedMessage("Its content ends too early, or other content follows it.")


def _never_began(told: Told, errors: set[int]) -> DecryptionFailed:
    """Nothing was decrypted: was there no key, or did it not open?"""
    if _BAD_PASSPHRASE in errors:
        if told.has("NEED_PASSPHRASE"):
            hinted = sorted({words[0] for words in told.said("NEED_PASSPHRASE") if words})
            return WrongPassphrase(f"Key id {', '.join(hinted)}.")
        return WrongPassword()
    if _KEY_ALGORITHM_UNKNOWN in errors:
        return UnsupportedEncryption("Found a kind of key that GnuPG here does not know.")
    if told.has("NO_SECKEY"):
        return NoDecryptionKey(no_key([words[0] for words in told.said("ENC_TO") if words]))
    if told.has("NEED_PASSPHRASE_SYM"):
        return WrongPassword()
    return DamagedMessage("Its beginning cannot be read.")


def no_key(recipients: list[str]) -> str:
    """Whom a message is for, where we are not among them."""
    hidden = sum(not each.strip("0") for each in recipients)
    named = sorted({each for each in recipients if each.strip("0")})
    parts = [f"key id {', '.join(named[:10])}"] if named else []
    if len(named) > 10:
        parts.append(f"{len(named) - 10} more")
    if hidden:
        parts.append(f"{hidden} that the sender hid")
    return f"It is encrypted to {' and '.join(parts)}; expected one of your own." if parts else ""


def _signer(told: Told, signers: frozenset[str]) -> str:
    """Who signed, of those who may. Raises SignatureMissing, SignatureRefused, SignatureExpired."""
    if not told.has("NEWSIG", "VALIDSIG", "ERRSIG", "BADSIG"):
        raise SignatureMissing
    if told.has("BADSIG"):
        raise SignatureRefused("Its signature does not fit its content.")
    # VALIDSIG: the signing key's fingerprint first, its primary key's last.
    valid = [(words[0], words[-1]) for words in told.said("VALIDSIG") if words]
    found = [primary for signing, primary in valid if signers & {signing, primary}]
    if not found:
        unknown = [words[0] for words in told.said("ERRSIG") if words] + [primary for _, primary in valid]
        raise SignatureRefused(
            f"Found a signature by {', '.join(unknown) or 'an unknown key'}, expected {_any(signers)}."
        )
    if told.has(*_LATE):
        raise SignatureExpired(_late(told))
    if told.exit_code != 0:
        raise SignatureRefused("Beside a valid signature it has one that cannot be verified.")
    return found[0]


def _late(told: Told) -> str:
    if told.has("REVKEYSIG"):
        return "The key that signed was revoked."
    return "The key that signed has expired." if told.has("EXPKEYSIG") else "The signature has expired."


def _any(signers: frozenset[str]) -> str:
    return "one by " + " or ".join(sorted(signers))
