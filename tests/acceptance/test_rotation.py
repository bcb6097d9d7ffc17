"""The key that secrets are sealed with is replaced while files are imported, and the old one is worth nothing then."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from shared.storage.secrets import new_key
from tests.acceptance.conftest import SHOPS, make_operator_key, own_system
from tests.acceptance.shop import Shop, content_of, import_goal, open_shop, people
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.real.openssh import PrivateOpenSSH
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import RabbitServer

STABLE = {"readiness": {"strategy": "stable", "minimum_age_seconds": 0}}
FILES = 4


@pytest.fixture
def rotating_system(
    postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer
) -> Iterator[System]:
    """A system of this test's own: its key is changed."""
    with own_system(postgres_server, template_database, rabbitmq) as made:
        yield made


async def _restarted_with(system: System, keys: str, *services: str) -> None:
    """These services have these keys from now on; the others run on with theirs."""
    system.secret_key = keys
    await asyncio.to_thread(system.stop, *[each for name in services for each in system.running(name)])
    await asyncio.to_thread(system.start, *services)


async def _imported(shop: Shop, goal: str, *names: str) -> None:
    """Ask for looks until each of these files was imported once."""

    async def are_there() -> bool:
        await shop.client.post(f"/v1/goals/{goal}/runs")
        states = {each["path"]: each["state"] for each in await shop.ledger.runs()}
        return all(states.get(name) == "completed" for name in names)

    await eventually(are_there, f"{names} to be imported", limit_seconds=90)


@pytest.mark.timeout(300)
async def test_a_key_is_rotated_under_running_imports_and_then_left_out(
    rotating_system: System, own_openssh: Callable[..., PrivateOpenSSH], request: pytest.FixtureRequest
) -> None:
    system, partner = rotating_system, own_openssh()
    old, new = system.secret_key, new_key()
    await _restarted_with(system, old, "api")
    async with open_shop(system, await make_operator_key(system.place), hosted=False) as shop:
        request.node.stash.setdefault(SHOPS, []).append(shop)
        place = {
            "transport": "sftp",
            "host": "127.0.0.1",
            "port": partner.port,
            "username": partner.username,
            "home_directory": str(partner.drop),
            "host_keys": list(partner.host_keys()),
        }
        login = {"private_key": partner.client_key.read_text()}
        await shop.connect({"name": "Partner", "interval_seconds": 10, "place": place, **login})
        goal = await shop.add_goal(import_goal(source=STABLE))
        await _restarted_with(system, f"{new},{old}", "api", "poller", "importer")

        names = [f"contacts_{number}.csv" for number in range(FILES)]
        for number, name in enumerate(names[:-1]):
            partner.put(name, content_of(people(200, points=2**number)))
        importing = asyncio.create_task(_imported(shop, goal, *names[:-1]))
        rotated = system.command("secrets", "rotate")
        assert await asyncio.to_thread(rotated.await_end) == 0, rotated.tail()
        assert "Resealed 1 secrets in 1 accounts" in rotated.tail()
        assert "take it out of TIDEGATE_SECRET_KEY" in rotated.tail()
        assert not [key for key in (old, new) if key in rotated.tail()]
        await importing

        await _restarted_with(system, new, "poller", "importer")
        partner.put(names[-1], content_of(people(200, points=2 ** (FILES - 1))))
        await _imported(shop, goal, *names)
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {2**FILES - 1}

        system.secret_key = old
        stale = system.command("service", "importer")
        assert await asyncio.to_thread(stale.await_end) == 2
        assert "TIDEGATE_SECRET_KEY lacks a key" in stale.tail()
