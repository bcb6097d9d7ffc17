"""What is asked without changing anything: OPTIONS, GET, HEAD, PROPFIND."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from email.utils import formatdate
from functools import partial
from itertools import islice
from urllib.parse import quote
from xml.sax.saxutils import escape

from services.dropserver.refusals import told
from services.dropserver.webdav import xml
from services.dropserver.webdav.answers import XML, Answer, NotDone
from services.dropserver.webdav.locks import Lock
from services.dropserver.webdav.turn import Turn, etag_of
from services.dropserver.webdav.xml import DAV, Element, Name, Property, Status
from shared.domain.hosted_login import Right
from shared.domain.names import from_bytes, to_bytes

METHODS = "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, MOVE, COPY, PROPFIND, PROPPATCH, LOCK, UNLOCK"
_BLOCK_BYTES = 256 * 1024
_OK = "200 OK"
_LOCKABLE = "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
_ENTRIES = 200


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
        etag = etag_of(found)
        return listed == ["*"] or etag in [each.removeprefix("W/") for each in listed]
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
    here = to_bytes(turn.asked.path)
    entries = [(here, found)]
    if turn.asked.depth == 1 and stat.S_ISDIR(found.st_mode):
        turn.require(Right.LIST)
        inside = await asyncio.to_thread(_listed, turn)
        entries += [(here + b"/" + name if here else name, each) for name, each in inside]
    told_of = ((_href(path, each), _statuses(turn, path, each, wanted)) for path, each in entries)
    return Answer(207, {"Content-Type": XML}, _in_turns(xml.multistatus(told_of)))


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


def _listed(turn: Turn) -> list[tuple[bytes, os.stat_result]]:
    """Files and directories by name; what else lies there is no matter of a client's."""
    with told():
        found = [each for each in turn.visit.tree.scan(turn.path) if _is_shown(each[1].st_mode)]
    return sorted(found, key=lambda each: each[0])


def _is_shown(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


async def _in_turns(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Many small pieces as fewer, and others have their turn between these."""
    for gathered in iter(lambda: b"".join(islice(pieces, _ENTRIES)), b""):
        yield gathered
        await asyncio.sleep(0)


def _wanted(root: Element | None) -> list[Name] | None:
    """The properties that are asked for; None: all that there are, or their names alone."""
    if root is None or root.child("allprop") is not None or root.child("propname") is not None:
        return None
    asked_for = root.child("prop")
    if root.name != (DAV, "propfind") or asked_for is None:
        raise NotDone(400, "Expected a propfind that asks for prop, allprop or propname.")
    return [each.name for each in asked_for.children]


def _statuses(turn: Turn, path: bytes, found: os.stat_result, wanted: list[Name] | None) -> list[Status]:
    here = _properties(turn, path, found)
    if wanted is None:
        return [Status(_OK, list(here.values()))]
    lacking = [Property(name) for name in wanted if name not in here]
    both = (Status(_OK, [here[name] for name in wanted if name in here]), Status("404 Not Found", lacking))
    return [each for each in both if each.properties]


def _properties(turn: Turn, path: bytes, found: os.stat_result) -> dict[Name, Property]:
    """What there is to tell. A directory has no length, a name that is no UTF-8 no locks."""
    is_directory = stat.S_ISDIR(found.st_mode)
    locks = turn.locks.of(turn.tenant, turn.inside(from_bytes(path)))
    told_of = {
        "resourcetype": "<D:collection/>" if is_directory else "",
        "getlastmodified": formatdate(found.st_mtime, usegmt=True),
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


def _href(path: bytes, found: os.stat_result) -> str:
    """Where something lies: directories end with a slash."""
    return _quoted(path + b"/" if stat.S_ISDIR(found.st_mode) and path else path)


def _quoted(path: bytes) -> str:
    return "/" + quote(path.removeprefix(b"/"), safe="/")
