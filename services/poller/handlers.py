"""What the poller hears: a finished upload, and a question to a partner's server."""

from collections.abc import Mapping

import structlog

from services.poller.questions import Questions
from services.poller.record import imports_of, record
from services.poller.spot import Seen
from services.poller.tools import Tools
from shared.bus.consumer import MessageHandler
from shared.contracts.message import Message
from shared.contracts.places import InquiryAsked, UploadClosed
from shared.domain.arrival import FileStamp
from shared.domain.integration import Integration
from shared.observe.failpoints import reach
from shared.storage import arrivals, connections, integrations, uploads

log = structlog.get_logger()


def handlers(tools: Tools, questions: Questions) -> Mapping[type[Message], MessageHandler]:
    """Message -> what is done about it."""

    async def upload_closed(message: UploadClosed) -> None:
        await take_upload(tools, message)

    async def inquiry_asked(message: InquiryAsked) -> None:
        await questions.hear(message.account_id, message.inquiry_id)

    return {UploadClosed: upload_closed, InquiryAsked: inquiry_asked}


async def take_upload(tools: Tools, message: UploadClosed) -> None:
    """Make the arrival of an upload, if it is still the latest of its path. The looks find what is not heard here.

    A connection that is switched off takes nothing; its first look afterwards finds what was uploaded meanwhile.
    """
    async with tools.database.account(message.account_id) as tx:
        upload, connection_id = await uploads.get(tx, message.upload_id)
        if upload is None or connection_id is None:
            log.info("upload.unwatched")
            return
        is_watched = await integrations.is_active(tx, Integration.HOSTED_FOLDERS)
        if not is_watched or not (await connections.get(tx, connection_id)).settings.active:
            log.info("upload.kept_for_later")
            return
        # Before it is read which one is the latest: that may change while this stands in line.
        await arrivals.lock_connection(tx, connection_id)
        latest = await uploads.latest_of_connection(tx, connection_id, upload.path)
        if latest is None or latest.id != upload.id or latest.state != "closed":
            return
        if await arrivals.has_left(tx, upload.id):
            # It was taken, and its news comes twice: what lies under its name now is another file.
            return
        upload = latest
        assert upload.size_bytes is not None
        assert upload.modified_at is not None
        watched = await imports_of(tx, connection_id)
        if any(goal.source.readiness.looks_beside for goal in watched.goals.values()):
            # What lies beside it, or what it stands beside, is seen by a look.
            await connections.look_now(tx, connection_id)
            tools.wake.set()
            return
        file = FileStamp(path=upload.path, size_bytes=upload.size_bytes, modified_at=upload.modified_at)
        began_at = await arrivals.clock(tx)
        outcomes, _ = await record(tx, connection_id, [Seen(file, upload.id, upload.state)], began_at)
    reach("poller.heard")
    for outcome, count in outcomes.items():
        tools.metrics.arrivals.labels(outcome).inc(count)
