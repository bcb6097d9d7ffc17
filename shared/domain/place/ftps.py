"""A place on a partner's FTPS server."""

from typing import Any, Literal

from pydantic import Field, model_validator

from shared.domain.certificate import Fingerprint
from shared.domain.model import Model
from shared.domain.place.server import HomeDirectory, HostName, MaxSessions, PortNumber, UserName

_IMPLICIT_PORT = 990


class FtpsPlace(Model):
    """A directory tree on a partner's FTP server that speaks TLS (RFC 4217); there is no FTP without it."""

    transport: Literal["ftps"]
    tls: Literal["explicit", "implicit"] = "explicit"
    """Whether the connection becomes TLS when it is asked to (AUTH TLS), or is from its first byte on."""
    host: HostName
    port: PortNumber = Field(default=21, description="Not sent: 21 for explicit TLS, 990 for implicit TLS")
    username: UserName
    home_directory: HomeDirectory = ""
    certificates: tuple[Fingerprint, ...] = Field(default=(), max_length=20)
    """SHA-256 fingerprints of pinned certificates, any number, so that a partner can rotate. Where there are some,
    exactly these are accepted, whatever they say of dates and names; else an authority has to vouch for the server."""
    max_sessions: MaxSessions | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tls") == "implicit" and "port" not in data:
            return data | {"port": _IMPLICIT_PORT}
        return data

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for."""
        return (self.transport, self.host.lower(), self.port, self.username)

    @property
    def server(self) -> tuple[str, int]:
        """Whose sessions are counted: host and port."""
        return (self.host.lower(), self.port)
