"""Answer what the api asks of a partner's server: only the poller contacts partners."""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

import structlog

from services.poller.fetch_sample import fetch_sample
from services.poller.first_key import FirstKey
from services.poller.tools import Tools
from shared.domain.connection import Login
from shared.domain.export_goal import ExportGoal
from shared.domain.failures import IntegrationOff, NotFound
from shared.domain.integration import integration_of
from shared.domain.watched import places_apart, watches
from shared.observe.failpoints import reach
from shared.runtime.desk import reason_of
from shared.runtime.keeping import kept
from shared.runtime.trouble import note_trial
from shared.storage import connections, goals, inquiries, integrations, samples
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.goals import StoredGoal
from shared.storage.inquiries import Taken
from shared.storage.samples import StoredSample
from shared.transfer.dialling import OnStep
from shared.transfer.folder import Folder
from shared.transfer.open_folder import open_folder
from shared.transfer.verify import Uses, verify

log = structlog.get_logger()


async def answer(tools: Tools, account_id: UUID, inquiry_id: UUID) -> None:
    """Do what was asked and write down what was found. A question that another answers is left to it."""
    async with tools.database.account(account_id) as tx:
        taken = await inquiries.take(tx, inquiry_id, tools.lease_seconds)
        if taken is None:
            return
        connection = await connections.get(tx, taken.connection_id)
        if await _is_refused(tx, inquiry_id, taken, connection):
            return
        login = await connections.login_of(tx, tools.keys, taken.connection_id)
        stored = await goals.of_connection(tx, taken.connection_id)
        sample = None if taken.sample_id is None else await _sample(tx, taken.sample_id)
    reach("inquiry.taken")

    async def keep() -> None:
        async with tools.database.account(account_id) as tx:
            await inquiries.keep(tx, inquiry_id, tools.lease_seconds)

    async with kept(keep, tools.lease_seconds):
        if taken.kind == "verify":
            await _verify(tools, account_id, inquiry_id, connection, login, stored)
        elif sample is not None:
            await fetch_sample(tools, account_id, inquiry_id, sample, connection, login)


async def _is_refused(tx: Tx, inquiry_id: UUID, taken: Taken, connection: StoredConnection) -> bool:
    """Whether the account has switched its integration off, or paused it, since it was asked: the answer is that."""
    try:
        await integrations.require_active(tx, integration_of(connection.drop_place))
    except IntegrationOff as failure:
        reason = reason_of(failure)
        await inquiries.answer(tx, inquiry_id, inquiries.not_done(reason))
        if taken.sample_id is not None:
            await samples.fail(tx, taken.sample_id, reason)
        return True
    return False


async def _sample(tx: Tx, sample_id: UUID) -> StoredSample | None:
    """A sample that is asked for; None where it was deleted meanwhile."""
    try:
        return await samples.get(tx, sample_id)
    except NotFound:
        return None


async def _verify(
    tools: Tools,
    account_id: UUID,
    inquiry_id: UUID,
    connection: StoredConnection,
    login: Login,
    stored: list[StoredGoal],
) -> None:
    """Try the connection step by step."""
    first_key = FirstKey(tools, connection)
    used: list[frozenset[str]] = []

    def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
        # A person asks, who may have mended what other connections were refused for.
        return open_folder(
            first_key.connection.drop_place,
            login,
            tools.places,
            account_id=account_id,
            insists=True,
            on_first_key=first_key.pin,
            on_step=on_step,
            on_legacy=used.append,
        )

    # Asked again after a crash, it removes what was left of it.
    tried = await verify(connection.drop_place, opening, _uses(stored), probe=inquiry_id.hex)
    reach("inquiry.found")
    version = first_key.connection.version
    async with tools.database.account(account_id) as tx:
        found = {"ok": tried.failure is None, "steps": [step.model_dump(mode="json") for step in tried.steps]}
        if not await inquiries.answer(tx, inquiry_id, found):
            # Another answered while this process was frozen: what it found may have changed since.
            return
        for legacy in used[:1]:
            await connections.note_legacy(tx, connection.id, legacy)
        if tried.failure is None:
            await connections.resume(tx, connection.id, version)
        else:
            await note_trial(tx, connection, tried.failure, version=version)
        reach("inquiry.answering")
    reach("inquiry.answered")
    if tried.failure is None:
        # They were stopped over a login that was not even tried for them, and need nobody's help any more.
        async with tools.database.account(account_id) as tx:
            await connections.resume_alike(tx, tools.keys, connection, login)
    log.info("connection.verified", ok=tried.failure is None)


def _uses(stored: list[StoredGoal]) -> Uses:
    imports = [each.goal for each in stored if not isinstance(each.goal, ExportGoal)]
    apart = places_apart(imports)
    targets = [each.goal.target for each in stored if isinstance(each.goal, ExportGoal)]
    return Uses(
        watched=frozenset(goal.source.directory for goal in imports),
        written=frozenset(target.directory for target in targets),
        watches=lambda directory: any(watches(goal, directory, apart) for goal in imports),
        in_place=frozenset(target.directory for target in targets if target.direct_write),
    )
