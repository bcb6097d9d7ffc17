"""Pin the host key that is seen first, where a connection trusts it: whoever tries the connection does it here.

Several may try one connection at the same time, and what they see may differ: the key that is pinned first counts, and
who saw another goes no further. Nothing here opens a place.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.poller.tools import Tools
from shared.domain.place import SftpPlace
from shared.storage import arrivals, pinned_keys
from shared.storage.connections import StoredConnection

log = structlog.get_logger()


@dataclass(slots=True)
class FirstKey:
    """The connection that is tried, as it stands when its first key was pinned."""

    tools: Tools
    connection: StoredConnection
    pinned_at: datetime | None = None
    """When this trial pinned it, by the database's clock; None where it did not."""

    async def pin(self, line: str) -> None:
        """Pin a key before it is used. Raises HostKeyChanged, HostKeyUnknown, NotFound, StorageUnavailable."""
        tried = self.connection
        place = tried.settings.place
        assert isinstance(place, SftpPlace)
        async with self.tools.database.account(tried.account_id) as tx:
            pinned = await pinned_keys.pin_first_host_key(tx, tried.id, place.server, line)
            now = await arrivals.clock(tx)
        log.info("host_key.pinned_on_first_use")
        found = pinned.settings.place
        assert isinstance(found, SftpPlace)
        place = place.model_copy(update={"host_keys": found.host_keys})
        settings = tried.settings.model_copy(update={"place": place})
        # Where a person has changed it as well, what comes of the trial is not of what it is now.
        version = pinned.version if pinned.version == tried.version + 1 else tried.version
        self.connection = replace(tried, settings=settings, version=version)
        self.pinned_at = None if version == tried.version else now
