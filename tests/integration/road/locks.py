"""What files of the road's tests are locked with: keys of both sides, and a password."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.domain.openpgp_key import OwnKey, PartnerKey
from shared.formats.openpgp import keys
from shared.runtime.service import Base
from shared.storage import openpgp_keys
from tests.openpgp import made_key, public

PASSWORD = "hüsh"


def partner() -> OwnKey:
    return made_key("Partner <partner@b.example>")


def ours() -> OwnKey:
    return made_key()


def late() -> OwnKey:
    return made_key("Late <late@b.example>")


async def add_keys(base: Base, account_id: UUID) -> str:
    """The account's own key, a partner's, one that has expired, and a password, whose id is told."""
    expired = late().facts.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(days=1)})
    async with base.database.account(account_id) as tx:
        await openpgp_keys.add_own(tx, base.keys, "ours", ours(), keys.public_part(ours()))
        await openpgp_keys.add_partner(tx, base.keys, "partner", public(partner()))
        await openpgp_keys.add_partner(tx, base.keys, "late", PartnerKey(expired, public(late()).material))
        return str((await openpgp_keys.add_password(tx, base.keys, "archives", PASSWORD)).id)
