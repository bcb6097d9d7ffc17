"""Who is told about what: decided from the goal and the state, planned once."""

from uuid import UUID

import pytest

from services.notifier.tools import Tools
from shared.domain.run import Reason, RunState, Waiting
from shared.storage import decisions, mails, notifications
from shared.storage.database import Database
from shared.storage.notifications import News
from tests.integration.notifier.ledger import MAKER, REJECTED, Ledger
from tests.integration.notifier.working import hear_of_notification, hear_of_run, planned
from tests.real.database_fixtures import make_account

CRM = "crm@shop.example"
WARNED = {"warnings": (Reason(code="no_rows"),)}


async def recipients(tools: Tools, ledger: Ledger, run_id: UUID) -> list[str]:
    await hear_of_run(tools, ledger.account_id, run_id)
    return [row.recipient for row in await planned(tools.database, ledger.account_id)]


@pytest.mark.parametrize(
    ("when", "state", "facts", "told"),
    [
        ("always", RunState.COMPLETED, {}, True),
        ("always", RunState.COMPLETED_WITH_REJECTS, REJECTED, True),
        ("always", RunState.FAILED, {}, True),
        ("always", RunState.SKIPPED, {}, True),
        ("always", RunState.CANCELLED, {}, True),
        ("problems", RunState.COMPLETED, {}, False),
        ("problems", RunState.COMPLETED, WARNED, True),
        ("problems", RunState.COMPLETED_WITH_REJECTS, REJECTED, True),
        ("problems", RunState.FAILED, {}, True),
        ("problems", RunState.SKIPPED, {}, False),
        ("never", RunState.COMPLETED_WITH_REJECTS, REJECTED, False),
        ("never", RunState.FAILED, {}, False),
    ],
)
async def test_the_goal_says_when_people_are_told(
    tools: Tools, ledger: Ledger, when: str, state: RunState, facts: dict[str, object], told: bool
) -> None:
    run_id = await ledger.finished(await ledger.goal(CRM, when=when), state, **facts)
    assert await recipients(tools, ledger, run_id) == ([CRM] if told else [])


@pytest.mark.parametrize(("waits_for", "told"), [(Waiting.APPROVAL, [CRM]), (Waiting.RETRY, [])])
async def test_a_run_that_waits_is_told_only_if_it_waits_for_a_person(
    tools: Tools, ledger: Ledger, waits_for: Waiting, told: list[str]
) -> None:
    run_id = await ledger.put_aside(await ledger.goal(CRM, when="problems"), waits_for)
    assert await recipients(tools, ledger, run_id) == told


async def test_a_run_that_has_not_ended_is_not_told(tools: Tools, ledger: Ledger) -> None:
    run_id = await ledger.queued(await ledger.goal(CRM))
    assert await recipients(tools, ledger, run_id) == []


async def test_all_addresses_of_the_goal_are_told_and_its_maker_is_not(tools: Tools, ledger: Ledger) -> None:
    run_id = await ledger.finished(await ledger.goal("b@shop.example", "a@shop.example"))
    assert await recipients(tools, ledger, run_id) == ["a@shop.example", "b@shop.example"]


async def test_without_addresses_the_maker_of_the_goal_is_told(tools: Tools, ledger: Ledger) -> None:
    run_id = await ledger.finished(await ledger.goal(maker="other@shop.example"))
    assert await recipients(tools, ledger, run_id) == ["other@shop.example"]


async def test_without_a_maker_of_the_goal_the_maker_of_the_connection_is_told(tools: Tools, ledger: Ledger) -> None:
    run_id = await ledger.finished(await ledger.goal(maker=None))
    assert await recipients(tools, ledger, run_id) == [MAKER]


async def test_where_nobody_is_known_nobody_is_told(tools: Tools, database: Database, account: UUID) -> None:
    ledger = await Ledger.of(database, account, maker=None)
    run_id = await ledger.finished(await ledger.goal(maker=None))
    assert await recipients(tools, ledger, run_id) == []


async def test_news_that_come_twice_are_told_once(tools: Tools, ledger: Ledger) -> None:
    run_id = await ledger.finished(await ledger.goal(CRM))
    assert await recipients(tools, ledger, run_id) == [CRM]
    assert await recipients(tools, ledger, run_id) == [CRM]


async def test_a_run_that_fails_again_after_a_retry_is_told_again(tools: Tools, ledger: Ledger) -> None:
    """In the notification centre too, which rings for no mail: the receipt is that, for whom the goal wants told."""
    cancelled = await ledger.finished(await ledger.goal(CRM), RunState.CANCELLED)
    goal_id = await ledger.goal(CRM)
    why = Reason(code="no_identifier", detail="Found none.", what_to_do="Mend the goal.")
    run_id = await ledger.finished(goal_id, RunState.FAILED, reason=why)
    assert await recipients(tools, ledger, run_id) == [CRM]

    async def news() -> list[News]:
        async with tools.database.account(ledger.account_id) as tx:
            assert await notifications.page(tx, notifications.NotificationFilter(run_id=cancelled), 10) == []
            rung = "SELECT count(*) FROM tidegate.outbox WHERE name = 'notification.raised.v1'"
            assert await tx.connection.fetchval(rung) == 0
            return [each.news for each in await notifications.page(tx, notifications.NotificationFilter(), 10)]

    told = News("run_failed", "A run has failed", "no_identifier: Found none.", "Mend the goal.", ledger.connection_id,
                goal_id, run_id)  # fmt: skip
    assert await news() == [told]
    async with tools.database.account(ledger.account_id) as tx:
        await decisions.retry(tx, run_id)
    run = await ledger.claimed()
    assert run.id == run_id
    await ledger.end(run, RunState.FAILED, reason=why)
    assert await recipients(tools, ledger, run_id) == [CRM, CRM]
    assert await news() == [told, told]


async def test_a_notification_is_told_to_who_made_what_it_is_about(tools: Tools, ledger: Ledger) -> None:
    goal_id = await ledger.goal(CRM, maker="goal@shop.example")
    run_id = await ledger.finished(goal_id)
    about = [
        News("a", "A", connection_id=ledger.connection_id),
        News("b", "B", goal_id=goal_id),
        News("c", "C", run_id=run_id),
        News("d", "D"),
    ]
    told = []
    for news in about:
        async with tools.database.account(ledger.account_id) as tx:
            notification_id = await notifications.raise_(tx, news)
        before = await planned(tools.database, ledger.account_id)
        await hear_of_notification(tools, ledger.account_id, notification_id)
        await hear_of_notification(tools, ledger.account_id, notification_id)
        after = await planned(tools.database, ledger.account_id)
        told.append(sorted(row.recipient for row in after if row not in before or after.count(row) > before.count(row)))
    assert told == [[MAKER], ["goal@shop.example"], ["goal@shop.example"] * 2, []]


async def test_no_account_takes_the_mail_of_another(tools: Tools, ledger: Ledger) -> None:
    run_id = await ledger.finished(await ledger.goal(CRM))
    await hear_of_run(tools, ledger.account_id, run_id)
    async with tools.database.watching() as watch:
        [(account_id, mail_id)] = await mails.due(watch, 10)
    assert account_id == ledger.account_id
    async with tools.database.account(await make_account(tools.database, "Other")) as tx:
        assert await mails.take(tx, mail_id, 60) is None
    async with tools.database.account(account_id) as tx:
        assert (mail := await mails.take(tx, mail_id, 60)) is not None
        assert mail.recipient == CRM
