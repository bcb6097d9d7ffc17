"""Host keys: public keys of SSH servers in OpenSSH's one-line format, and the fingerprints that people compare."""

import base64
import binascii
import hashlib


def parts_of(line: str) -> tuple[str, bytes]:
    """Algorithm and key blob of `ssh-ed25519 AAAA... [comment]`. Raises ValueError with what was expected."""
    words = line.split()
    expected = "expected a public key in OpenSSH's one-line format, such as 'ssh-ed25519 AAAA...'"
    if len(words) < 2:
        raise ValueError(expected)
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(expected) from error
    # RFC 4253, 6.6: the blob begins with the algorithm's name, as a string with its length in front.
    name = words[0].encode()
    if blob[: 4 + len(name)] != len(name).to_bytes(4, "big") + name:
        raise ValueError(expected)
    return words[0], blob


def normalized(line: str) -> str:
    """The line without comment and surplus blanks. Raises ValueError."""
    algorithm, blob = parts_of(line)
    return f"{algorithm} {base64.b64encode(blob).decode()}"


def fingerprint_of(line: str) -> str:
    """The SHA-256 fingerprint as OpenSSH shows it: `SHA256:` and base64 without padding. Raises ValueError."""
    _, blob = parts_of(line)
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
