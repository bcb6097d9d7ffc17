"""How servers prove by TLS who they are: by an authority that this machine trusts, or by a pinned certificate.

Trusted: the certificate leads to one of the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR name others), is valid
now, and is for the host's name. Pinned: it is exactly one of those certificates, whatever it says of dates and names.
The contexts judge by themselves at the end of each handshake, so that whoever uses one cannot forget to; TLS is 1.2 at
least. Everything that stands in a certificate is a stranger's word. Nothing here connects, and nothing is stored.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from socket import socket

from cryptography import x509

from shared.domain.certificate import fingerprint_of
from shared.domain.failures import (
    CertificateChanged,
    CertificateExpired,
    CertificateFailure,
    CertificateMismatch,
    CertificateUntrusted,
    ConnectionLost,
    TlsRefused,
)
from shared.transfer.folder import escaped

_SHOWN_NAMES = 3
_NOT_VALID_NOW = (9, 10)
_OTHER_NAME = (62, 64)
"""Of X509_V_ERR_* in OpenSSL's x509_vfy.h: not yet valid, expired; host name, IP address."""

_NO_COMMON_TLS = (
    "UNSUPPORTED_PROTOCOL",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "WRONG_VERSION_NUMBER",
    "DH_KEY_TOO_SMALL",
    "NO_PROTOCOLS_AVAILABLE",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY",
    "HTTP_REQUEST",
    "RECORD_LAYER_FAILURE",
)


class Certificates:
    """The contexts with which connections are made safe."""

    def __init__(self, authorities: Path | None = None) -> None:
        """`authorities`: a file in PEM that is trusted in the place of the system's authorities."""
        self._authorities = authorities

    def context(self, pinned: Sequence[str] = ()) -> ssl.SSLContext:
        """What a connection is wrapped with, always with the host's name as `server_hostname`.

        `pinned` are fingerprints as certificate.fingerprint_of spells them. A handshake that does not prove who the
        server is raises ssl.SSLError: see `translated`. May read files: call it in a thread.
        """
        if not pinned:
            return self._trusting
        context = _PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.pinned = frozenset(pinned)
        return _unjudging(context)

    @cached_property
    def _trusting(self) -> ssl.SSLContext:
        # Reading all authorities takes milliseconds: once a process, and not once a connection.
        context = ssl.create_default_context(cafile=self._authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The same on every Python: 3.13 refuses authorities whose certificates lack what RFC 5280 wants of them, which
        # is not rare within companies, and takes an authority between as the end of a chain where that one is trusted.
        context.verify_flags = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        return context


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that a server showed: its fingerprint, and what it says of itself in words fit to be shown."""

    fingerprint: str
    names: str
    validity: str

    @classmethod
    def of(cls, certificate: bytes) -> "Shown":
        """From DER, which may be anything."""
        fingerprint = fingerprint_of(certificate)
        try:
            read = x509.load_der_x509_certificate(certificate)
            names, validity = _names(read), _validity(read)
        except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension):
            return cls(fingerprint, "names that cannot be read", "dates that cannot be read")
        return cls(fingerprint, names, validity)


def unjudging_context() -> ssl.SSLContext:
    """For a connection that is only to show a certificate: nothing is sent over it."""
    return _unjudging(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def shown_certificate(connection: socket, server_name: str) -> Shown | None:
    """What a server shows that was not accepted, so that a person may compare it: nothing else is sent to it.

    The connection is a blocking one with a time limit, on which TLS begins; it is of no use afterwards. Raises OSError.
    """
    context = unjudging_context()
    with context.wrap_socket(connection, server_hostname=server_name) as wrapped:
        certificate = wrapped.getpeercert(binary_form=True)
    return None if certificate is None else Shown.of(certificate)


def translated(
    error: ssl.SSLError, server: str, shown: Shown | None = None
) -> CertificateFailure | TlsRefused | ConnectionLost:
    """What a failed handshake means. `server` is how messages name it; `shown` what it showed, where that is known."""
    if isinstance(error, _NotPinned):
        return CertificateChanged(
            f"{server} shows the certificate with SHA-256 {error.fingerprint}, expected {error.expected}.",
            fingerprint=error.fingerprint,
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unproved(error, server, shown)
    # One that OpenSSL did not raise itself has no reason.
    if getattr(error, "reason", None) in _NO_COMMON_TLS:
        return TlsRefused(f"{server} does not answer with TLS 1.2 or newer, and ciphers that are safe.")
    return ConnectionLost(f"{server} ended the connection while TLS was begun.")


class _NotPinned(ssl.SSLCertVerificationError):
    """The certificate is none of the pinned ones."""

    def __init__(self, fingerprint: str, pinned: frozenset[str]) -> None:
        super().__init__(ssl.SSLErrorNumber.SSL_ERROR_SSL, "the certificate is none of the pinned ones")
        self.fingerprint = fingerprint
        self.expected = " or ".join(sorted(pinned))


class _PinnedSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        _require_pinned(self)


class _PinnedObject(ssl.SSLObject):
    def do_handshake(self) -> None:
        super().do_handshake()
        _require_pinned(self)


class _PinnedContext(ssl.SSLContext):
    """Accepts exactly the pinned certificates, on blocking sockets and on those of asyncio."""

    pinned: frozenset[str] = frozenset()
    sslsocket_class = _PinnedSocket
    sslobject_class = _PinnedObject


def _require_pinned(connection: ssl.SSLSocket | ssl.SSLObject) -> None:
    certificate = connection.getpeercert(binary_form=True)
    context = connection.context
    pinned = context.pinned if isinstance(context, _PinnedContext) else frozenset()
    fingerprint = fingerprint_of(certificate or b"")
    if certificate is None or fingerprint not in pinned:
        raise _NotPinned(fingerprint, pinned)


def _unjudging(context: ssl.SSLContext) -> ssl.SSLContext:
    """Without a judgement by authorities."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _unproved(error: ssl.SSLCertVerificationError, server: str, shown: Shown | None) -> CertificateFailure:
    fingerprint = "" if shown is None else shown.fingerprint
    told = f" The certificate has SHA-256 {fingerprint}." if shown else ""
    if error.verify_code in _NOT_VALID_NOW:
        dates = f", {shown.validity}" if shown else ""
        return CertificateExpired(f"{server} shows one that is {_said(error)}{dates}.{told}", fingerprint=fingerprint)
    if error.verify_code in _OTHER_NAME:
        names = f" for {shown.names}" if shown else ""
        return CertificateMismatch(f"{server} shows one{names}.{told}", fingerprint=fingerprint)
    return CertificateUntrusted(f"{server}: {_said(error)}.{told}", fingerprint=fingerprint)


def _said(error: ssl.SSLCertVerificationError) -> str:
    """OpenSSL's own words: a fixed text for each code."""
    if error.verify_code in _NOT_VALID_NOW:
        return "expired" if error.verify_code == _NOT_VALID_NOW[1] else "not valid yet"
    return error.verify_message


def _names(certificate: x509.Certificate) -> str:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "no host name"
    found = [*alternatives.get_values_for_type(x509.DNSName), *alternatives.get_values_for_type(x509.IPAddress)]
    names = [escaped(str(name).encode("utf-8", "backslashreplace")) for name in found[:_SHOWN_NAMES]]
    rest = len(found) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "") if names else "no host name"


def _validity(certificate: x509.Certificate) -> str:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}; today is {datetime.now(UTC):%Y-%m-%d}"
