"""Ways in which an account meets other systems; its owner switches each of them on and off."""

from enum import StrEnum

from shared.domain.place import DropPlace, HostedPlace


class Integration(StrEnum):
    """One of the ways."""

    HOSTED_FOLDERS = "hosted_folders"
    """Partners log in at Tidegate. Off for a new account."""
    PARTNER_SERVERS = "partner_servers"
    """Tidegate logs in at partners' servers, and at directories that the operator has mounted."""
    ONE_SHOT_IMPORTS = "one_shot_imports"
    """A request names a file on a server, and it is imported."""


class IntegrationState(StrEnum):
    """Whether it is used."""

    OFF = "off"
    """As paused; and nothing new is made that needs it."""
    ACTIVE = "active"
    PAUSED = "paused"
    """Logins are refused, nothing is looked at, and runs wait until it is active again."""


def integration_of(place: DropPlace) -> Integration:
    """What a place needs."""
    return Integration.HOSTED_FOLDERS if isinstance(place, HostedPlace) else Integration.PARTNER_SERVERS
