"""One trace from a file's arrival to its receipt, over all services and the bus, as a collector receives it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import SHOPS, make_operator_key, own_system
from tests.acceptance.shop import content_of, open_shop, people
from tests.acceptance.system import SERVICES, System
from tests.eventually import eventually
from tests.real.otlp import Received, Receiver, otlp_receiver
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import RabbitServer

ROAD = {
    ("tidegate-poller", "arrival"),
    ("tidegate-importer", "file.arrived.v1 process"),
    ("tidegate-importer", "run.import"),
    ("tidegate-importer", "import.fetch"),
    ("tidegate-importer", "import.stage"),
    ("tidegate-importer", "import.merge"),
    ("tidegate-importer", "arrival.ended.v1 process"),
    ("tidegate-notifier", "run.finished.v1 process"),
    ("tidegate-notifier", "mail"),
}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A collector."""
    with otlp_receiver() as made:
        yield made


@pytest.fixture(scope="module")
def traced(
    postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer, receiver: Receiver
) -> Iterator[System]:
    """A system that sends its spans there, without waiting long for more of them."""
    with own_system(postgres_server, template_database, rabbitmq) as system:
        system.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.endpoint
        system.variables["OTEL_BSP_SCHEDULE_DELAY"] = "200"
        system.start(*SERVICES, "importer")
        yield system


async def test_one_trace_holds_the_road_of_a_file(
    traced: System, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    async with open_shop(traced, await make_operator_key(traced.place)) as shop:
        request.node.stash.setdefault(SHOPS, []).append(shop)
        await shop.add_goal(None)
        await shop.drop("contacts_a.csv", content_of(people(20)))
        (run,) = await shop.await_runs("contacts_a.csv", "completed")
        await shop.await_mails("contacts_a.csv")

        def of_the_run() -> list[Received]:
            run_id = str(run["run_id"])
            (trace_id,) = {
                each.trace_id
                for each in receiver.spans
                if each.name == "run.import" and each.attributes["tidegate.run_id"] == run_id
            } or {""}
            return [each for each in receiver.spans if each.trace_id == trace_id]

        await eventually(lambda: {(each.service, each.name) for each in of_the_run()} >= ROAD, "the spans of the road")

        spans = of_the_run()
        known = {each.span_id for each in spans}
        assert [each.name for each in spans if each.parent_id not in known | {""}] == []
        assert {each.service for each in spans if each.name == "run.finished.v1 send"}
        assert not any(each.is_failed for each in spans)
        assert "@" not in str(receiver.spans)


async def test_a_run_that_fails_is_a_failed_span_with_its_code(
    traced: System, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    async with open_shop(traced, await make_operator_key(traced.place)) as shop:
        request.node.stash.setdefault(SHOPS, []).append(shop)
        await shop.add_goal()
        await shop.drop("contacts_a.csv", b"")
        await shop.await_runs("contacts_a.csv", "failed")

        def failed() -> bool:
            return any(each.name == "run.import" and each.is_failed for each in receiver.spans)

        await eventually(failed, "the span of a failed run")
