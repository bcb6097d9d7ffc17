"""Locks of WebDAV clients (RFC 4918, 6 and 7): advisory ones, in this process's memory. Pure.

They keep WebDAV clients of this replica from writing over each other's work, as Finder, Explorer and office programs
expect. Neither SFTP nor another replica knows of them, and a restart forgets them: who writes one name is settled by
uploads.py, with or without a lock.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from services.dropserver.tenant import Tenant
from services.dropserver.webdav.answers import NotDone
from shared.domain.names import split

MAX_SECONDS = 3_600
_USUAL_SECONDS = 600
_MOST = 1_000
"""Of one folder."""
_MOST_OF_LOGIN = 200
"""So that one login leaves some to the others."""
_MAX_OWNER = 1_024

_TOKENS = re.compile(r'\s*(?:<([^<>]*)>|(\()|(\))|(not)\b|\[((?:W/)?"[^"]*")\])\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock of a path and, where it is deep, of all below it. Paths are relative to the folder."""

    token: str
    path: str
    is_deep: bool
    owner: str
    seconds: int
    ends_at: float
    credential_id: UUID

    def covers(self, path: str) -> bool:
        """Whether it holds for that path."""
        return path == self.path or (self.is_deep and (not self.path or path.startswith(f"{self.path}/")))


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the header `If`: a lock's token or a version, held or not."""

    is_negated: bool
    token: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Conditions that have to hold together, of the address that is named, or of what the request is about."""

    address: str
    conditions: tuple[Condition, ...]


def choices(header: str | None) -> list[Choice]:
    """What the header `If` asks for (RFC 4918, 10.4): one of these. Raises NotDone, 400."""
    found: list[Choice] = []
    address, inside, is_negated, at = "", None, False, 0
    text = (header or "").strip()
    conditions: list[Condition] = []
    while at < len(text):
        token = _TOKENS.match(text, at)
        if token is None:
            raise NotDone(400, "Expected in If lists of lock tokens and versions, as: (<opaquelocktoken:...>).")
        at = token.end()
        if token[2] and not inside:
            inside, conditions = True, []
        elif token[3] and inside and conditions and not is_negated:
            inside = None
            found.append(Choice(address, tuple(conditions)))
        elif token[4] and inside and not is_negated:
            is_negated = True
            continue
        elif inside and (token[1] is not None or token[5]):
            conditions.append(Condition(is_negated, token[1] or "", token[5] or ""))
        elif token[1] is not None and not inside:
            address = token[1]
        else:
            raise NotDone(400, "The header If is not well-formed.")
        is_negated = False
    if inside:
        raise NotDone(400, "The header If is not well-formed: a list has no end.")
    return found


def tokens(wanted: Collection[Choice]) -> frozenset[str]:
    """The tokens of locks that a client says it holds."""
    return frozenset(each.token for choice in wanted for each in choice.conditions if not each.is_negated) - {""}


class LockBook:
    """The locks that there are."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._locks: dict[UUID, dict[str, Lock]] = {}

    def of(self, tenant: Tenant, path: str) -> list[Lock]:
        """Those that hold for a path."""
        return [lock for lock in self._valid(tenant) if lock.covers(path)]

    def of_members(self, tenant: Tenant, path: str) -> Callable[[str], list[Lock]]:
        """Tells those that hold now for each path that is directly in a directory, which is looked up once."""
        deep: list[Lock] = []
        single: dict[str, list[Lock]] = {}
        for lock in self._valid(tenant):
            if lock.is_deep and lock.covers(path):
                deep.append(lock)
            else:
                single.setdefault(lock.path, []).append(lock)
        return lambda member: deep + single.get(member, [])

    def require(self, tenant: Tenant, path: str, held: Collection[str], *, is_member: bool = False) -> None:
        """Raises NotDone, 423, where somebody else's lock is in the way.

        `is_member`: a name comes or goes, which changes the directory, too.
        """
        in_the_way = self.of(tenant, path)
        if is_member and path:
            in_the_way += [lock for lock in self.of(tenant, split(path)[0]) if lock not in in_the_way]
        if any(lock.token not in held for lock in in_the_way):
            raise NotDone(423, "", condition="lock-token-submitted")

    def take(self, tenant: Tenant, path: str, owner: str, seconds: int | None, *, is_deep: bool) -> Lock:
        """Lock a path for so many seconds, or fewer. Raises NotDone, 423, where it is locked."""
        locks = list(self._valid(tenant))
        lock = Lock(
            token=f"urn:uuid:{uuid4()}",
            path=path,
            is_deep=is_deep,
            owner=owner[:_MAX_OWNER],
            seconds=_bounded(seconds),
            ends_at=self._clock() + _bounded(seconds),
            credential_id=tenant.credential_id,
        )
        if any(each.covers(path) or lock.covers(each.path) for each in locks):
            raise NotDone(423, "", condition="no-conflicting-lock")
        if len(locks) >= _MOST:
            raise NotDone(503, f"There are {_MOST} locks in this folder; unlock some, or wait until they end.")
        if sum(each.credential_id == tenant.credential_id for each in locks) >= _MOST_OF_LOGIN:
            raise NotDone(503, f"This login has {_MOST_OF_LOGIN} locks; unlock some, or wait until they end.")
        self._locks.setdefault(tenant.drop_folder_id, {})[lock.token] = lock
        return lock

    def refresh(self, tenant: Tenant, path: str, held: Collection[str], seconds: int | None) -> Lock:
        """Let a lock last for so long from now on. Raises NotDone, 412, where there is none."""
        for lock in self.of(tenant, path):
            if lock.token in held and lock.credential_id == tenant.credential_id:
                kept = replace(lock, seconds=_bounded(seconds), ends_at=self._clock() + _bounded(seconds))
                self._locks[tenant.drop_folder_id][lock.token] = kept
                return kept
        raise NotDone(412, "", condition="lock-token-matches-request-uri")

    def own(self, tenant: Tenant, path: str, token: str) -> Lock:
        """A login's lock of a path. Raises NotDone: 409 where there is none, 403 where it is another login's."""
        lock = next((each for each in self.of(tenant, path) if each.token == token), None)
        if lock is None:
            raise NotDone(409, "", condition="lock-token-matches-request-uri")
        if lock.credential_id != tenant.credential_id:
            raise NotDone(403, "The lock is another login's.")
        return lock

    def release(self, tenant: Tenant, path: str, token: str) -> None:
        """End a lock. Raises NotDone as `own` does."""
        self._drop(tenant, self.own(tenant, path, token))

    def forget(self, tenant: Tenant, path: str) -> None:
        """What lay there is gone, and its locks with it."""
        for lock in [each for each in self._valid(tenant) if each.path == path]:
            self._drop(tenant, lock)

    def _valid(self, tenant: Tenant) -> Iterator[Lock]:
        for lock in list(self._locks.get(tenant.drop_folder_id, {}).values()):
            if lock.ends_at > self._clock():
                yield lock
            else:
                self._drop(tenant, lock)

    def _drop(self, tenant: Tenant, lock: Lock) -> None:
        locks = self._locks[tenant.drop_folder_id]
        del locks[lock.token]
        if not locks:
            del self._locks[tenant.drop_folder_id]


def _bounded(seconds: int | None) -> int:
    return min(max(seconds or _USUAL_SECONDS, 1), MAX_SECONDS)
