"""Whether the directory of a hosted folder may be made where it is missing.

So a new folder can be watched before anybody comes. But where files are known to lie in it its volume is away: an
empty directory in its place would mean that they have all gone, and they would be taken again when it is back.
"""

import asyncio
import os

from services.poller.tools import Tools
from shared.domain.place import HostedPlace
from shared.storage import arrivals
from shared.storage.connections import StoredConnection


async def may_make_root(tools: Tools, connection: StoredConnection) -> bool:
    """Of a connection to any place; only a hosted folder's is ever made. Raises StorageUnavailable."""
    place = connection.settings.place
    if not isinstance(place, HostedPlace):
        return False
    root = tools.places.hosted(connection.account_id, place.drop_folder_id)
    if await asyncio.to_thread(os.path.isdir, root):
        return False
    async with tools.database.account(connection.account_id, read_only=True) as tx:
        return not await arrivals.lies_anything(tx, connection.id, place.drop_folder_id)
