"""What the hosted server asks and tells, kept in memory: credentials that are known, uploads that were told."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from services.dropserver.tenant import Tenant
from shared.domain.failures import StorageUnavailable


class Told(NamedTuple):
    """One thing that was told of an upload."""

    what: str
    path: str
    size_bytes: int = -1
    modified_at: datetime | None = None
    upload_id: UUID | None = None


class KnownLogins:
    """A Gate that knows what was put in."""

    def __init__(self) -> None:
        self.passwords: dict[tuple[str, str], Tenant] = {}
        self.keys: dict[tuple[str, str], Tenant] = {}
        self.asked: list[str] = []
        self.is_down = False

    async def password(self, username: str, password: str, address: str) -> Tenant | None:
        self._ask(username)
        return self.passwords.get((username, password))

    async def public_key(self, username: str, key: str, address: str) -> Tenant | None:
        self._ask(username)
        return self.keys.get((username, key))

    def _ask(self, username: str) -> None:
        self.asked.append(username)
        if self.is_down:
            raise StorageUnavailable


class RememberedUploads:
    """An Uploads that remembers what it was told, in order, and can be out of order itself."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.is_down = False
        self._paths: dict[UUID, str] = {}
        self._changed = asyncio.Event()

    async def opened(self, tenant: Tenant, path: str) -> UUID:
        upload_id = uuid4()
        self._paths[upload_id] = path
        self._note(Told("opened", path, upload_id=upload_id))
        return upload_id

    async def closed(self, tenant: Tenant, upload_id: UUID, path: str, size_bytes: int, modified_at: datetime) -> None:
        self._note(Told("closed", path, size_bytes, modified_at, upload_id))

    async def broken(self, tenant: Tenant, upload_id: UUID) -> None:
        self._note(Told("broken", self._paths[upload_id], upload_id=upload_id))

    async def renamed(self, tenant: Tenant, source: str, target: str, size_bytes: int, modified_at: datetime) -> UUID:
        upload_id = uuid4()
        self._note(Told("renamed", f"{source} -> {target}", size_bytes, modified_at, upload_id))
        return upload_id

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
        if self.is_down:
            raise StorageUnavailable
        self.told.append(told)
        self._changed.set()
