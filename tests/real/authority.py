"""An authority of the tests' own, and certificates that it issues: good, expired, for other names, by nobody."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.domain.certificate import fingerprint_of

_Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key, both in one file in PEM, and how people compare it."""

    path: Path
    fingerprint: str


class Authority:
    """Signs certificates of servers. `path` is its own certificate, to be trusted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Authority of the tests")
        made = _builder(self._name, self._name, self._key, days=(-10, 10)).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(self, *names: str, days: tuple[int, int] = (-1, 5), self_signed: bool = False) -> Issued:
        """A certificate for host names and addresses, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name("Server of the tests")
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names or ("127.0.0.1",)])
        builder = _builder(subject, subject if self_signed else self._name, key, days=days)
        signed = builder.add_extension(alternatives, critical=False).sign(key if self_signed else self._key, SHA256())
        path = self._folder / f"{uuid4().hex}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + signed.public_bytes(Encoding.PEM))
        return Issued(path, fingerprint_of(signed.public_bytes(Encoding.DER)))


def _builder(subject: x509.Name, issuer: x509.Name, key: _Key, *, days: tuple[int, int]) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
