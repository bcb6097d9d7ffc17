"""Know files again that we put away, whatever goals say today: they have been taken, and are no new arrivals.

Names that goals give now are passed over unread. What was renamed or moved by a former version of a goal, or by one
that is deleted or switched off, only the ledger knows: where it was put, and that what lies there is as it came.
"""

from uuid import UUID

from services.poller.spot import Spotted
from shared.domain.arrival import FileStamp
from shared.storage import arrivals
from shared.storage.database import Tx


async def leave_out(tx: Tx, connection_id: UUID, found: Spotted) -> None:
    """Take out of what a look found what was put away there; what was told of such a file before ends."""
    paths = await arrivals.put_away(tx, connection_id, _news(found))
    if not paths:
        return
    told = [each[0] for several in (found.grown, found.complete, found.explained) for each in several]
    found.vanished += {known.id for known in told if known.file.path in paths}
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
