"""Answers to requests that may be repeated, kept for a day. Writes `kept_answers`.

An answer is written in the transaction that made it true, so that a crash leaves both or neither. It is sealed: it
names people, places and what a request said. Of the key that the client chose only a digest is stored.
"""

import hashlib
from uuid import UUID

from shared.domain.failures import AnswerLost, SecretKeyMissing
from shared.storage import secrets
from shared.storage.database import Database, Tx
from shared.storage.secrets import KeyRing, Place, SealBroken

_BATCH = 10_000


def digest_of(account_id: UUID, key: str) -> bytes:
    """What a client's key is known by; no two accounts share one."""
    return hashlib.sha256(b"tidegate kept answer:" + account_id.bytes + key.encode()).digest()


async def take(tx: Tx, key_digest: bytes) -> bool:
    """Be the one who carries out the request, until the transaction ends; False where another one does."""
    lock = int.from_bytes(key_digest[:8], signed=True)
    return bool(await tx.value("kept_answers.take", lock))


async def read(tx: Tx, ring: KeyRing, key_digest: bytes) -> str | None:
    """The answer that is kept; None where there is none. Raises AnswerLost."""
    sealed = await tx.value("kept_answers.read", tx.account_id, key_digest)
    if sealed is None:
        return None
    try:
        return ring.open(bytes(sealed), _place(tx, key_digest))
    except (SealBroken, SecretKeyMissing) as error:
        raise AnswerLost from error


async def keep(tx: Tx, ring: KeyRing, key_digest: bytes, answer: str) -> None:
    """Keep the answer of what this transaction did."""
    sealed = ring.seal(answer, _place(tx, key_digest))
    await tx.execute("kept_answers.keep", tx.account_id, key_digest, sealed)
    await secrets.keep(tx, ring)


async def forget_old(database: Database) -> int:
    """Delete answers that are older than a day; how many. One short transaction an account."""
    async with database.watching() as watch:
        account_ids = [row["account_id"] for row in await watch.fetch("kept_answers.owners_of_old")]
    forgotten = 0
    for account_id in account_ids:
        async with database.account(account_id) as tx:
            forgotten += await tx.execute("kept_answers.forget_old", tx.account_id, _BATCH)
    return forgotten


def _place(tx: Tx, key_digest: bytes) -> Place:
    return Place(tx.account_id, "kept_answers", UUID(bytes=key_digest[:16]), "answer")
