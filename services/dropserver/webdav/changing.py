"""What changes what lies there, but for uploads: DELETE, MKCOL, MOVE, PROPPATCH, LOCK, UNLOCK."""

import stat
from datetime import UTC
from email.utils import parsedate_to_datetime

from services.dropserver.webdav import locks, xml
from services.dropserver.webdav.answers import XML, Answer, NotDone
from services.dropserver.webdav.reading import METHODS, lock_discovery
from services.dropserver.webdav.turn import Turn
from services.dropserver.webdav.uploading import complete_places, is_place, make_empty, move_place
from services.dropserver.webdav.xml import DAV, Element, Name, Property, Status
from shared.domain.hosted_login import Right

_MICROSOFT = "urn:schemas-microsoft-com:"
_MODIFIED: frozenset[Name] = frozenset({(DAV, "getlastmodified"), (_MICROSOFT, "Win32LastModifiedTime")})
_LEFT_ALONE: frozenset[Name] = frozenset(
    {
        (_MICROSOFT, "Win32CreationTime"),
        (_MICROSOFT, "Win32LastAccessTime"),
        (_MICROSOFT, "Win32FileAttributes"),
        ("http://apache.org/dav/props/", "executable"),
    }
)
"""Taken note of politely, as permissions are by SFTP: Explorer sets them together with the time, all or none."""


async def delete(turn: Turn) -> Answer:
    """A file, or an empty directory."""
    turn.require(Right.WRITE)
    found = turn.look(turn.path)
    if found is None:
        raise NotDone(404, "There is nothing of that name.")
    turn.require_name_of(found)
    if turn.is_home:
        raise NotDone(403, "The folder itself stays.")
    turn.require_conditions(found)
    turn.require_unlocked(turn.path, is_member=True)
    writing = turn.visit.writing
    if stat.S_ISDIR(found.st_mode):
        await turn.house.carry_on(writing.remove_directory(turn.path))
    else:
        await turn.house.carry_on(writing.remove(turn.path))
    turn.locks.forget(turn.tenant, turn.path)
    turn.visit.places.pop(turn.path, None)
    return Answer(204)


async def make_collection(turn: Turn) -> Answer:
    """A directory."""
    turn.require(Right.WRITE)
    if turn.asked.has_body:
        raise NotDone(415, "Expected no body.")
    if turn.is_home or turn.look(turn.path) is not None:
        raise NotDone(405, "The name is taken.", {"Allow": METHODS})
    turn.require_directory_of(turn.path)
    turn.require_conditions(None)
    turn.require_unlocked(turn.path, is_member=True)
    await turn.house.carry_on(turn.visit.writing.make_directory(turn.path))
    return Answer(201)


async def move(turn: Turn) -> Answer:
    """Another name or directory for a file, which rings under it."""
    turn.require(Right.WRITE)
    says = "Directories are neither renamed nor replaced here; move their files."
    target, there = turn.to_another_name(says)
    for path in (turn.path, target):
        turn.require_unlocked(path, is_member=True)
        if turn.house.register.is_written(turn.tenant, path):
            raise NotDone(423, "The file is still being written; move it when it is whole.")
    if is_place(turn):
        await move_place(turn, target)
    else:
        renaming = turn.visit.writing.rename(turn.path, target, replace=turn.asked.overwrites)
        await turn.house.carry_on(renaming)
        turn.visit.places.pop(target, None)
    turn.locks.forget(turn.tenant, turn.path)
    turn.visit.places.pop(turn.path, None)
    return Answer(201 if there is None else 204)


async def patch_properties(turn: Turn) -> Answer:
    """A file's or directory's time, where a client keeps it; each other property is refused, and then none is set."""
    turn.require(Right.WRITE)
    root = xml.read(await turn.body.whole(xml.MAX_BYTES))
    if root is None or root.name != (DAV, "propertyupdate"):
        raise NotDone(400, "Expected a propertyupdate.")
    found = turn.look(turn.path)
    if found is None:
        raise NotDone(404, "There is nothing of that name.")
    turn.require_conditions(found)
    turn.require_unlocked(turn.path, is_member=False)
    wanted = [(each, way.name == (DAV, "set")) for way in root.children for each in _properties_of(way)]
    moments = {each.name: _moment(each) for each, is_set in wanted if is_set and each.name in _MODIFIED}
    refused = [
        each.name
        for each, is_set in wanted
        if not is_set or (each.name not in _LEFT_ALONE and (turn.is_home or moments.get(each.name) is None))
    ]
    modified = next((moment for moment in moments.values() if moment is not None), None)
    if not refused and modified is not None:
        await turn.house.carry_on(turn.visit.writing.set_time(turn.path, modified, modified))
    told_of = [(turn.asked.raw_path.decode("ascii", "replace"), _outcome([each.name for each, _ in wanted], refused))]
    return Answer(207, {"Content-Type": XML}, b"".join(xml.multistatus(told_of)))


async def lock(turn: Turn) -> Answer:
    """Keep other WebDAV clients from writing, for a while; without a body a lock lasts on."""
    turn.require(Right.WRITE)
    root = xml.read(await turn.body.whole(xml.MAX_BYTES))
    found = turn.look(turn.path)
    if root is None:
        held = locks.tokens(locks.choices(turn.asked.header("If")))
        kept = turn.locks.refresh(turn.tenant, turn.path, held, turn.asked.lock_seconds)
        return _locked(turn, kept, 200)
    if root.name != (DAV, "lockinfo") or root.child("locktype", "write") is None:
        raise NotDone(400, "Expected a lockinfo that asks for a write lock.")
    if root.child("lockscope", "exclusive") is None:
        raise NotDone(403, "Locks are exclusive here; shared ones are not on offer.")
    if turn.asked.depth == 1:
        raise NotDone(400, "Expected Depth 0 or infinity.")
    turn.require_conditions(found)
    if found is None:
        if turn.asked.says_collection:
            raise NotDone(409, "There is no such directory; make it first.")
        turn.require_directory_of(turn.path)
        turn.require_unlocked(turn.path, is_member=True)
    taken = turn.locks.take(
        turn.tenant, turn.path, _owner(root), turn.asked.lock_seconds, is_deep=turn.asked.depth is None
    )
    if found is None:
        try:
            await make_empty(turn)
        except BaseException:
            turn.locks.release(turn.tenant, turn.path, taken.token)
            raise
    return _locked(turn, taken, 200 if found is not None else 201)


async def unlock(turn: Turn) -> Answer:
    """Others may write again."""
    turn.require(Right.WRITE)
    sent = (turn.asked.header("Lock-Token") or "").strip()
    if not (sent.startswith("<") and sent.endswith(">")):
        raise NotDone(400, "Expected a header Lock-Token, as: <urn:uuid:...>.")
    # What cannot be told leaves the lock in place, so that the client may ask again.
    await complete_places(turn, turn.locks.own(turn.tenant, turn.path, sent[1:-1]))
    turn.locks.release(turn.tenant, turn.path, sent[1:-1])
    return Answer(204)


def _locked(turn: Turn, taken: locks.Lock, status: int) -> Answer:
    inside = lock_discovery([taken], turn.tenant.base)
    body = xml.prop([Property((DAV, "lockdiscovery"), inside)])
    return Answer(status, {"Content-Type": XML, "Lock-Token": f"<{taken.token}>"}, body)


def _owner(root: Element) -> str:
    owner = root.child("owner")
    if owner is None:
        return ""
    return (owner.text.strip() or "".join(each.text.strip() for each in owner.children))[:200]


def _properties_of(way: Element) -> list[Element]:
    if way.name not in ((DAV, "set"), (DAV, "remove")):
        return []
    return [each for inside in way.children if inside.name == (DAV, "prop") for each in inside.children]


def _moment(each: Element) -> float | None:
    """Seconds since 1970; None for a text that is no time."""
    text = each.text.strip()
    try:
        found = parsedate_to_datetime(text[:64])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _outcome(wanted: list[Name], refused: list[Name]) -> list[Status]:
    rest = [Property(name) for name in wanted if name not in refused]
    if not refused:
        return [Status("200 OK", rest)]
    both = (
        Status("403 Forbidden", [Property(name) for name in refused]),
        Status("424 Failed Dependency", rest),
    )
    return [each for each in both if each.properties]
