"""Know files again that we put away, whatever goals say today: they have been taken, and are no new arrivals.

Names that goals give now are passed over unread. What was renamed or moved by a former version of a goal, or by one
that is deleted or switched off, only the ledger knows: where it was put, and that what lies there is as it came.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from services.poller.spot import Spotted
from shared.domain.arrival import FileStamp
from shared.storage import arrivals
from shared.storage.database import Tx

_RENAMED = re.compile(r"(.+)\.[A-Za-z0-9_-]{1,20}", re.DOTALL)
"""What has a suffix, or a number behind one."""


async def leave_out(tx: Tx, connection_id: UUID, found: Spotted) -> None:
    """Take out of what a look found what was put away there; what was told of such a file before ends."""
    await _leave_out_renamed(tx, connection_id, found)
    news = _news(found)
    known = await arrivals.put_away(tx, connection_id, [each.path for each in news])
    paths = {each.path for each in known.intersection(news)}
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


def _names_before(path: str) -> Iterator[str]:
    """What a file may have been called that has a suffix, and perhaps a number behind it."""
    for _ in range(2):
        match = _RENAMED.fullmatch(path)
        if match is None:
            return
        path = match[1]
        yield path
