"""What the hosted server asks and tells, kept in memory: credentials that are known, uploads that were told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from services.dropserver.guard import CameIn, Knock
from services.dropserver.tenant import Begun, Latest, Look, Moving, Place, Remove, Tenant
from shared.domain.failures import PlaceFull, StorageUnavailable, UploadBrokenOff
from shared.storage.credentials import InUse
from shared.storage.login_scores import Looked, Standing, Subject


class Told(NamedTuple):
    """One thing that was told of an upload."""

    what: str
    path: str
    size_bytes: int = -1
    modified_at: datetime | None = None
    upload_id: UUID | None = None


class KnownLogins:
    """A Gate that knows what was put in, and keeps scores that do not decay."""

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], Tenant] = {}
        self.keys: dict[tuple[str, str], Tenant] = {}
        self.asked: list[str] = []
        self.failures: Counter[tuple[UUID | None, Subject]] = Counter()
        self.came_in: list[CameIn] = []
        self.is_down = False

    async def look(self, username: str, network: str) -> Looked:
        self._check()
        logins = {**self.passwords, **self.keys}
        tenant = next((each for (name, _), each in logins.items() if name == username), None)
        owner = None if tenant is None else tenant.account_id
        standing = Standing(
            address_score=self.failures[None, ("", network)],
            user_score=self.failures[owner, (username, "")],
            pair_score=self.failures[owner, (username, network)],
            is_known=any(each.subject == (username, network) for each in self.came_in),
        )
        return Looked(owner, None if tenant is None else tenant.credential_id, standing)

    async def password(self, knock: Knock, password: str, address: str) -> Tenant | None:
        self._ask(knock)
        return self.passwords.get((knock.username, password))

    async def public_key(self, knock: Knock, key: str, address: str) -> Tenant | None:
        self._ask(knock)
        return self.keys.get((knock.username, key))

    async def in_use(self, credential_ids: frozenset[UUID]) -> dict[UUID, InUse]:
        self._check()
        known = {each.credential_id: each for each in [*self.passwords.values(), *self.keys.values()]}
        return {each: InUse(known[each].version, is_resting=False) for each in credential_ids if each in known}

    async def again(self, tenant: Tenant, address: str) -> Tenant | None:
        self._check()
        return next((each for each in self.passwords.values() if each.credential_id == tenant.credential_id), None)

    async def unwelcome(self) -> frozenset[str]:
        self._check()
        return frozenset()

    async def note(self, failures: Counter[tuple[UUID | None, Subject]], came_in: set[CameIn]) -> None:
        self._check()
        self.failures.update(failures)
        self.came_in.extend(came_in)

    def _ask(self, knock: Knock) -> None:
        self._check()
        self.asked.append(knock.username)

    def _check(self) -> None:
        if self.is_down:
            raise StorageUnavailable


class RememberedUploads:
    """An Uploads that remembers what it was told, in order, and can be out of order itself."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.is_down = False
        self.broken_by: Exception | None = None
        """A mistake of our own, which whatever is told runs into."""
        self.quota_bytes = 10**12
        self.quota_files = 10**6
        self.used_bytes = 0
        self.used_files = 0
        self._paths: dict[UUID, str] = {}
        self._latest: dict[str, UUID] = {}
        self._open: dict[str, Begun] = {}
        self._broken: set[str] = set()
        self._changed = asyncio.Event()

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        upload_id = uuid4()
        if after is not None and self._known(path) != after:
            raise UploadBrokenOff
        before_bytes = look()
        kept = 0 if cuts else before_bytes or 0
        least = max(0, end_bytes - kept)
        self._take(least, 0)
        self._paths[upload_id] = path
        self._note(Told("opened", path, upload_id=upload_id))
        former = self._open.pop(path, None)
        self._broken.discard(path)
        self._latest[path] = upload_id
        self._take(0, 0 if former is not None or before_bytes is not None else 1)
        self.used_bytes += kept - (before_bytes or 0 if former is None else former.counted_bytes)
        self._open[path] = Begun(upload_id, kept + least)
        return self._open[path]

    async def placed(self, tenant: Tenant, begun: Begun, path: str, place: Place) -> None:
        self._check()
        if begun.id not in {each.id for each in self._open.values()}:
            raise UploadBrokenOff
        place()

    async def grown(self, tenant: Tenant, begun: Begun, size_bytes: int) -> Begun:
        if self._paths[begun.id] not in self._open:
            raise UploadBrokenOff
        self._take(size_bytes - begun.counted_bytes, 0)
        self._open[self._paths[begun.id]] = grown = Begun(begun.id, size_bytes)
        return grown

    async def closed(self, tenant: Tenant, begun: Begun, path: str, size_bytes: int, modified_at: datetime) -> None:
        self._note(Told("closed", path, size_bytes, modified_at, begun.id))
        del self._open[path]
        self.used_bytes += size_bytes - begun.counted_bytes

    async def retimed(self, tenant: Tenant, upload_id: UUID, path: str, modified_at: datetime) -> None:
        self._note(Told("retimed", path, modified_at=modified_at, upload_id=upload_id))

    async def broken(self, tenant: Tenant, begun: Begun, left_bytes: int | None) -> None:
        self._note(Told("broken", self._paths[begun.id], upload_id=begun.id))
        self._broken.add(self._paths[begun.id])
        if self._open.get(self._paths[begun.id], begun).id == begun.id and self._open.pop(self._paths[begun.id], None):
            self.used_bytes += (left_bytes or 0) - begun.counted_bytes
            self.used_files -= left_bytes is None

    async def discarded(self, tenant: Tenant, begun: Begun, path: str, discard: Look) -> None:
        self._check()
        is_open = self._open.get(path, None)
        await self.broken(tenant, begun, discard() if is_open is not None and is_open.id == begun.id else None)

    async def removed(self, tenant: Tenant, path: str, remove: Remove) -> None:
        bytes_ = remove()
        self._latest.pop(path, None)
        self._broken.discard(path)
        former = self._open.pop(path, None)
        self._take(-(bytes_ if former is None else former.counted_bytes), -1)

    async def latest(self, tenant: Tenant, path: str) -> Latest:
        self._take(1, 0)
        self._take(-1, 0)
        return self._known(path)

    async def is_whole(self, tenant: Tenant, path: str) -> bool:
        self._check()
        return self._known(path).is_whole

    async def superseded(self, upload_ids: Collection[UUID]) -> Collection[UUID]:
        return set(upload_ids) - {each.id for each in self._open.values()}

    async def changed(self, tenant: Tenant, bytes_: int, files: int) -> None:
        self._take(bytes_, files)

    async def renamed(self, tenant: Tenant, source: str, target: str, moving: Moving) -> UUID | None:
        upload_id = uuid4()
        if source in self._broken:
            return None
        file, replaced = moving.do()
        self._latest.pop(source, None)
        self._latest[target] = upload_id
        self._note(Told("renamed", f"{source} -> {target}", file.size_bytes, file.modified_at, upload_id))
        if replaced is not None:
            self._take(-replaced, -1)
        return upload_id

    def _known(self, path: str) -> Latest:
        return Latest(self._latest.get(path), path not in self._open and path not in self._broken)

    def _check(self) -> None:
        if self.broken_by is not None:
            raise self.broken_by
        if self.is_down:
            raise StorageUnavailable

    def _take(self, bytes_: int, files: int) -> None:
        self._check()
        if (bytes_ > 0 and self.used_bytes + bytes_ > self.quota_bytes) or (
            files > 0 and self.used_files + files > self.quota_files
        ):
            raise PlaceFull
        self.used_bytes += bytes_
        self.used_files += files

    @property
    def short(self) -> list[tuple[str, str]]:
        """What was told, without the details."""
        return [(told.what, told.path) for told in self.told]

    async def until(self, is_so: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until something has been told."""
        async with asyncio.timeout(seconds):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    def _note(self, told: Told) -> None:
        self._check()
        self.told.append(told)
        self._changed.set()
