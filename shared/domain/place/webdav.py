"""A place on a partner's WebDAV server."""

import re
from typing import Annotated, Literal
from urllib.parse import unquote_to_bytes, urlsplit

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from shared.domain.certificate import Fingerprint
from shared.domain.model import Model
from shared.domain.place.server import HostName, MaxSessions, UserName

_HOST: TypeAdapter[str] = TypeAdapter(HostName)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_EXPECTED = "expected https://host/path, or https://host:port/path"


def _checked_url(value: str) -> str:
    """The address of a directory, without a slash at its end. Raises ValueError with what was expected."""
    if not value.isprintable() or " " in value:
        raise ValueError(_EXPECTED)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(_EXPECTED) from error
    if parts.scheme != "https":
        raise ValueError(f"{_EXPECTED}: without TLS neither password nor files are safe")
    if "@" in parts.netloc:
        raise ValueError("found a user name in the address, which has a field of its own")
    if parts.query or parts.fragment or "?" in value or "#" in value:
        raise ValueError(f"{_EXPECTED}, without ? and #")
    if not parts.hostname or port == 0:
        raise ValueError(_EXPECTED)
    try:
        _HOST.validate_python(parts.hostname)
    except ValidationError as error:
        raise ValueError(f"{_EXPECTED}: {error.errors()[0]['msg']}") from error
    path = parts.path.rstrip("/")
    if _PATH.fullmatch(path) is None or _STRAY_PERCENT.search(path):
        raise ValueError("expected a path in which everything but letters, digits and common signs is percent-encoded")
    if any(segment in (b".", b"..") or b"/" in segment or b"\0" in segment for segment in _segments(path)):
        raise ValueError("expected a path without '.', '..', encoded slashes and NULs")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}{'' if port in (None, 443) else f':{port}'}{path}"


def _segments(path: str) -> tuple[bytes, ...]:
    return tuple(unquote_to_bytes(segment) for segment in path.split("/")[1:])


def _has_no_colon(value: str) -> str:
    if ":" in value:
        raise ValueError("found a colon, which a user name cannot have in HTTP")
    return value


class WebDavPlace(Model):
    """A directory on a partner's WebDAV server (RFC 4918), reached by https alone."""

    transport: Literal["webdav"]
    url: Annotated[str, Field(min_length=1, max_length=2_048), AfterValidator(_checked_url)]
    """The directory in which paths begin."""
    username: Annotated[UserName, AfterValidator(_has_no_colon)]
    certificates: tuple[Fingerprint, ...] = Field(default=(), max_length=20)
    """SHA-256 fingerprints of pinned certificates, any number, so that a partner can rotate. Where there are some,
    exactly these are accepted, whatever they say of dates and names; else an authority has to vouch for the server."""

    max_sessions: MaxSessions | None = None

    @property
    def host(self) -> str:
        """Name or address of the server."""
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        """The server's port."""
        return urlsplit(self.url).port or 443

    @property
    def segments(self) -> tuple[bytes, ...]:
        """The directory's path, decoded."""
        return _segments(urlsplit(self.url).path)

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for."""
        return (self.transport, self.url, self.username)

    @property
    def server(self) -> tuple[str, int]:
        """Whose sessions are counted: host and port."""
        return (self.host, self.port)
