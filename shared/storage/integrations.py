"""What an account has switched on of ways to other systems. Writes `integrations`.

What rests because of it is told by the view `resting_connections`, which looks, claims and clocks leave out.
"""

from dataclasses import dataclass

from shared.domain.failures import IntegrationOff
from shared.domain.integration import Integration, IntegrationState
from shared.storage import expectations
from shared.storage.database import Record, Tx


@dataclass(frozen=True, slots=True)
class StoredIntegration:
    """How an integration stands."""

    kind: Integration
    state: IntegrationState
    version: int


async def all_(tx: Tx) -> list[StoredIntegration]:
    """All of the account's integrations, in the order of their names in the code."""
    said = {each.kind: each for each in map(_stored, await tx.fetch("integrations.all", tx.account_id))}
    return [said.get(kind) or StoredIntegration(kind, IntegrationState.ACTIVE, 1) for kind in Integration]


async def get(tx: Tx, kind: Integration) -> StoredIntegration:
    """One of them."""
    return next(each for each in await all_(tx) if each.kind is kind)


async def begin(tx: Tx) -> None:
    """A new account: nobody logs in at Tidegate before its owner says so."""
    await tx.execute("integrations.begin", tx.account_id, Integration.HOSTED_FOLDERS.value, IntegrationState.OFF.value)


async def hold(tx: Tx, kind: Integration) -> StoredIntegration:
    """One of them, held until the transaction ends."""
    row = await tx.row("integrations.hold", tx.account_id, kind.value)
    assert row is not None
    return _stored(row)


async def change(tx: Tx, kind: Integration, state: IntegrationState) -> StoredIntegration:
    """Give one another state; it was made by `hold` or `begin`."""
    if state is IntegrationState.ACTIVE:
        await expectations.begin_anew(tx, integration=kind)
    row = await tx.row("integrations.set", tx.account_id, kind.value, state.value)
    assert row is not None
    return _stored(row)


async def switch_on(tx: Tx, kind: Integration) -> None:
    """Make one active."""
    await hold(tx, kind)
    await change(tx, kind, IntegrationState.ACTIVE)


async def is_active(tx: Tx, kind: Integration) -> bool:
    """Whether it is used now."""
    return (await get(tx, kind)).state is IntegrationState.ACTIVE


async def require_active(tx: Tx, kind: Integration) -> None:
    """Something of it is to be contacted now. Raises IntegrationOff where it is off or paused."""
    state = (await get(tx, kind)).state
    if state is not IntegrationState.ACTIVE:
        raise IntegrationOff(f"The integration {kind.value} is {state.value}, so nothing of it is contacted.")


async def require(tx: Tx, kind: Integration) -> None:
    """Something is to be made that needs it. Raises IntegrationOff."""
    if (await get(tx, kind)).state is IntegrationState.OFF:
        raise IntegrationOff(f"The integration {kind.value} is off.")


def _stored(row: Record) -> StoredIntegration:
    return StoredIntegration(Integration(row["kind"]), IntegrationState(row["state"]), row["version"])
