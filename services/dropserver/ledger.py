"""Credentials, scores and uploads as the database has them: the Gate and the Uploads of the protocol server."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from services.dropserver.guard import CameIn, Knock
from services.dropserver.tenant import Begun, Latest, Look, Moving, Place, Remove, Tenant
from shared.contracts.places import UploadClosed
from shared.domain.failures import DropFolderMissing, IntegrationOff, PlaceFull, UploadBrokenOff
from shared.domain.hosted_login import Transport, is_within
from shared.observe.failpoints import reach
from shared.observe.metrics import Metrics
from shared.runtime.room import LedgerRoom
from shared.runtime.roots import is_to_be_made
from shared.storage import credentials, drop_usage, login_scores, outbox, uploads
from shared.storage.accounts import OPERATOR
from shared.storage.credentials import Credential, InUse, Proof
from shared.storage.database import Database, Tx
from shared.storage.login_scores import PATIENCE, Looked, Patience, Subject
from shared.transfer.open_folder import Places

log = structlog.get_logger()

Had = TypeVar("Had")


class DatabaseGate:
    """Lets in who has a credential that is neither revoked nor expired, from where it may come. Keeps the scores."""

    def __init__(self, database: Database, places: Places, metrics: Metrics, patience: Patience = PATIENCE) -> None:
        self._database = database
        self._places = places
        self._metrics = metrics
        self._patience = patience

    async def look(self, username: str, network: str) -> Looked:
        """Whose user name that is, and how the scores stand."""
        return await login_scores.look(self._database, username, network, self._patience)

    async def password(self, knock: Knock, password: str, address: str) -> Tenant | None:
        """Whose user name and password that is, where it may come from that address."""
        return await self._judged(knock, Proof.of_password(password), address)

    async def public_key(self, knock: Knock, key: str, address: str) -> Tenant | None:
        """Whose user name and public key that is, where it may come from that address."""
        return await self._judged(knock, Proof(public_key=key), address)

    async def in_use(self, credential_ids: frozenset[UUID]) -> Mapping[UUID, InUse]:
        """How these stand, with which somebody is in; those that open nothing any more are left out."""
        return await credentials.in_use(self._database, credential_ids)

    async def again(self, tenant: Tenant, address: str) -> Tenant | None:
        """What a login that was changed allows now to who came in with that secret from that address."""
        async with self._database.account(tenant.account_id, read_only=True) as tx:
            credential = await credentials.find(tx, tenant.credential_id)
        return self._let_in(credential, tenant.proof, address, tenant.transport)

    async def unwelcome(self) -> frozenset[str]:
        """Networks to refuse without a word."""
        return await login_scores.unwelcome(self._database, self._patience)

    async def note(self, failures: Counter[tuple[UUID | None, Subject]], came_in: set[CameIn]) -> None:
        """Write failures and good logins down: one transaction an account, however many there are."""
        for account_id in {owner for owner, _ in failures} | {each.account_id for each in came_in}:
            wrong = {subject: count for (owner, subject), count in failures.items() if owner == account_id}
            good = [each for each in came_in if each.account_id == account_id]
            async with self._database.account(account_id or OPERATOR) as tx:
                if good:
                    await login_scores.welcome(tx, {each.subject for each in good})
                    await credentials.mark_used(tx, {each.credential_id for each in good})
                if wrong:
                    await login_scores.add(tx, wrong, self._patience)

    async def _judged(self, knock: Knock, proof: Proof, address: str) -> Tenant | None:
        """One look, also for a user name that nobody has: all take as long."""
        account_id = knock.looked.account_id or OPERATOR
        async with self._database.account(account_id, read_only=True) as tx:
            credential = await credentials.find(tx, knock.looked.credential_id or OPERATOR)
        tenant = self._let_in(credential, proof, address, knock.transport)
        is_in = tenant is not None and not knock.looked.is_resting
        self._metrics.logins.labels("accepted" if is_in else "refused", knock.transport).inc()
        if tenant is not None and knock.looked.is_resting:
            raise IntegrationOff
        return None if tenant is None else replace(tenant, makes_root=await self._makes_root(tenant))

    async def _makes_root(self, tenant: Tenant) -> bool:
        try:
            return await is_to_be_made(self._database, tenant.account_id, tenant.drop_folder_id, tenant.root)
        except DropFolderMissing as failure:
            log.warning("login.without_folder", drop_folder_id=str(tenant.drop_folder_id), code=failure.code)
            return False

    def _let_in(self, credential: Credential | None, proof: Proof, address: str, transport: Transport) -> Tenant | None:
        if credential is None or not credential.is_opened_by(proof):
            return None
        if not is_within(address, credential.allowed.source_networks):
            # Said to the operator alone: who guesses must not learn that the secret was right.
            log.warning("login.from_elsewhere", credential_id=str(credential.id))
            return None
        return Tenant(
            account_id=credential.account_id,
            drop_folder_id=credential.drop_folder_id,
            credential_id=credential.id,
            root=self._places.hosted(credential.account_id, credential.drop_folder_id),
            base=credential.directory,
            rights=credential.allowed.rights,
            expires_at=credential.opens_until(proof),
            version=credential.version,
            proof=proof,
            transport=transport,
            makes_root=False,
        )


class DatabaseUploads:
    """Writes down what clients do, and rings for what is complete, in one transaction."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        """A client begins to write a file. Raises PlaceFull, UploadBrokenOff."""

        async def begin(tx: Tx) -> Begun | None:
            await uploads.hold(tx, tenant.drop_folder_id, path)
            if after is not None and await _latest(tx, tenant, path) != after:
                raise UploadBrokenOff
            # Before the disk is asked: until the commit nothing that is under way can end, and say how much it leaves.
            former = await drop_usage.supersede(tx, tenant.drop_folder_id, path)
            before_bytes = look()
            kept = 0 if cuts else before_bytes or 0
            upload_id = await uploads.open_(tx, tenant.drop_folder_id, path)
            # What an upload under way has set aside covers the file that it writes, and the file's name.
            freed = (before_bytes or 0 if former is None else former) - kept
            new = 1 if before_bytes is None and former is None else 0
            least = max(1, end_bytes - kept)
            wished = max(least, drop_usage.FIRST_BYTES)
            granted = await drop_usage.take(tx, tenant.drop_folder_id, least - freed, wished - freed, new)
            if granted is None:
                return None
            counted = kept + granted + freed
            await drop_usage.count_upload(tx, upload_id, counted)
            return Begun(upload_id, counted)

        begun = await self._with_room(tenant, begin)
        reach("dropserver.opened")
        return begun

    async def placed(self, tenant: Tenant, begun: Begun, path: str, place: Place) -> None:
        """The upload gets its file. Raises UploadBrokenOff where another one of that name has begun."""
        async with self._database.account(tenant.account_id) as tx:
            await uploads.hold(tx, tenant.drop_folder_id, path)
            if not await uploads.is_under_way(tx, begun.id):
                raise UploadBrokenOff
            place()
        reach("dropserver.placed")

    async def grown(self, tenant: Tenant, begun: Begun, size_bytes: int) -> Begun:
        """The file is to grow. Raises PlaceFull, UploadBrokenOff."""

        async def grow(tx: Tx) -> Begun | None:
            # The upload's row first, as who breaks it off has it: the folder's is the last that anybody takes.
            if not await uploads.is_under_way(tx, begun.id):
                raise UploadBrokenOff
            least = size_bytes - begun.counted_bytes
            granted = await drop_usage.take(tx, tenant.drop_folder_id, least, max(least, drop_usage.BLOCK_BYTES))
            if granted is None:
                return None
            counted = begun.counted_bytes + granted
            await drop_usage.count_upload(tx, begun.id, counted)
            return Begun(begun.id, counted)

        return await self._with_room(tenant, grow)

    async def closed(self, tenant: Tenant, begun: Begun, path: str, size_bytes: int, modified_at: datetime) -> None:
        """The client finished the file."""
        async with self._database.account(tenant.account_id) as tx:
            if not await uploads.close(tx, begun.id, size_bytes, modified_at):
                raise UploadBrokenOff
            await _ring(tx, begun.id)
            reach("dropserver.closing")
            await drop_usage.change(tx, tenant.drop_folder_id, size_bytes - begun.counted_bytes)
        self._metrics.uploads.labels("closed", tenant.transport).inc()
        reach("dropserver.closed")

    async def retimed(self, tenant: Tenant, upload_id: UUID, path: str, modified_at: datetime) -> None:
        """The client set the file's time afterwards, which rings no second time."""
        async with self._database.account(tenant.account_id) as tx:
            if not await uploads.retime(tx, upload_id, modified_at):
                raise UploadBrokenOff

    async def broken(self, tenant: Tenant, begun: Begun, left_bytes: int | None) -> None:
        """The upload ended without its end."""
        async with self._database.account(tenant.account_id) as tx:
            if await uploads.break_off(tx, begun.id):
                await _leave(tx, tenant, begun, left_bytes)
        self._metrics.uploads.labels("broken", tenant.transport).inc()

    async def discarded(self, tenant: Tenant, begun: Begun, path: str, discard: Look) -> None:
        """The upload found no room, and leaves nothing."""
        async with self._database.account(tenant.account_id) as tx:
            await uploads.hold(tx, tenant.drop_folder_id, path)
            if await uploads.break_off(tx, begun.id):
                await _leave(tx, tenant, begun, discard())
        self._metrics.uploads.labels("broken", tenant.transport).inc()

    async def removed(self, tenant: Tenant, path: str, remove: Remove) -> None:
        """The client deletes a file, and perhaps one that is being written."""
        async with self._database.account(tenant.account_id) as tx:
            await uploads.hold(tx, tenant.drop_folder_id, path)
            # First, as in `opened`: what ends because its file is gone must not give back the same room.
            former = await drop_usage.supersede(tx, tenant.drop_folder_id, path)
            bytes_ = remove()
            await uploads.leave(tx, tenant.drop_folder_id, path)
            await drop_usage.change(tx, tenant.drop_folder_id, -(bytes_ if former is None else former), -1)

    async def latest(self, tenant: Tenant, path: str) -> Latest:
        """What is known of a file that is to be gone on with. Raises PlaceFull where it is whole, and has no room."""

        async def ask(tx: Tx) -> Latest | None:
            found = await _latest(tx, tenant, path)
            has_room = not found.is_whole or await drop_usage.has_room(tx, tenant.drop_folder_id)
            return found if has_room else None

        return await self._with_room(tenant, ask)

    async def is_whole(self, tenant: Tenant, path: str) -> bool:
        """Whether a file was uploaded to its end, or has come by no upload at all."""
        async with self._database.account(tenant.account_id, read_only=True) as tx:
            return await uploads.is_whole(tx, tenant.drop_folder_id, path)

    async def superseded(self, upload_ids: Collection[UUID]) -> Collection[UUID]:
        """Which of these were broken off elsewhere."""
        return set(upload_ids) - await uploads.under_way(self._database, upload_ids)

    async def changed(self, tenant: Tenant, bytes_: int, files: int) -> None:
        """So many are more or fewer. Raises PlaceFull."""

        async def change(tx: Tx) -> int | None:
            if bytes_ <= 0 and files <= 0:
                await drop_usage.change(tx, tenant.drop_folder_id, bytes_, files)
                return bytes_
            return await drop_usage.take(tx, tenant.drop_folder_id, bytes_, bytes_, files)

        await self._with_room(tenant, change)

    async def _with_room(self, tenant: Tenant, work: Callable[[Tx], Awaitable[Had | None]]) -> Had:
        """What that work answers; where it finds no room the disk is measured, and it is tried once more."""
        room = LedgerRoom(self._database, tenant.account_id, tenant.drop_folder_id, tenant.root)
        for is_last in (False, True):
            try:
                async with self._database.account(tenant.account_id) as tx:
                    answer = await work(tx)
                    if answer is None:
                        raise PlaceFull("The quota of the folder is used up.")
                    return answer
            except PlaceFull:
                if is_last or not await room.measure():
                    raise
        raise PlaceFull

    async def renamed(self, tenant: Tenant, source: str, target: str, moving: Moving) -> UUID | None:
        """The client gives a file another name; None where it is not whole."""
        folder_id = tenant.drop_folder_id
        async with self._database.account(tenant.account_id) as tx:
            for path in sorted({source, target}):
                await uploads.hold(tx, folder_id, path)
            # Asked before: once the old name is gone, a look tells what lay there as gone.
            if not await uploads.is_whole(tx, folder_id, source, stays=True):
                return None
            former = await drop_usage.supersede(tx, folder_id, target)
            moved = moving.do()
            try:
                reach("dropserver.renamed")
                await uploads.leave(tx, folder_id, source)
                upload_id = await uploads.arrive(tx, folder_id, moved.file)
                await _ring(tx, upload_id)
                replaced = moved.replaced_bytes if former is None else former
                if replaced is not None:
                    await drop_usage.change(tx, folder_id, -replaced, -1)
            except BaseException:
                # While nobody else can begin to write either name.
                moving.undo()
                raise
        reach("dropserver.told")
        self._metrics.uploads.labels("renamed", tenant.transport).inc()
        return upload_id


async def _leave(tx: Tx, tenant: Tenant, begun: Begun, left_bytes: int | None) -> None:
    """Of what is counted for an upload so much is left; None: no file."""
    gone = -1 if left_bytes is None else 0
    await drop_usage.change(tx, tenant.drop_folder_id, (left_bytes or 0) - begun.counted_bytes, gone)


async def _latest(tx: Tx, tenant: Tenant, path: str) -> Latest:
    found = (await uploads.latest(tx, tenant.drop_folder_id, [path])).get(path)
    return Latest(None, is_whole=True) if found is None else Latest(found.id, found.state == "closed")


async def _ring(tx: Tx, upload_id: UUID) -> None:
    await outbox.put(tx, UploadClosed(**outbox.heading(tx), upload_id=upload_id))
