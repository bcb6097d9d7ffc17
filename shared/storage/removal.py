"""What people take away: connections and drop folders. Writes no table of its own.

Nothing that happened is lost with them: runs, receipts, arrivals and versions of goals stay as they are. What would
wait for ever is ended here, with its reason. Nothing here commits.
"""

from uuid import UUID

from shared.domain.failures import FolderWatched, RunsOpen
from shared.storage import arrivals, connections, drop_folders, exchanges, goals, inquiries, returns, turns
from shared.storage.database import Tx


async def remove_connection(tx: Tx, connection_id: UUID) -> None:
    """Take a connection away with its goals and secrets. The caller holds it by `connections.lock`.

    Raises RunsOpen where a run of it has not ended: its file would be neither imported nor refused.
    """
    count = await connections.open_runs(tx, connection_id)
    if count:
        raise RunsOpen(f"Found {count} of them.")
    await goals.delete_of_connection(tx, connection_id)
    await arrivals.leave_behind(tx, connection_id)
    await returns.leave_behind(tx, connection_id)
    await inquiries.drop(tx, connection_id)
    await exchanges.forget(tx, connection_id)
    await turns.forget(tx, connection_id)
    await connections.delete(tx, connection_id)


async def remove_drop_folder(tx: Tx, drop_folder_id: UUID) -> None:
    """Take a hosted folder away with its logins. The caller holds it by `drop_folders.lock`. Raises FolderWatched."""
    if await connections.of_drop_folder(tx, drop_folder_id) is not None:
        raise FolderWatched
    await drop_folders.delete(tx, drop_folder_id)
