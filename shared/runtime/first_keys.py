"""Pin the host key that a run sees first, where its connection trusts it: nobody may have looked there before.

A connection with exports alone is never looked at, and need not have been verified. Nothing here opens a place.
"""

import structlog

from shared.domain.place import SftpPlace
from shared.runtime.desk import Desk
from shared.storage import pinned_keys
from shared.storage.database import Database
from shared.transfer.sftp import FirstKey

log = structlog.get_logger()


def pinning(database: Database, desk: Desk) -> FirstKey | None:
    """What pins a key before it is used; None where no host key has a part in it.

    It raises HostKeyChanged, HostKeyUnknown, NotFound, StorageUnavailable.
    """
    tried = desk.connection
    if tried is None or not isinstance(tried.settings.place, SftpPlace):
        return None
    server = tried.settings.place.server

    async def pin(line: str) -> None:
        async with database.account(desk.run.account_id) as tx:
            pinned = await pinned_keys.pin_first_host_key(tx, tried.id, server, line)
        log.info("host_key.pinned_on_first_use")
        # Where a person has changed it as well, what comes of the run is not of what it is now.
        if pinned.version <= tried.version + 1:
            desk.connection = pinned

    return pin
