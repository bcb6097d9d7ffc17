"""A place on a partner's SFTP server."""

from typing import Literal
from uuid import UUID

from pydantic import Field, StrictBool

from shared.domain.model import Model
from shared.domain.place.server import HomeDirectory, HostName, MaxSessions, PortNumber, UserName


class SftpPlace(Model):
    """A directory tree on a partner's SFTP server."""

    transport: Literal["sftp"]
    host: HostName
    port: PortNumber = 22
    username: UserName
    home_directory: HomeDirectory = ""
    host_keys: tuple[str, ...] = Field(default=(), max_length=20)
    """Pinned public host keys in OpenSSH's one-line format, any number, so that a partner can rotate."""
    trust_on_first_use: StrictBool = False
    max_sessions: MaxSessions | None = None
    ssh_key_id: UUID | None = None
    """One of the account's key pairs, offered before a private key of the connection's own."""

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for."""
        return (self.transport, self.host.lower(), self.port, self.username)

    @property
    def server(self) -> tuple[str, int]:
        """Whose sessions are counted: host and port."""
        return (self.host.lower(), self.port)
