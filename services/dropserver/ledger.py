"""Credentials and uploads as the database has them: the Gate and the Uploads of the protocol server."""

from datetime import datetime
from uuid import UUID

import structlog

from services.dropserver.tenant import Tenant
from shared.contracts.places import UploadClosed
from shared.domain.failures import UploadBrokenOff
from shared.domain.hosted_login import is_within
from shared.observe.failpoints import reach
from shared.observe.metrics import Metrics
from shared.storage import credentials, outbox, uploads
from shared.storage.credentials import Credential
from shared.storage.database import Database, Tx
from shared.transfer.open_folder import Places

log = structlog.get_logger()


class DatabaseGate:
    """Lets in who has a credential that is neither revoked nor expired, from where it may come."""

    def __init__(self, database: Database, places: Places, metrics: Metrics) -> None:
        self._database = database
        self._places = places
        self._metrics = metrics

    async def password(self, username: str, password: str, address: str) -> Tenant | None:
        """Whose user name and password that is, where it may come from that address."""
        credential = await credentials.find(self._database, username)
        is_right = credential is not None and credential.is_password(password)
        return await self._judged(credential if is_right else None, address)

    async def public_key(self, username: str, key: str, address: str) -> Tenant | None:
        """Whose user name and public key that is, where it may come from that address."""
        credential = await credentials.find(self._database, username)
        is_right = credential is not None and credential.is_public_key(key)
        return await self._judged(credential if is_right else None, address)

    async def _judged(self, credential: Credential | None, address: str) -> Tenant | None:
        if credential is not None and not is_within(address, credential.allowed.source_networks):
            # Said to the operator alone: who guesses must not learn that the secret was right.
            log.warning("login.from_elsewhere", credential_id=str(credential.id))
            credential = None
        self._metrics.logins.labels("refused" if credential is None else "accepted").inc()
        if credential is None:
            return None
        async with self._database.account(credential.account_id) as tx:
            await credentials.mark_used(tx, credential.id)
        return Tenant(
            account_id=credential.account_id,
            drop_folder_id=credential.drop_folder_id,
            credential_id=credential.id,
            root=self._places.hosted(credential.account_id, credential.drop_folder_id),
            base=credential.directory,
            quota_bytes=credential.quota_bytes,
            rights=credential.allowed.rights,
            expires_at=credential.allowed.expires_at,
        )


class DatabaseUploads:
    """Writes down what clients do, and rings for what is complete, in one transaction."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def opened(self, tenant: Tenant, path: str) -> UUID:
        """A client begins to write a file."""
        async with self._database.account(tenant.account_id) as tx:
            upload_id = await uploads.open_(tx, tenant.drop_folder_id, path)
        reach("dropserver.opened")
        return upload_id

    async def closed(self, tenant: Tenant, upload_id: UUID, path: str, size_bytes: int, modified_at: datetime) -> None:
        """The client finished the file; or set its time afterwards, which rings no second time."""
        async with self._database.account(tenant.account_id) as tx:
            if await uploads.close(tx, upload_id, size_bytes, modified_at):
                await _ring(tx, upload_id)
                reach("dropserver.closing")
                self._metrics.uploads.labels("closed").inc()
            elif not await uploads.retime(tx, upload_id, modified_at):
                raise UploadBrokenOff
        reach("dropserver.closed")

    async def broken(self, tenant: Tenant, upload_id: UUID) -> None:
        """The upload ended without its end."""
        async with self._database.account(tenant.account_id) as tx:
            await uploads.break_off(tx, upload_id)
        self._metrics.uploads.labels("broken").inc()

    async def renamed(
        self, tenant: Tenant, source: str, target: str, size_bytes: int, modified_at: datetime
    ) -> UUID | None:
        """The client gave a finished file another name."""
        async with self._database.account(tenant.account_id) as tx:
            upload_id, is_complete = await uploads.rename(
                tx, tenant.drop_folder_id, source, target, size_bytes, modified_at
            )
            if is_complete:
                await _ring(tx, upload_id)
        reach("dropserver.told")
        self._metrics.uploads.labels("renamed").inc()
        return upload_id if is_complete else None


async def _ring(tx: Tx, upload_id: UUID) -> None:
    await outbox.put(tx, UploadClosed(**outbox.heading(tx), upload_id=upload_id))
