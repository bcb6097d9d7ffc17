"""Connections: how to reach one place. Secrets are not part of the model; they are sealed in storage."""

import ipaddress
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints, field_validator

from shared.domain.model import Model

HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}\z")]


class SftpPlace(Model):
    """A directory tree on a partner's SFTP server."""

    transport: Literal["sftp"]
    host: HostName
    port: int = Field(default=22, ge=1, le=65_535)
    username: str = Field(min_length=1, max_length=255)
    home_directory: str = Field(default="", max_length=1_024)
    host_keys: tuple[str, ...] = Field(default=(), max_length=20)
    """Pinned public host keys in OpenSSH's one-line format, any number, so that a partner can rotate."""
    trust_on_first_use: StrictBool = False

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        if ":" in value:
            ipaddress.ip_address(value)
        return value

    @field_validator("home_directory", "username")
    @classmethod
    def _printable(cls, value: str) -> str:
        if any(ord(c) < 32 or ord(c) == 127 for c in value):
            raise ValueError("found a control character")
        return value


class HostedPlace(Model):
    """A drop folder that Tidegate itself hosts."""

    transport: Literal["hosted"]
    drop_folder_id: UUID


class ManualPlace(Model):
    """Where files come from that clients send to the gateway: each account has one such connection, made when needed.

    Nobody looks there; its goals are the settings of manual imports, one goal a name.
    """

    transport: Literal["manual"] = "manual"


DropPlace = Annotated[SftpPlace | HostedPlace, Field(discriminator="transport")]
"""A place with a drop folder."""
Place = Annotated[SftpPlace | HostedPlace | ManualPlace, Field(discriminator="transport")]


class ConnectionSettings(Model):
    """What a person sets on a connection, but for its secrets."""

    name: str = Field(min_length=1, max_length=200)
    active: StrictBool = True
    interval_seconds: int = Field(default=60, ge=10, le=86_400)
    place: Place


class Connection(Model):
    """A connection as it is stored."""

    id: UUID
    account_id: UUID
    settings: ConnectionSettings


class Login(Model):
    """What proves who we are to a partner's server; lives in memory only."""

    password: str | None = Field(default=None, repr=False)
    private_key: str | None = Field(default=None, repr=False)
    passphrase: str | None = Field(default=None, repr=False)
