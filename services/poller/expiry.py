"""Tell people that an OpenPGP key expires: 30, 7 and 1 days before, each once. Part of the sweep."""

from uuid import UUID

import structlog

from services.poller.tools import Tools
from shared.storage import notifications, openpgp_keys
from shared.storage.openpgp_keys import Expiring

log = structlog.get_logger()

_WHAT_TO_DO = {
    "own": "Make a new key with POST /v1/openpgp-keys and hand its public part to whoever encrypts to the old one. "
    "What was encrypted to the old one can still be opened.",
    "partner": "Ask the partner for a new or prolonged public key; a prolonged one goes to PATCH "
    "/v1/openpgp-keys/{id}. Nothing is encrypted to an expired key, and no signature by it is accepted.",
}


async def tell_of_expiry(tools: Tools) -> None:
    """Raise the notices that are due. Raises StorageUnavailable."""
    async with tools.database.watching() as watch:
        due = await openpgp_keys.expiring(watch)
    for account_id, key_id in due:
        async with tools.database.account(account_id) as tx:
            found = await openpgp_keys.warn(tx, key_id)
            if found is not None:
                users = dict(await openpgp_keys.named_by(tx, key_id, found.fingerprint))
                await notifications.raise_(tx, _news(found, users.get("connection"), users.get("goal")))
        if found is not None:
            log.info("openpgp_key.expiring", account_id=str(account_id), days=found.days)


def _news(found: Expiring, connection_id: UUID | None, goal_id: UUID | None) -> notifications.News:
    """About one of those that need the key too, where there are any: who made it gets a mail."""
    whose = "Your OpenPGP key" if found.kind == "own" else "A partner's OpenPGP key"
    within = "a day" if found.days == 1 else f"{found.days} days"
    return notifications.News(
        code="openpgp_key_expiring",
        title=f"{whose} expires within {within}",
        detail=f"The key {found.fingerprint} expires at {found.expires_at:%Y-%m-%d %H:%M} UTC.",
        what_to_do=_WHAT_TO_DO[found.kind],
        connection_id=connection_id,
        goal_id=goal_id,
    )
