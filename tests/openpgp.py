"""OpenPGP keys for tests, made once in a process: each differs from all others by its arguments."""

from datetime import UTC, datetime, timedelta
from functools import cache

from shared.domain.openpgp_key import OwnKey, PartnerKey
from shared.formats.openpgp import keys


@cache
def made_key(
    user_id: str = "Shop <files@shop.example>", *, passphrase: str = "open sesame", days: int | None = None
) -> OwnKey:
    """A private key on Curve25519 that ends in so many days, or never."""
    end = None if days is None else datetime.now(UTC) + timedelta(days=days)
    return keys.generated(user_id, "curve25519", end, passphrase)


def public(key: OwnKey) -> PartnerKey:
    """The other side's half of it."""
    found = keys.imported(keys.public_part(key), None)
    assert isinstance(found, PartnerKey)
    return found
