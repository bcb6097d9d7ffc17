"""Fetch a sample that somebody named in a drop folder, keep it, and look at it.

What is fetched is not imported and makes no arrival; the file stays as it is. It is read in a process of its own
(`shared/runtime/looking.py`): the poller itself never opens it.
"""

from contextlib import aclosing
from uuid import UUID

import structlog

from services.poller.first_key import FirstKey
from services.poller.tools import Tools
from shared.domain.connection import Login
from shared.domain.failures import Failure, FileTooLarge
from shared.domain.findings import Findings
from shared.domain.run import Reason
from shared.observe.failpoints import reach
from shared.runtime.desk import reason_of
from shared.storage import inquiries, kept_files, samples
from shared.storage.connections import StoredConnection
from shared.storage.kept_files import Incoming, KeptFile
from shared.storage.samples import StoredSample
from shared.transfer.open_folder import open_folder

log = structlog.get_logger()


async def fetch_sample(
    tools: Tools, account_id: UUID, inquiry_id: UUID, sample: StoredSample, connection: StoredConnection, login: Login
) -> None:
    """Answer a question for a sample. What keeps it from being fetched is told in the sample."""
    try:
        kept = await _fetched(tools, account_id, sample, connection, login)
        reach("sample.kept")
        findings = await tools.looking.look(account_id, kept)
    except Failure as failure:
        await _fail(tools, account_id, inquiry_id, sample.id, reason_of(failure))
        log.info("sample.not_fetched", code=failure.code)
        return
    reach("sample.looked_at")
    if not await _settle(tools, account_id, inquiry_id, sample.id, kept, findings):
        await kept_files.discard(tools.database, account_id, kept.id)
        return
    log.info("sample.fetched", size_bytes=kept.size_bytes, questions=len(findings.questions))


async def _fetched(
    tools: Tools, account_id: UUID, sample: StoredSample, connection: StoredConnection, login: Login
) -> KeptFile:
    """The file, kept. Raises FileTooLarge, TooMuchKept, ManualConnection, and what the place raises."""
    place = connection.drop_place
    assert sample.path is not None

    incoming = Incoming("sample", sample.name, tools.max_sample_bytes, kept_files.COMING_SECONDS, tools.max_kept_bytes)
    pin = FirstKey(tools, connection).pin
    opened = open_folder(place, login, tools.places, account_id=account_id, on_first_key=pin)
    async with opened as folder:
        found = await folder.stat(sample.path)
        if found.size_bytes > incoming.max_bytes:
            raise FileTooLarge(f"Found {found.size_bytes:,} bytes, expected at most {incoming.max_bytes:,}.")
        async with aclosing(folder.read(sample.path)) as chunks:
            return await kept_files.keep(tools.database, account_id, incoming, chunks)


async def _settle(
    tools: Tools, account_id: UUID, inquiry_id: UUID, sample_id: UUID, kept: KeptFile, findings: Findings
) -> bool:
    async with tools.database.account(account_id) as tx:
        await kept_files.keep_longer(tx, kept.id, samples.KEPT_SECONDS)
        is_first = await inquiries.answer(tx, inquiry_id, {"ok": True, "steps": []})
        return is_first and await samples.settle(tx, sample_id, kept.id, findings)


async def _fail(tools: Tools, account_id: UUID, inquiry_id: UUID, sample_id: UUID, reason: Reason) -> None:
    async with tools.database.account(account_id) as tx:
        if await inquiries.answer(tx, inquiry_id, {"ok": False, "steps": []}):
            await samples.fail(tx, sample_id, reason)
