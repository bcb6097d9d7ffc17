"""A partner's SFTP server that one-shot imports fetch files from."""

from typing import Literal

from pydantic import Field

from shared.domain.model import Model
from shared.domain.place.server import HostName, PortNumber, UserName
from shared.domain.place.sftp import SftpPlace


class OneShotPlace(Model):
    """An SFTP server as one-shot imports know it: each account has one such connection a host and port.

    It is made when the first import asks for that server, and holds what must outlive the import: the host key that
    was seen first, which is pinned. Nobody looks there. User and password belong to the single import.
    """

    transport: Literal["one_shot"] = "one_shot"
    host: HostName
    port: PortNumber
    host_keys: tuple[str, ...] = Field(default=(), max_length=20)

    @property
    def whom(self) -> tuple[object, ...]:
        """Whom the secrets are meant for; it keeps none."""
        return (self.transport, self.host.lower(), self.port)

    @property
    def server(self) -> tuple[str, int]:
        """Host and port."""
        return (self.host.lower(), self.port)

    def entered_by(self, username: UserName, path: str) -> SftpPlace:
        """The place as one import sees it: an absolute path begins at the root, any other at the user's home."""
        return SftpPlace(
            transport="sftp",
            host=self.host,
            port=self.port,
            username=username,
            home_directory="/" if path.startswith("/") else "",
            host_keys=self.host_keys,
            trust_on_first_use=True,
        )
