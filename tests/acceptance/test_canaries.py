"""Secrets and personal data come out where they belong and nowhere else, whatever goes wrong on the road.

A canary is planted wherever a secret, an address, a name or a value can stand; the real services, telling all that they
have to tell, are driven through failures of every kind; then all that came out is searched.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import asyncpg
import asyncssh
import pytest

from shared.bus.topology import EXCHANGE
from shared.transfer.keys import make_private_key
from tests.acceptance.canaries import Canaries
from tests.acceptance.canary_places import FOUND, NOWHERE, PLACES
from tests.acceptance.conftest import SHOPS, make_operator_key, own_system
from tests.acceptance.shop import Shop, import_goal, open_shop
from tests.acceptance.sinks import SERVICES, Sinks, overheard
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.integration.notifier.mail_server import Mailbox, serving
from tests.real.database_fixtures import PASSWORD
from tests.real.openssh import PrivateOpenSSH
from tests.real.otlp import Receiver, otlp_receiver
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import RabbitServer

PLANTED = "control"


@pytest.fixture
def collector() -> Iterator[Receiver]:
    """Where traces are sent."""
    with otlp_receiver() as made:
        yield made


@pytest.fixture
def loud_system(
    postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer, collector: Receiver
) -> Iterator[System]:
    """A system of this test's own, which tells its traces as well."""
    with own_system(postgres_server, template_database, rabbitmq) as made:
        made.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.endpoint
        made.variables["OTEL_BSP_SCHEDULE_DELAY"] = "200"
        yield made


@pytest.mark.timeout(240)
# The mail server warns of what this test wants: a login over loopback needs no TLS.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_no_canary_comes_out_where_it_does_not_belong(
    loud_system: System,
    collector: Receiver,
    own_openssh: Callable[..., PrivateOpenSSH],
    request: pytest.FixtureRequest,
) -> None:
    system, canaries, sinks = loud_system, Canaries(), Sinks(loud_system)
    async with _running(system, canaries, sinks) as shop:
        request.node.stash.setdefault(SHOPS, []).append(shop)
        await _ask_wrongly(shop, canaries)
        await asyncio.gather(
            _break_imports(shop, canaries),
            _break_places(shop, canaries, own_openssh),
            _log_in_wrongly(shop, canaries),
            _send_strange_messages(system, canaries),
        )
        await _break_the_database(shop, system)
        await _read_everything(shop)
        await sinks.collect()
    sinks.take("traces", *[body.decode("latin-1") for body in collector.bodies])
    _assert_search_works(sinks)
    seen = {(kind, sink) for sink, chunks in sinks.chunks.items() for kind in canaries.seen_in(chunks)}

    assert set(canaries.texts) == {*NOWHERE, *PLACES}, "say of each kind where it belongs"
    leaks = {(kind, sink) for kind, sink in seen if not re.fullmatch(PLACES.get(kind, "nowhere"), sink)}
    assert not leaks, "\n".join(f"{kind} came out in: {sink}" for kind, sink in sorted(leaks))
    unseen = FOUND - seen
    assert not unseen, "\n".join(f"{kind} was not seen in: {sink}" for kind, sink in sorted(unseen))


@asynccontextmanager
async def _running(system: System, canaries: Canaries, sinks: Sinks) -> AsyncIterator[Shop]:
    """All services, the loudest that they can be, and an account; beside them services whose settings are wrong."""
    canaries.plant("secret key", system.secret_key)
    canaries.plant("database password", PASSWORD)
    mailbox = Mailbox(login=(b"tidegate", canaries.plant("mail password").encode()))
    refused = f"{canaries.plant('refused address')}@shop.example"
    # Mail servers like to quote the address.
    mailbox.recipient_replies[refused] = [f"550 5.1.1 <{refused}> is unknown here"] * 50
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(mailbox))
        # Before the mail server goes, whatever happened: else their sessions outlive it.
        stack.callback(lambda: [each.kill() for each in system.running("notifier")])
        mail = {"log_level": "debug", "mail_directory": None, "smtp_url": _smtp(mailbox, mailbox.login)}
        await asyncio.to_thread(system.start, *SERVICES, **mail)
        _start_wrongly(system, canaries, mailbox)
        operator = await make_operator_key(system.place)
        await stack.enter_async_context(overheard(system, sinks))
        shop = await stack.enter_async_context(open_shop(system, operator))
        canaries.plant("api key", shop.client.headers["Authorization"].rpartition("_")[2])
        canaries.plant("drop password", shop.login["password"])
        canaries.plant("drop user", shop.login["username"])
        shop.client.event_hooks["response"].append(sinks.listen)
        yield shop
        # Whichever notifier has it in hand, a mail comes through in the end.
        await eventually(lambda: len(mailbox.taken) >= 3, "mails", limit_seconds=60)
        for to, message in mailbox.taken:
            head, _, body = message.as_string().partition("\n\n")
            sinks.take("head of a mail", to, head)
            sinks.take("body of a mail", body)


def _smtp(mailbox: Mailbox, login: tuple[bytes, bytes] | None) -> str:
    user, password = (each.decode() for each in login or (b"", b""))
    return f"smtp://{user}:{password}@{mailbox.host}:{mailbox.port}"


def _start_wrongly(system: System, canaries: Canaries, mailbox: Mailbox) -> None:
    """Services that cannot work: what they say of it is output like any other."""
    place = system.place
    system.launch(
        "exporter", log_level="debug", bus_url=_with_password(place.bus_url, canaries.plant("wrong bus password"))
    )
    url = _with_password(place.database_url, canaries.plant("wrong database password"))
    system.launch("exporter", log_level="debug", database_url=url)
    system.launch("exporter", secret_key=f"{system.secret_key},{canaries.plant('malformed secret key')}")
    wrong = (b"tidegate", canaries.plant("wrong mail password").encode())
    system.launch("notifier", log_level="debug", mail_directory=None, smtp_url=_smtp(mailbox, wrong))


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}"))


async def _ask_wrongly(shop: Shop, canaries: Canaries) -> None:
    """Requests that are refused, with a canary in every part of them."""
    client, plant = shop.client, canaries.plant
    connection = {"name": "n", "place": {"transport": "sftp", "host": "files.example", "username": "u"}}
    broken = (
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{plant('unreadable private key')}\n-----END OPENSSH PRIVATE KEY-----"
    )
    bodies: list[Any] = [
        {**connection, "password": [plant("mistyped password")]},
        {**connection, "private_key": broken},
        {**connection, "private_key": make_private_key(), "passphrase": {"x": canaries.texts["mistyped password"]}},
        {**connection, "host_keys": plant("unknown field"), canaries.texts["unknown field"]: 1},
    ]
    for body in bodies:
        assert (await client.post("/v1/connections", json=body)).status_code == 422
    malformed = f'{{"name": "{plant("malformed body")}", "password": {canaries.texts["malformed body"]}'
    json = {"Content-Type": "application/json"}
    assert (await client.post("/v1/connections", content=malformed, headers=json)).status_code == 422
    query = {plant("query name"): plant("query value"), "email": f"{canaries.texts['query value']}@shop.example"}
    for path in ("/v1/profiles", "/v1/runs", "/v1/arrivals", "/v1/keys"):
        assert (await client.get(path, params=query)).status_code == 422
        assert (
            await client.get(path, params={"cursor": plant("cursor") if path.endswith("profiles") else "x"})
        ).is_error
    await client.get("/v1/profiles", params={"email": query["email"]})
    unknown = plant("unknown path")
    for path in (
        f"/v1/runs/{unknown}",
        f"/v1/properties/{unknown}",
        f"/v1/{unknown}",
        f"/{unknown}?{unknown}={unknown}",
    ):
        for method in ("GET", "PUT", "DELETE", "PROPFIND"):
            assert (await client.request(method, path)).is_error
    tag = {"If-Match": f'"{plant("entity tag")}"'}
    await client.put(f"/v1/connections/{shop.connection_id}", json=connection, headers=tag)
    for token in (f"Bearer tg_{plant('wrong api key')}_x", f"Basic {canaries.texts['wrong api key']}", "Bearer x"):
        assert (await client.get("/v1/runs", headers={"Authorization": token})).status_code == 401


async def _break_imports(shop: Shop, canaries: Canaries) -> None:
    """Files of the hosted folder: one that is imported, with rejects; others that fail for every reason."""
    plant = canaries.plant
    await shop.ask(
        "POST",
        "/v1/keys",
        201,
        json={"name": "k", "scopes": ["runs:read"], "email": f"{plant('contact address')}@shop.example"},
    )
    name = plant("property")
    for each, label in {name: plant("label"), "phone": ""}.items():
        await shop.ask("POST", "/v1/properties", 201, json={"name": each, "type": "text", "label": label})
    told = {
        "feedback": {
            "emails": [f"{canaries.texts[kind]}@shop.example" for kind in ("contact address", "refused address")],
            "when": "always",
        }
    }
    goal = {
        **import_goal("*.csv*", sums=False, **told),
        "name": plant("goal name"),
        "dialect": {"delimiter": ";"},
        "mapping": [{"field": "name", "property": name}, {"field": "phone", "property": "phone"}],
    }
    headers = {"Idempotency-Key": plant("idempotency key")}
    goal_id = (await shop.ask("POST", f"/v1/connections/{shop.connection_id}/goals", 201, json=goal, headers=headers))[
        "id"
    ]
    await shop.client.post(f"/v1/goals/{goal_id}/runs", headers=headers)
    head = f"email;name;phone;{plant('header name')}\n"
    file = f"{plant('file name')}.csv"
    rows = [
        f"{plant('profile e-mail')}@shop.example;{plant('profile name')};{canaries.phone('profile phone')};x",
        f"{plant('rejected e-mail')}(at)shop.example;n;;x",
        f"a@shop.example;{plant('rejected value')};no phone;x;too;many",
    ]
    await shop.drop(file, (head + "\n".join(rows) + "\n").encode())
    await shop.await_runs(file, "completed_with_rejects")
    await _forbid(shop, name, plant("breaking value"))
    person = plant("headerless value")
    failing = {
        "headerless.csv": f"{person}@shop.example;{person};+31201234567\n".encode(),
        "breaking.csv": f"{head}c@shop.example;{canaries.texts['breaking value']};;x\n".encode(),
        "damaged.csv.gz": b"\x1f\x8b\x08\0\0\0\0\0" + plant("damaged content").encode(),
        "undecodable.csv": f"{plant('undecodable content')}\xff;email\n".encode("latin-1"),
    }
    for path, content in failing.items():
        await shop.drop(path, content)
    shop.system.failpoints.joinpath("armed-importer.staged").write_text("raise")
    await shop.drop("struck.csv", f"{head}d@shop.example;{canaries.texts['profile name']};;x\n".encode())
    for path in failing:
        await shop.await_runs(path, "failed")
    await eventually(lambda: shop.system.was_reached("importer.staged"), "the failpoint")
    await shop.drop(f"{plant('unmatched name')}.txt", b"x")
    async with shop.folder() as sftp:
        await sftp.mkdir(plant("uploaded directory"))
        with pytest.raises(asyncssh.SFTPError):
            await sftp.open(f"{canaries.texts['uploaded directory']}\x01", "wb")


async def _forbid(shop: Shop, name: str, value: str) -> None:
    """From now on the database itself refuses a value of a property, and quotes the whole row when it does."""
    connection = await asyncpg.connect(shop.system.place.superuser_dsn, timeout=10)
    try:
        await connection.execute(
            f"ALTER TABLE \"account_{shop.account_id.hex}\".profiles ADD CHECK (p_{name} IS DISTINCT FROM '{value}')"
        )
    finally:
        await connection.close(timeout=10)


async def _break_places(shop: Shop, canaries: Canaries, own_openssh: Callable[..., PrivateOpenSSH]) -> None:
    """Partners that cannot be reached, do not let us in, are not who they were, or lack a directory."""
    plant = canaries.plant
    server = await asyncio.to_thread(own_openssh)
    passphrase = plant("passphrase")
    generated = asyncssh.generate_private_key("ssh-ed25519")
    key = generated.export_private_key("openssh", passphrase=passphrase, rounds=50).decode()
    canaries.plant("private key", key.splitlines()[3][:40])
    user, password = plant("partner user"), plant("partner password")
    there = {"transport": "sftp", "host": "127.0.0.1", "port": server.port, "host_keys": list(server.host_keys())}
    ours = {**there, "username": server.username, "home_directory": str(server.drop)}
    right = {"private_key": server.client_key.read_text()}
    places = [
        ({**there, "username": user, "home_directory": plant("home directory")}, {"password": password}),
        ({**there, "username": user}, {"private_key": key, "passphrase": passphrase}),
        ({"transport": "sftp", "host": f"{plant('host')}.invalid", "username": user}, {"password": password}),
        ({**ours, "host_keys": []}, right),
        (ours, right),
    ]
    name = plant("connection name")
    directory = plant("directory")
    for place, secrets in places:
        sent = {"name": name, "interval_seconds": 10, "place": place, **secrets}
        made = await shop.ask("POST", "/v1/connections", 201, json=sent)
        goals = f"/v1/connections/{made['id']}/goals"
        await shop.ask("POST", goals, 201, json=import_goal(sums=False, source={"directory": directory}))
        await shop.client.post(f"/v1/connections/{made['id']}/verify")
    server.change_host_keys("ed25519")
    changed = await shop.ask("POST", "/v1/connections", 201, json={"name": name, "place": ours, **right})
    await shop.client.post(f"/v1/connections/{changed['id']}/verify")

    async def are_told() -> bool:
        codes = await shop.ledger.notifications()
        return {"login_refused", "host_key_changed", "host_key_unknown"} <= set(codes)

    await eventually(are_told, "the places' failures to be told", limit_seconds=60)


async def _log_in_wrongly(shop: Shop, canaries: Canaries) -> None:
    """Logins to the hosted server that it refuses."""
    user, password = shop.login["username"], canaries.plant("wrong drop password")
    for username in (user, canaries.plant("wrong drop user")):
        with pytest.raises((asyncssh.Error, OSError)):
            await asyncssh.connect(
                "127.0.0.1",
                shop.system.sftp_port,
                username=username,
                password=password,
                known_hosts=None,
                config=None,
                agent_path=None,
                client_keys=None,
            )


async def _send_strange_messages(system: System, canaries: Canaries) -> None:
    """Messages that nobody of ours would send: what is parked keeps its body, what is told of it does not quote it."""
    text = canaries.plant("message body")
    async with await aio_pika.connect(system.place.bus_url) as connection:
        exchange = await (await connection.channel()).get_exchange(system.prefix + EXCHANGE)
        for key in ("file.arrived.v1", "run.finished.v1"):
            await exchange.publish(aio_pika.Message(f'{{"run_id": "{text}"}}'.encode(), message_id="1", type=key), key)


async def _break_the_database(shop: Shop, system: System) -> None:
    """Every session of the services is ended under them, again and again, while files come."""
    connection = await asyncpg.connect(system.place.superuser_dsn, timeout=10)
    try:
        for number in range(3):

            async def is_dropped(name: str = f"late_{number}.csv") -> bool:
                try:
                    await shop.drop(name, b"email;name;phone\ne@shop.example;Ann;\n")
                except (asyncssh.Error, OSError):
                    # The session that checks the login may be the one that was ended: who logs in is told to try again.
                    return False
                return True

            await eventually(is_dropped, "an upload between the breaks", every_seconds=0.5)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND usename LIKE 'tidegate%'"
            )
    finally:
        await connection.close(timeout=10)
    await shop.await_quiet()


async def _read_everything(shop: Shop) -> None:
    """Every list, and every thing in it by its own address."""
    lists = ("keys", "properties", "profiles", "connections", "runs", "arrivals", "drop-folders", "notifications")
    for name in lists:
        for each in (await shop.ask("GET", f"/v1/{name}", 200))["items"]:
            path = f"/v1/{name}/{each.get('id') or each['name']}"
            await shop.ask("GET", path, 200)
            more = {"connections": ["goals"], "drop-folders": ["credentials"], "runs": ["rejects", "rejects.csv"]}
            for below in more.get(name, []):
                await shop.client.get(f"{path}/{below}")
    await shop.ask("GET", "/openapi.json", 200)
    await shop.client.get("/docs")


def _assert_search_works(sinks: Sinks) -> None:
    """Every kind of output is there, and a canary that is put into it is found."""
    expected = {f"{what} {service}" for what in ("log of", "metrics of") for service in SERVICES}
    expected |= {"outbox", "message", "parked message", "probes", "traces", "head of a mail", "body of a mail"}
    assert expected <= set(sinks.chunks)
    control = Canaries()
    text = control.plant(PLANTED)
    for sink, chunks in sinks.chunks.items():
        assert any(chunks), sink
        assert control.seen_in(chunks) == set()
        assert control.seen_in([*chunks, f"x{text}x"]) == {PLANTED}
