"""Connections made for imports that clients ask for: one of an account's manual imports, and one for each server
of its one-shot imports. Writes `connections`.

Nobody sets them or looks at their places; what else becomes of them stands in `connections`.
"""

from contextlib import suppress
from uuid import UUID, uuid4

from shared.domain.connection import ConnectionSettings
from shared.domain.failures import Conflict, NotFound
from shared.domain.place import ManualPlace, OneShotPlace
from shared.storage import connections
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx

MANUAL_NAME = "Manual imports"
_MAX_NAME = 200
_TRIES = 3


async def hold_manual(tx: Tx) -> StoredConnection:
    """The built-in connection of manual imports, made where the account has none; held until the transaction ends."""
    settings = ConnectionSettings(name=MANUAL_NAME, place=ManualPlace())
    await tx.execute("connections.make_manual", tx.account_id, uuid4(), settings.model_dump(mode="json", by_alias=True))
    return await connections.lock(tx, await tx.value("connections.manual", tx.account_id))


async def find_manual(tx: Tx) -> UUID | None:
    """The built-in connection, where the account has one yet."""
    found: UUID | None = await tx.value("connections.manual", tx.account_id)
    return found


async def hold_one_shot(tx: Tx, host: str, port: int) -> StoredConnection:
    """The built-in connection of one-shot imports from a server, made where there is none; held until the end.

    Raises Conflict where somebody takes it away each time that it is made.
    """
    place = OneShotPlace(host=host, port=port)
    name = f"One-shot imports from {host}:{port}"
    settings = ConnectionSettings(name=name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…", place=place)
    for _ in range(_TRIES):
        await tx.execute(
            "connections.make_one_shot", tx.account_id, uuid4(), settings.model_dump(mode="json", by_alias=True)
        )
        with suppress(NotFound):  # it was there, and was taken away before we held it
            return await connections.lock(tx, await tx.value("connections.one_shot", tx.account_id, host, str(port)))
    raise Conflict("The server's connection is being taken away; repeat the request.")
