"""Fingerprints of servers' certificates, by which people pin them: SHA-256 over the DER form, as OpenSSL shows it.

`openssl x509 -noout -fingerprint -sha256` and FTP clients show the same digits, with colons or without.
"""

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, Field

_DIGITS = re.compile(r"[0-9A-F]{64}")


def fingerprint_of(certificate: bytes) -> str:
    """The fingerprint of a certificate in DER: 32 bytes as `AB:CD:...`."""
    return _spelled(hashlib.sha256(certificate).hexdigest().upper())


def normalized_fingerprint(text: str) -> str:
    """A fingerprint as `fingerprint_of` spells it. Raises ValueError with what was expected."""
    digits = text.strip().replace(":", "").upper()
    if _DIGITS.fullmatch(digits) is None:
        raise ValueError("expected a SHA-256 fingerprint: 64 hexadecimal digits, in pairs with colons or without")
    return _spelled(digits)


def _spelled(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


Fingerprint = Annotated[str, Field(min_length=64, max_length=95), AfterValidator(normalized_fingerprint)]
