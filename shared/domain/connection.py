"""Connections: a name, a rhythm and a place. Secrets are not part of the model; they are sealed in storage."""

from uuid import UUID

from pydantic import Field, StrictBool

from shared.domain.blackout import Blackouts
from shared.domain.model import Model
from shared.domain.place import Place
from shared.domain.schedule import Times


class ConnectionSettings(Model):
    """What a person sets on a connection, but for its secrets."""

    name: str = Field(min_length=1, max_length=200)
    active: StrictBool = Field(
        default=True,
        description="Switched off (paused), nothing is begun: its place is not looked at, times pass, and runs of its "
        "goals that are in the queue wait (`paused`). Runs in hand go on",
    )
    interval_seconds: int = Field(default=60, ge=10, le=86_400)
    place: Place
    when: tuple[Times, ...] = Field(
        default=(),
        max_length=10,
        description="Times at which all its active goals are carried out in their order, each once the one before has "
        "ended; between them its imports take no files",
    )
    blackouts: Blackouts = Field(
        default=(),
        description="Windows in which nothing is begun: a partner's server is not looked at, and files, times and runs "
        "wait (`blackout`) until they end. Runs in hand go on",
    )


class Connection(Model):
    """A connection as it is stored."""

    id: UUID
    account_id: UUID
    settings: ConnectionSettings


class Login(Model):
    """What lets us in: what proves who we are to a partner's server, and what is allowed; lives in memory only."""

    password: str | None = Field(default=None, repr=False)
    private_key: str | None = Field(default=None, repr=False)
    passphrase: str | None = Field(default=None, repr=False)
    ssh_key: str | None = Field(default=None, repr=False)
    """A private key of the account, without a passphrase."""
    local_directories: tuple[str, ...] = ()
    """Which of the operator's directories the account may use."""
