"""Know files again that we put away, whatever goals say today: they have been taken, and are no new arrivals.

Names that goals give now are passed over unread. What was renamed or moved by a former version of a goal, or by one
that is deleted or switched off, only the ledger knows: where it was put, and that what lies there is as it came. Of
what stood beside a file it knows where that stood, and that it was put away like the file.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from services.poller.spot import Spotted
from services.poller.stood_beside import put_away_as
from shared.domain.arrival import FileStamp
from shared.domain.names import joined, split, unnumbered
from shared.domain.watched import beneath, levels_below
from shared.storage import arrivals, companions
from shared.storage.companions import Stood
from shared.storage.database import Tx

_RENAMED = re.compile(r"(.+)\.[A-Za-z0-9_-]{1,20}", re.DOTALL)
"""What has a suffix, or a number behind one."""


async def leave_out(tx: Tx, connection_id: UUID, found: Spotted) -> None:
    """Take out of what a look found what was put away there; what was told of such a file before ends."""
    if not _news(found):
        return
    await arrivals.plan_anew(tx)
    await _leave_out_renamed(tx, connection_id, found)
    stood = await _stood_beside(tx, connection_id, _news(found))
    under_way = {path for path, beside in stood.items() if any(each.settled_path is None for each in beside)}
    found.new = [each for each in found.new if each.seen.file.path not in under_way]
    news = _news(found)
    known = await arrivals.put_away(tx, connection_id, [each.path for each in news])
    paths = {each.path for each in known.intersection(news)}
    paths |= {path for path, beside in stood.items() if any(_was_put_there(path, each) for each in beside)}
    if not paths:
        return
    told = [each[0] for several in (found.grown, found.complete, found.explained) for each in several]
    found.vanished += {each.id for each in told if each.file.path in paths}
    found.new = [each for each in found.new if each.seen.file.path not in paths]
    found.grown = [each for each in found.grown if each[0].file.path not in paths]
    found.complete = [each for each in found.complete if each[0].file.path not in paths]
    found.explained = [each for each in found.explained if each[0].file.path not in paths]
    found.overdue = [each for each in found.overdue if each[0].file.path not in paths]


def _news(found: Spotted) -> list[FileStamp]:
    """What would be told or taken; not what lies there as it is known, however much that is.

    What a client uploaded under such a name is its own: our names are given without an upload.
    """
    seen = [new.seen for new in found.new]
    seen += [each for _, each, _ in found.grown] + [each for _, each, _ in found.complete]
    news = [each.file for each in seen if each.upload_id is None]
    return news + [known.file for known, _ in found.explained if known.upload_id is None]


async def _leave_out_renamed(tx: Tx, connection_id: UUID, found: Spotted) -> None:
    """Leave to the next look what is being renamed, or was by somebody who died at it: the ledger says it then."""
    news = [each.seen for each in found.new if each.seen.upload_id is None]
    came_as = {each.file: [replace(each.file, path=path) for path in _names_before(each.file.path)] for each in news}
    paths = [each.path for several in came_as.values() for each in several]
    renamed = await arrivals.being_marked(tx, connection_id, paths)
    if renamed:
        found.new = [each for each in found.new if renamed.isdisjoint(came_as.get(each.seen.file, ()))]


async def _stood_beside(tx: Tx, connection_id: UUID, news: Sequence[FileStamp]) -> dict[str, list[Stood]]:
    """By the paths of files what they may have been beside others: as large, of the same time, called like that."""
    moved = await companions.moved(tx, connection_id) if news else []
    stood_at = {each.path: {*_names_before(each.path), *_paths_before(each.path, moved)} for each in news}
    by_path: dict[str, list[Stood]] = {}
    for stood in await companions.put_away(tx, connection_id, sorted(set().union(*stood_at.values()))):
        by_path.setdefault(stood.file.path, []).append(stood)
    found = {
        file.path: [each for path in stood_at[file.path] for each in by_path.get(path, ()) if _is_same(each, file)]
        for file in news
    }
    return {path: beside for path, beside in found.items() if beside}


def _is_same(stood: Stood, file: FileStamp) -> bool:
    return replace(stood.file, path=file.path) == file


def _was_put_there(path: str, stood: Stood) -> bool:
    if stood.settled_path is None:
        return False
    return not {path, unnumbered(path)}.isdisjoint(put_away_as(stood.file.path, stood.came_as, stood.settled_path))


def _paths_before(path: str, moved: Collection[tuple[str, str]]) -> Iterator[str]:
    """Where a file may have stood that was moved."""
    directory, name = split(path)
    for source, target in moved:
        if levels_below(target, directory) is not None:
            came_from = "/".join(filter(None, (source, beneath(target, directory))))
            yield from (joined(came_from, each) for each in (name, unnumbered(name)) if each)


def _names_before(path: str) -> Iterator[str]:
    """What a file may have been called that has a suffix, and perhaps a number behind it."""
    for _ in range(2):
        match = _RENAMED.fullmatch(path)
        if match is None:
            return
        path = match[1]
        yield path
