"""What is asked without changing anything: OPTIONS, GET, HEAD, PROPFIND."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from email.utils import formatdate
from functools import partial
from itertools import chain
from urllib.parse import quote
from xml.sax.saxutils import escape

from services.dropserver.refusals import told
from services.dropserver.webdav import xml
from services.dropserver.webdav.answers import XML, Answer, NotDone
from services.dropserver.webdav.listings import Entry
from services.dropserver.webdav.locks import Lock
from services.dropserver.webdav.turn import Turn, etag_of, strong
from services.dropserver.webdav.xml import DAV, Element, Name, Property, Status
from shared.domain.hosted_login import Right
from shared.domain.names import from_bytes, joined, to_bytes

METHODS = "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, MOVE, COPY, PROPFIND, PROPPATCH, LOCK, UNLOCK"
_BLOCK_BYTES = 256 * 1024
_OK = "200 OK"
_LOCKABLE = "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
_PIECE_BYTES = 16 * 1024
"""Others have their turn after so much of a long answer."""
_MAX_WANTED = 100


async def options(turn: Turn) -> Answer:
    """What there is: WebDAV of class 1 and 2. Some clients of Microsoft ask for their header before they go on."""
    return Answer(200, {"DAV": "1, 2", "MS-Author-Via": "DAV", "Allow": METHODS, "Accept-Ranges": "bytes"})


async def get(turn: Turn) -> Answer:
    """A file, or a span of it; by HEAD what it would be."""
    turn.require(Right.READ)
    found = turn.look(turn.path)
    if found is None:
        raise NotDone(404, "There is no such file.")
    if stat.S_ISDIR(found.st_mode):
        raise NotDone(405, "That is a directory: PROPFIND tells what lies there.", {"Allow": METHODS})
    with told():
        descriptor = turn.visit.tree.open(turn.path, os.O_RDONLY)
    try:
        found = os.fstat(descriptor)
        headers = _headers(found)
        turn.require_conditions(found)
        if _is_known(turn, found):
            del headers["Content-Length"]
            return Answer(304, headers, put_down=partial(os.close, descriptor))
        start, end, status = _span(turn, found, headers)
    except BaseException:
        os.close(descriptor)
        raise
    if turn.asked.method == "HEAD":
        return Answer(status, headers, put_down=partial(os.close, descriptor))
    return Answer(status, headers, _blocks(turn, descriptor, start, end), partial(os.close, descriptor))


def _headers(found: os.stat_result) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(found.st_size),
        "ETag": etag_of(found) or "",
        "Last-Modified": formatdate(found.st_mtime, usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }


def _is_known(turn: Turn, found: os.stat_result) -> bool:
    """Whether the client has this version already."""
    listed = turn.asked.etags("If-None-Match")
    if listed is not None:
        return listed == ["*"] or etag_of(found) in strong(listed)
    since = turn.asked.moment("If-Modified-Since")
    return since is not None and int(found.st_mtime) <= since.timestamp()


def _span(turn: Turn, found: os.stat_result, headers: dict[str, str]) -> tuple[int, int, int]:
    """From where, up to where, and the status that says so; the headers are put right."""
    expected = turn.asked.header("If-Range")
    span = turn.asked.span(found.st_size) if expected in (None, headers["ETag"], headers["Last-Modified"]) else None
    if span is None:
        return 0, found.st_size, 200
    start, end = span
    headers["Content-Length"] = str(end - start)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.st_size}"
    return start, end, 206


async def _blocks(turn: Turn, descriptor: int, start: int, end: int) -> AsyncIterator[bytes]:
    """A file's bytes; fewer where it is cut meanwhile, the client leaves or its login ends."""
    leaving = asyncio.create_task(turn.body.until_gone())
    try:
        while start < end and not leaving.done():
            turn.require(Right.READ)
            block = os.pread(descriptor, min(_BLOCK_BYTES, end - start), start)
            if not block:
                return
            start += len(block)
            yield block
    finally:
        leaving.cancel()


async def propfind(turn: Turn) -> Answer:
    """What lies there: a file or directory, and by depth 1 what is in that."""
    wanted = _wanted(xml.read(await turn.body.whole(xml.MAX_BYTES)))
    if turn.asked.depth is None:
        raise NotDone(403, "", condition="propfind-finite-depth")
    found = turn.look(turn.path)
    if found is None:
        raise NotDone(404, "There is nothing of that name.")
    turn.require_conditions(found)
    here, locks = to_bytes(turn.asked.path), turn.locks.of(turn.tenant, turn.path)
    itself = (_href(here, found.st_mode), _statuses(turn, locks, found, wanted))
    if turn.asked.depth == 0 or not stat.S_ISDIR(found.st_mode):
        return Answer(207, {"Content-Type": XML}, b"".join(xml.multistatus([itself])))
    turn.require(Right.LIST)
    listing = await turn.listings.begin(turn.tenant.credential_id)
    try:
        inside = await listing.read(partial(_listed, turn))
    except BaseException:
        listing.put_down()
        raise
    members = _members(turn, here + b"/" if here else b"", inside, wanted)
    told_of = xml.multistatus(chain([itself], members))
    return Answer(207, {"Content-Type": XML}, _in_turns(turn, told_of), listing.put_down)


def lock_discovery(locks: Sequence[Lock], home: str) -> str:
    """The locks of a path, as their property tells them (RFC 4918, 15.8)."""
    return "".join(
        "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.is_deep else '0'}</D:depth><D:owner>{escape(lock.owner)}</D:owner>"
        f"<D:timeout>Second-{lock.seconds}</D:timeout><D:locktoken><D:href>{lock.token}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{_quoted(to_bytes(lock.path).removeprefix(to_bytes(home)))}</D:href></D:lockroot>"
        "</D:activelock>"
        for lock in locks
    )


def _listed(turn: Turn) -> Iterator[Entry]:
    """Files and directories; what else lies there is no matter of a client's."""
    with told():
        for name, found in turn.visit.tree.scan(turn.path):
            if _is_shown(found.st_mode):
                yield Entry(name, found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns)


def _members(
    turn: Turn, above: bytes, inside: list[Entry], wanted: list[Name] | None
) -> Iterator[tuple[str, list[Status]]]:
    locks_of = turn.locks.of_members(turn.tenant, turn.path)
    for each in inside:
        path = above + each.name
        locks = locks_of(joined(turn.tenant.base, from_bytes(path)))
        yield _href(path, each.st_mode), _statuses(turn, locks, each, wanted)


def _is_shown(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


async def _in_turns(turn: Turn, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Many small pieces as fewer, while there is somebody to read them. Raises NotDone where the login ends."""
    leaving = asyncio.create_task(turn.body.until_gone())
    gathered: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            gathered.append(piece)
            size += len(piece)
            if size < _PIECE_BYTES:
                continue
            turn.require(Right.LIST)
            yield b"".join(gathered)
            await asyncio.sleep(0)
            if leaving.done():
                return
            gathered, size = [], 0
        yield b"".join(gathered)
    finally:
        leaving.cancel()


def _wanted(root: Element | None) -> list[Name] | None:
    """The properties that are asked for; None: all that there are, or their names alone."""
    if root is None or root.child("allprop") is not None or root.child("propname") is not None:
        return None
    asked_for = root.child("prop")
    if root.name != (DAV, "propfind") or asked_for is None:
        raise NotDone(400, "Expected a propfind that asks for prop, allprop or propname.")
    named = list(dict.fromkeys(each.name for each in asked_for.children))
    if len(named) > _MAX_WANTED:
        raise NotDone(400, f"Expected {_MAX_WANTED} properties at most.")
    return named


def _statuses(turn: Turn, locks: list[Lock], found: os.stat_result | Entry, wanted: list[Name] | None) -> list[Status]:
    here = _properties(turn, locks, found)
    if wanted is None:
        return [Status(_OK, list(here.values()))]
    lacking = [Property(name) for name in wanted if name not in here]
    both = (Status(_OK, [here[name] for name in wanted if name in here]), Status("404 Not Found", lacking))
    return [each for each in both if each.properties]


def _properties(turn: Turn, locks: list[Lock], found: os.stat_result | Entry) -> dict[Name, Property]:
    """What there is to tell. A directory has no length, a name that is no UTF-8 no locks."""
    is_directory = stat.S_ISDIR(found.st_mode)
    told_of = {
        "resourcetype": "<D:collection/>" if is_directory else "",
        "getlastmodified": formatdate(found.st_mtime_ns / 1e9, usegmt=True),
        "supportedlock": _LOCKABLE,
        "lockdiscovery": lock_discovery(locks, turn.tenant.base),
    }
    if not is_directory:
        told_of |= {
            "getcontentlength": str(found.st_size),
            "getcontenttype": "application/octet-stream",
            "getetag": escape(etag_of(found) or ""),
        }
    return {(DAV, name): Property((DAV, name), inside) for name, inside in told_of.items()}


def _href(path: bytes, mode: int) -> str:
    """Where something lies: directories end with a slash."""
    return _quoted(path + b"/" if stat.S_ISDIR(mode) and path else path)


def _quoted(path: bytes) -> str:
    return "/" + quote(path.removeprefix(b"/"), safe="/")
