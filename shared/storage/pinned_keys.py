"""Host keys of partners' servers that connections trust: shown, pinned, accepted by a person. Writes `connections`.

Which key is right is not decided here: who pins one has seen it at the server, or a person has compared it.
"""

from uuid import UUID

from shared.domain.failures import Conflict, HostKeyChanged, HostKeyUnknown
from shared.domain.host_key import fingerprint_of, normalized
from shared.domain.place import OneShotPlace, SftpPlace
from shared.storage import connections
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx

MAX_HOST_KEYS = 20
"""Of one connection."""


async def offer_host_key(tx: Tx, connection_id: UUID, line: str) -> None:
    """Keep the key that a server showed, so that a person can compare and accept it. Raises ValueError for no key."""
    await tx.execute("connections.offer_host_key", tx.account_id, connection_id, normalized(line))


async def pin_host_key(tx: Tx, connection_id: UUID, line: str) -> StoredConnection:
    """Trust a host key from now on, beside those trusted already; looking goes on. Raises NotFound, Conflict."""
    stored = await connections.lock(tx, connection_id)
    place = stored.settings.place
    if not isinstance(place, SftpPlace | OneShotPlace):
        raise Conflict("Only an SFTP server has host keys to accept.")
    key = normalized(line)
    if key not in place.host_keys:
        if len(place.host_keys) >= MAX_HOST_KEYS:
            raise Conflict(f"The connection has {MAX_HOST_KEYS} host keys already; remove those no longer in use.")
        place = place.model_copy(update={"host_keys": (*place.host_keys, key)})
    await connections.save(tx, connection_id, stored.settings.model_copy(update={"place": place}))
    return await connections.get(tx, connection_id)


async def pin_first_host_key(tx: Tx, connection_id: UUID, server: tuple[str, int], line: str) -> StoredConnection:
    """Trust the host key that was seen first at a server; a connection that has it by now stays as it is.

    Raises HostKeyChanged where another one was pinned meanwhile, HostKeyUnknown where the connection leads elsewhere by
    now or trusts no first key any more, and NotFound.
    """
    stored = await connections.lock(tx, connection_id)
    place = stored.settings.place
    if not isinstance(place, SftpPlace | OneShotPlace) or place.server != server:
        raise HostKeyUnknown("The connection was given another server meanwhile.")
    key = normalized(line)
    if key in place.host_keys:
        return stored
    shown = fingerprint_of(key)
    if place.host_keys:
        expected = ", ".join(map(fingerprint_of, place.host_keys))
        raise HostKeyChanged(f"Found {shown}, expected {expected}.", presented_key=key, fingerprint=shown)
    if isinstance(place, SftpPlace) and not place.trust_on_first_use:
        raise HostKeyUnknown(f"Found {shown}; no credential was sent.", presented_key=key, fingerprint=shown)
    return await pin_host_key(tx, connection_id, key)


async def accept_host_key(tx: Tx, connection_id: UUID, fingerprint: str) -> StoredConnection:
    """Pin the key that was offered, if it is the one the person saw. Raises NotFound, Conflict."""
    offered = (await connections.lock(tx, connection_id)).offered_host_key
    if offered is None:
        raise Conflict("The server has shown no host key that is waiting to be accepted; verify the connection first.")
    if fingerprint_of(offered) != fingerprint:
        raise Conflict(f"The server showed {fingerprint_of(offered)}, which is not the fingerprint that was sent.")
    return await pin_host_key(tx, connection_id, offered)
